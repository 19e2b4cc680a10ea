"""Distances between the coefficients' distributions, by sorting: every coefficient gets a
gradient, where a histogram's bins give one only near their edges."""

from __future__ import annotations

import torch
from torch import Tensor

from forensics_antiforensics.losses.paper import subbands


def pooled(plane: Tensor) -> Tensor:
    """Float `[N, H, W]` -> the subbands of the whole batch together, `[64, N * blocks]`."""
    return subbands(plane).transpose(0, 1).flatten(1)


def sorted_miss(values: Tensor, wanted: Tensor) -> Tensor:
    """Wasserstein-1 distance of two samples of equal size along the last axis."""
    return (values.sort(-1)[0] - wanted.sort(-1)[0]).abs().mean(-1)


def coefficient_distance(output: Tensor, target: Tensor) -> Tensor:
    """Mean over the 63 AC subbands of the distance over (the target's s.d. + 0.5).

    output, target: from `pooled`.
    """
    miss = sorted_miss(output[1:], target[1:])
    return (miss / (target[1:].std(1) + 0.5)).mean()


def comb_distance(output: Tensor, target: Tensor, steps: Tensor) -> Tensor:
    """The same for a coefficient's place in its quantisation bin, DC too, each subband weighed by
    its share of non-zero levels: what the estimate of a step looks at.

    output, target: from `pooled`; steps: `[8, 8]`, the batch's one table.
    """
    step = steps.flatten()[:, None].to(output.dtype)
    level = torch.round(target / step)
    places = [c / step - torch.round((c / step).detach()) for c in (output, target)]
    share = (level != 0).to(output.dtype).mean(1)
    miss = sorted_miss(*places)
    return (share * miss).sum() / share.sum().clamp(min=1e-3)
