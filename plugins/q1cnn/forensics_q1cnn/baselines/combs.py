"""The first lattice on a grid of its own: a comb, blurred by the second quantisation."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from forensics import device
from forensics_q1cnn.baselines import compiled_combs
from forensics_q1cnn.baselines.blocks import MOST, candidates
from forensics_q1cnn.baselines.compiled_combs import WAVES
from forensics_q1cnn.baselines.mixture import ROUNDS, START, WHOLE, Mixing, evidence
from forensics_q1cnn.tables import CAPS, STEPS

# A comb of blur s and step q has WAVES waves worth of detail only while s / q is this at least.
_SHARPEST = 0.06
LEAST = 1e-3  # of a density, which so few waves can bring below 0
_USUAL = 0.1  # of a mean density, which a patch of few different values can bring to 0


def blur(deviations: Tensor) -> Tensor:
    """What the blur leaves of the waves of a comb of each step: 2 exp(-2 (pi j s / q)**2) for
    j = 1..WAVES. deviations: float32 `[N, 15]`. Returns float32 `[N, 15, MOST, WAVES]`."""
    steps, _ = candidates(deviations.device)
    j = torch.arange(1, WAVES + 1, device=deviations.device)
    relative = (deviations[..., None] / steps).clamp_min(_SHARPEST)
    return 2 * torch.exp(-2 * (math.pi * relative[..., None] * j).square())


def waves(x: Tensor) -> Tensor:
    """Means of cos(2 pi j x / q) over the coefficients, for j = 1..WAVES and every first step q.
    x: float32 `[N, 15, blocks]`. Returns float32 `[N, 15, MOST, WAVES]`; 0 above the caps."""
    found = x.new_zeros(len(x), STEPS, MOST, WAVES)
    if device.compiled(x):
        given, made = x.numpy(), found.numpy()
        samples = x[0].numel() * MOST

        def work(part: slice) -> None:
            compiled_combs.waves(given[part], np.array(CAPS), made[part])

        device.parallel_for(work, len(x), samples)
        return found
    for i in range(STEPS):
        turn = _turn(x[:, i])
        for j in range(WAVES):
            found[:, i, :, j] = torch.cos((j + 1) * turn).mean(2)
    _, known = candidates(x.device)
    return found * known[..., None]


def usual(waves: Iterable[Tensor]) -> Tensor:
    """Their mean over the shifted grids: what is found without a first JPEG on one of them."""
    total = sum(waves, start=torch.zeros(()))
    return total / 63


def _turn(x: Tensor) -> Tensor:
    """2 pi x / q for every first step, `[N, MOST, blocks]`."""
    return 2 * torch.pi * x[:, None] / candidates(x.device)[0][:, None]


def shifted(x: Tensor, left: Tensor, usual: Tensor, mixing: Mixing) -> Tensor:
    """Evidence of each first step on one shifted grid, float32 `[N, 15, MOST]`; 0 above the caps.

    x: coefficients on it, float32 `[N, 15, blocks]`. left: of `blur`. usual: of `waves`, on all
    grids, that is without a first JPEG on this one. The density of a comb relative to a flat one,
    sum over m of q N(x - q m; s**2), is 1 + sum over j of left_j cos(2 pi j x / q) (Poisson).
    """
    expected = (1 + (left * usual).sum(3)).clamp_min(_USUAL)
    if device.compiled(x):
        found = torch.zeros_like(expected)
        given = x.numpy(), left.contiguous().numpy(), expected.numpy()
        made = found.numpy()
        share, rounds = (START, ROUNDS) if mixing == "em" else (WHOLE, 0)

        def work(part: slice) -> None:
            x, left, expected = (each[part] for each in given)
            caps, start = np.array(CAPS), np.float32(share)
            compiled_combs.evidence(x, left, expected, caps, start, rounds, made[part])

        device.parallel_for(work, len(x), x[0].numel() * MOST)
        return found
    every = []
    for i in range(STEPS):
        turn = _turn(x[:, i])
        density = torch.ones_like(turn)
        for j in range(WAVES):
            density += left[:, i, :, j, None] * torch.cos((j + 1) * turn)
        every.append(evidence(density.clamp_min(LEAST) / expected[:, i, :, None], mixing))
    _, known = candidates(x.device)
    return torch.stack(every, 1) * known
