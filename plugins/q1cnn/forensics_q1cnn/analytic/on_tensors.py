"""The likelihood of `likelihood` with tensors, for any device."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from forensics_q1cnn.analytic.compiled import BLURRED, FEWEST, LEAST, MOST, STRAY, WIDER


class _Signal(NamedTuple):
    """Of N patches at 64 frequencies, `[N, 64]`: the scale of the Laplacian, infinite for the DC;
    the density of the strays at 0, and at what rate it falls."""

    scale: Tensor
    density: Tensor
    rate: Tensor


def shifted(windows: Tensor, sound: Tensor, spread: Tensor, steps: Tensor) -> Tensor:
    """float32 `[N, 63, 64, K]`: of the phases 1 to 63. Arguments as `compiled.shifted`."""
    found = []
    for phase in range(1, 64):
        top, left = divmod(phase, 8)
        values = windows[:, top::8, left::8].abs().flatten(1, 2).transpose(1, 2)
        kept = _kept(sound[:, top::8, left::8].flatten(1))
        s = spread[:, phase]
        signal = _signal(values, kept, s)
        lattices = _lattices(steps, BLURRED * s)
        logs = _densities(values[:, :, None], lattices, s[..., None, None], signal).log()
        found.append(_against_none(logs, kept))
    return torch.stack(found, 1)


def aligned(
    levels: Tensor, sound: Tensor, seconds: Tensor, spread: Tensor, s: float, steps: Tensor
) -> Tensor:
    """float32 `[N, 64, K]`: of phase 0. Arguments as `compiled.aligned`."""
    magnitude = levels.abs().double().transpose(1, 2)
    width = seconds.double()[..., None]
    kept = _kept(sound)
    signal = _Signal(*(part.double() for part in _signal(magnitude * width, kept, spread)))
    lattices = _lattices(steps, torch.full_like(spread, BLURRED * s)).double()
    magnitude, width = magnitude[:, :, None], width[..., None]
    outer = _beyond((magnitude + 0.5) * width, lattices, s, signal)
    inner = _beyond((magnitude - 0.5).abs() * width, lattices, s, signal)
    inner = torch.where(magnitude == 0, 1 - inner, inner)
    inside = (inner - outer).clamp_min(0) / width
    logs = ((1 - STRAY) * inside + _strays(magnitude * width, signal)).log()
    return _against_none(logs, kept).float()


def _kept(sound: Tensor) -> Tensor:
    return sound | (sound.sum(1) < FEWEST)[:, None]


def _signal(values: Tensor, kept: Tensor, s: Tensor) -> _Signal:
    square = (values.square() * kept[:, None]).sum(2) / kept.sum(1)[:, None]
    signal = (square - s.square()).maximum(LEAST * s.square())
    wide = WIDER * (signal + s.square()).sqrt()
    scale, density, rate = (signal / 2).sqrt(), STRAY / (2 * wide), 1 / wide
    scale[:, 0], density[:, 0], rate[:, 0] = torch.inf, STRAY, 0
    return _Signal(scale, density, rate)


def _lattices(steps: Tensor, finest: Tensor) -> Tensor:
    """`[N, 64, K + 1, 1]`: the steps, none finer than what can be seen, and the finest."""
    wide = torch.cat([steps, steps.new_zeros(64, 1)], 1)
    return wide.expand(len(finest), -1, -1).maximum(finest[..., None])[..., None]


def _against_none(logs: Tensor, kept: Tensor) -> Tensor:
    """Sums over blocks, less that of the last lattice, which stands for none."""
    total = (logs * kept[:, None, None]).sum(3)
    return total[..., :-1] - total[..., -1:]


def _strays(values: Tensor, signal: _Signal) -> Tensor:
    return signal.density[..., None, None] * _decay(values * signal.rate[..., None, None])


def _decay(z: Tensor) -> Tensor:
    return torch.exp(-z.clamp_max(MOST))


def _cells(q: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    half = torch.exp(-q / (2 * b))
    ratio = half.square()
    flat = b.isinf()
    middle = torch.where(flat, q, 1 - half)
    return middle, torch.where(flat, q, 0.5 * half * (1 - ratio)), ratio


def _densities(values: Tensor, q: Tensor, s: Tensor, signal: _Signal) -> Tensor:
    b = signal.scale[..., None, None]
    middle, first, ratio = _cells(q, b)
    place = values / q
    m = place.floor()
    t = place - m
    u = 1 - t
    far = first * _decay((m - 2).clamp_min(0) * (q / b))
    below = torch.where(m >= 2, far, torch.where(m >= 1, middle, first))
    here = torch.where(m < 1, middle, torch.where(m < 2, first, far * ratio))
    above = torch.where(m < 1, first, here * ratio)
    sharp = q.square() / (2 * s.square())
    total = here * _decay(t.square() * sharp) + above * _decay(u.square() * sharp)
    total = total + below * _decay((1 + t).square() * sharp)
    total = total + above * ratio * _decay((1 + u).square() * sharp)
    return (1 - STRAY) / (s * math.sqrt(2 * math.pi)) * total + _strays(values, signal)


def _beyond(y: Tensor, q: Tensor, s: float, signal: _Signal) -> Tensor:
    b = signal.scale[..., None, None]
    middle, first, ratio = _cells(q, b)
    m = (y / q).floor()
    flat = b.isinf()
    total = torch.where(flat, 0.5 - q * (m - 1.5), 0.5 * torch.exp(-q * (m + 2.5) / b))
    for k in (m - 1, m, m + 1, m + 2):
        cell = torch.where(k == 0, middle, first * ratio ** (k.abs() - 1))
        total = total + cell * (0.5 * torch.erfc((y - q * k) / (s * math.sqrt(2))) - flat.double())
    return total
