"""Histograms with a gradient: a soft one, and an exact one that borrows its gradient."""

from __future__ import annotations

import torch
from torch import Tensor


def soft_histogram(values: Tensor, gamma: float = 100.0, low: int = -60, high: int = 60) -> Tensor:
    """The shares of values in the bins (b, b + 1), b = low .. high - 1.

    values: float `[..., M]`. Returns `[..., high - low]`. With the cumulative
    C_b = mean of sigmoid(gamma (value - b)) the bin is C_b - C_{b+1} (Wang and Zhang, 2016,
    "Double JPEG compression forensics based on a convolutional neural network"; Kim, Ahn and
    Lee, 2021, eqs. 6-8, with the sign that makes it positive).

    Only the threshold nearest to a value is computed. gamma is at least 50: half a bin away such
    a sigmoid is 0 or 1 to 2e-11. Raises ValueError for a smaller one.
    """
    if gamma < 50:
        raise ValueError(f"a gamma of {gamma} reaches past the nearest threshold; take 50 or more")
    bins = high - low
    near = values.detach().round().clamp(low - 1, high + 1)
    above = torch.sigmoid(gamma * (values - near))
    # A value next to threshold b is in bin b with the share `above`, in bin b - 1 with the rest.
    # One more bin at each end takes what lies outside.
    index = (near - low).long() + 1
    shape = (*values.shape[:-1], bins + 3)
    counts = values.new_zeros(shape).scatter_add(-1, index, above)
    counts = counts.scatter_add(-1, index - 1 + (index == 0).long(), 1 - above)
    return counts[..., 1 : bins + 1] / values.shape[-1]


def hard_histogram(values: Tensor, low: int = -60, high: int = 60) -> Tensor:
    """The exact shares of values in the bins [b, b + 1), b = low .. high - 1, with a gradient.

    values: float `[..., M]`. Returns `[..., high - low]`; values outside count in M only.
    Straight-through: the gradient is that of the histogram in which each value is shared between
    the two bins whose centres are next to it, in proportion to its nearness: it moves every value,
    where that of the soft histogram moves those next to a threshold only.
    """
    ones = values.new_ones(()).expand_as(values)
    below = (values.detach() - 0.5).floor()
    share = values - 0.5 - below
    linear = _shares(below, 1 - share, low, high) + _shares(below + 1, share, low, high)
    exact = _shares(values.detach().floor(), ones, low, high)
    return exact + (linear - linear.detach())


def _shares(bins: Tensor, weights: Tensor, low: int, high: int) -> Tensor:
    """Sums of weights by bin over M; one bin more at each end takes what lies outside."""
    index = (bins.clamp(low - 1, high) - low).long() + 1
    counts = weights.new_zeros(*weights.shape[:-1], high - low + 2)
    return counts.scatter_add(-1, index, weights)[..., 1:-1] / weights.shape[-1]
