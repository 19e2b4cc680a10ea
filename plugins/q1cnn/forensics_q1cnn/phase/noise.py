"""How strongly the second JPEG blurs the lattice of the first, on each phase and frequency."""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

# Variance of rounding the first decoded image to integers: of gray levels, and of RGB and back.
GRAY, COLOUR = 1 / 12, 0.25


@cache
def _weights() -> Tensor:
    """w[a, i, u] of one axis: the share of the error of second-grid frequency u in frequency i of
    a grid that begins a pixels further."""
    n, k = torch.arange(8.0, dtype=torch.float64)[:, None], torch.arange(8.0, dtype=torch.float64)
    scale = torch.where(k == 0, 1 / math.sqrt(8), 0.5)
    dct = (torch.cos((2 * n + 1) * k * math.pi / 16) * scale).T  # [frequency, sample]
    shares = []
    for a in range(8):
        here = dct[:, : 8 - a] @ dct[:, a:].T
        beyond = dct[:, 8 - a :] @ dct[:, :a].T
        shares.append(here**2 + beyond**2)
    return torch.stack(shares).float()


def second_rounding(levels: Tensor, steps: Tensor) -> Tensor:
    """Variance of the second JPEG's rounding error at each frequency.

    levels: int `[N, blocks, 64]`; steps: `[N, 64]`. Returns float32 `[N, 64]`.
    """
    return rounding_error((levels == 0).sum(1), levels.shape[1], steps)


def rounding_error(zeros: Tensor, blocks: int, steps: Tensor) -> Tensor:
    """The same from how many of so many levels are zero, `[N, 64]`. Uniform over the bin where
    the level is not zero; inside the zero bin that of a Laplacian whose scale follows from the
    share of zeros.
    """
    q = steps.to(torch.float32)
    zero = (zeros + 0.25) / (blocks + 0.5)
    z = -torch.log1p(-zero)
    b, h = q / (2 * z), q / 2
    e = torch.exp(-z)
    inside = 2 * b**2 - e / -torch.expm1(-z) * (h**2 + 2 * h * b)
    inside = torch.minimum(inside.clamp_min(0), q**2 / 12)
    return zero * inside + (1 - zero) * q**2 / 12


def deviation(variance: Tensor, phases: Tensor, rounding: float) -> Tensor:
    """The s.d. of a coefficient around the first lattice.

    variance: `[N, 64]` in natural order; phases: int64 `[N, P]`, 8 row + column; rounding: `GRAY`
    or `COLOUR`, the variance that rounding the first image to integers adds. Returns float32
    `[N, P, 64]` in natural order.
    """
    w = _weights().to(variance.device)
    planes = variance.view(-1, 1, 8, 8)
    spread = w[phases // 8] @ planes @ w[phases % 8].transpose(-1, -2)
    return (spread.flatten(2) + rounding).sqrt()
