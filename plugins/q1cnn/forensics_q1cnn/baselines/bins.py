"""The first lattice in the second JPEG's bins, where both have one grid."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from forensics_q1cnn.baselines.blocks import MOST, coefficients, levels, second_steps
from forensics_q1cnn.baselines.mixture import Mixing, evidence
from forensics_q1cnn.phase.features import Luma
from forensics_q1cnn.tables import STEPS

_TAIL = 6  # standard deviations of rounding noise
_LEVELS = 1025  # |level| from 0 to that of a coefficient of 1024 at step 1; larger ones count there
_LEAST = 0.1  # of the mean of k, which a patch of few different values can bring to 0


@lru_cache(maxsize=512)
def shares(second: int, rounding: float) -> Tensor:
    """k(n) for each first step q1 = 1..MOST: how much of what the first JPEG left falls into bin n
    of the second, relative to what would without a first JPEG. float32 `[MOST, MOST]`; k(n) is
    symmetric and has the period q1, so column n stands for all n modulo q1.

    rounding: variance of the rounding of the first decoded image to integers. Bianchi and Piva
    (IEEE Trans. Information Forensics and Security, 2012) count the first lattice's points q1 m
    in the bin; rounding blurs them: k(n) = (q1 / q2) sum over m of
    Phi((q2 (n + 1/2) - q1 m) / s) - Phi((q2 (n - 1/2) - q1 m) / s).
    """
    s = math.sqrt(rounding)
    table = torch.zeros(MOST, MOST, dtype=torch.float64)
    for first in range(1, MOST + 1):
        centre = second * torch.arange(first, dtype=torch.float64)[:, None]
        reach = math.ceil((second / 2 + _TAIL * s) / first) + 1
        points = first * ((centre / first).round() + torch.arange(-reach, reach + 1))
        upper, lower = ((centre + half - points) / s for half in (second / 2, -second / 2))
        inside = torch.special.ndtr(upper) - torch.special.ndtr(lower)
        table[first - 1, :first] = first / second * inside.sum(1)
    return table.float()


def recut(seen: Luma) -> Tensor:
    """Histograms of the levels that the image would have without a first JPEG on this grid: those
    of all 63 other grids. float32 `[N, 15, levels]`, of |n| from 0 on; each sums to 1."""
    steps = second_steps(seen)[..., None]
    found = seen.planes.new_zeros(len(seen), STEPS, _LEVELS)
    for phase in range(1, 64):
        x = coefficients(seen.planes, phase)
        place = (x.abs() / steps).round().long().clamp(max=_LEVELS - 1)
        found.scatter_add_(2, place, torch.ones_like(x))
    return found / found.sum(2, keepdim=True)


def aligned(seen: Luma, without: Tensor, mixing: Mixing) -> Tensor:
    """Evidence of each first step, float32 `[N, 15, MOST]`. without: of `recut`."""
    device = seen.planes.device
    second, which = second_steps(seen).unique(return_inverse=True)
    tables = torch.stack([shares(q, seen.rounding) for q in second.tolist()]).to(device)
    q = torch.arange(1, MOST + 1, device=device)[:, None]
    rows = (q - 1) * MOST
    every = torch.arange(int(without.sum((0, 1)).nonzero().max()) + 1, device=device)
    n = levels(seen).abs()
    found = []
    for i in range(STEPS):  # one at a time, for the memory of large images
        start = which[:, i, None, None] * MOST**2 + rows
        usual = (tables.take(start + every % q) * without[:, i, None, : len(every)]).sum(2)
        ratios = tables.take(start + n[:, i, None] % q) / usual[..., None].clamp_min(_LEAST)
        found.append(evidence(ratios, mixing))
    return torch.stack(found, 1)
