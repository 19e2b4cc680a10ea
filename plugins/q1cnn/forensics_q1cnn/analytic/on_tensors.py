"""The likelihood of `likelihood` with tensors, for any device."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from forensics_q1cnn.analytic.compiled import BLURRED, FEWEST, LEAST, MOST, STRAY, WIDER, ZEROS


class _Model(NamedTuple):
    """Of N patches at 64 frequencies, `[N, 64, 1, 1]`: the share of zeros; the scale of the
    Laplacian, infinite for the DC; the density of the strays at 0, and at what rate it falls."""

    zeros: Tensor
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
        logs = partial(_density_logs, values[:, :, None], s[..., None, None])
        found.append(_scores(logs, _models(values, kept, s), kept, BLURRED * s, steps))
    return torch.stack(found, 1)


def aligned(
    levels: Tensor, sound: Tensor, seconds: Tensor, spread: Tensor, s: float, steps: Tensor
) -> Tensor:
    """float32 `[N, 64, K]`: of phase 0. Arguments as `compiled.aligned`."""
    magnitude = levels.abs().double().transpose(1, 2)
    width = seconds.double()[..., None]
    kept = _kept(sound)
    models = _models(magnitude * width, kept, spread.double())
    logs = partial(_bin_logs, magnitude[:, :, None], width[..., None], s)
    finest = torch.full_like(spread, BLURRED * s, dtype=torch.float64)
    return _scores(logs, models, kept, finest, steps.double()).float()


def _kept(sound: Tensor) -> Tensor:
    return sound | (sound.sum(1) < FEWEST)[:, None]


def _models(values: Tensor, kept: Tensor, s: Tensor) -> list[_Model]:
    """One for each share of zeros, all of the same variance."""
    square = (values.square() * kept[:, None]).sum(2) / kept.sum(1)[:, None]
    signal = (square - s.square()).maximum(LEAST * s.square())
    wide = WIDER * (signal + s.square()).sqrt()
    density, rate = STRAY / (2 * wide), 1 / wide
    density[:, 0], rate[:, 0] = STRAY, 0
    found = []
    for share in ZEROS:
        zeros, scale = torch.full_like(signal, share), (signal / (2 * (1 - share))).sqrt()
        zeros[:, 0], scale[:, 0] = 0, torch.inf
        found.append(_Model(*(part[..., None, None] for part in (zeros, scale, density, rate))))
    return found


def _scores(
    logs: Callable[[Tensor, _Model], Tensor],
    models: list[_Model],
    kept: Tensor,
    finest: Tensor,
    steps: Tensor,
) -> Tensor:
    """`[N, 64, K]`: sums of logs over blocks, less those of the finest lattice, under the model
    that makes these most."""

    def total(lattices: Tensor, model: _Model) -> Tensor:
        return (logs(lattices[..., None], model) * kept[:, None, None]).sum(3)

    none = torch.stack([total(finest[..., None], model) for model in models])
    best = none.argmax(0, keepdim=True)[..., None]
    chosen = _Model(*(torch.stack(part).gather(0, best)[0] for part in zip(*models, strict=True)))
    lattices = steps.expand(len(finest), -1, -1).maximum(finest[..., None])
    return total(lattices, chosen) - total(finest[..., None], chosen)


def _strays(values: Tensor, model: _Model) -> Tensor:
    return model.density * _decay(values * model.rate)


def _decay(z: Tensor) -> Tensor:
    return torch.exp(-z.clamp_max(MOST))


def _cells(q: Tensor, model: _Model) -> tuple[Tensor, Tensor, Tensor]:
    half = torch.exp(-q / (2 * model.scale))
    ratio = half.square()
    flat = model.scale.isinf()
    first = (1 - model.zeros) * 0.5 * half * (1 - ratio)
    middle = model.zeros + (1 - model.zeros) * (1 - half)
    return torch.where(flat, q, middle), torch.where(flat, q, first), ratio


def _density_logs(values: Tensor, s: Tensor, q: Tensor, model: _Model) -> Tensor:
    middle, first, ratio = _cells(q, model)
    place = values / q
    m = place.floor()
    t = place - m
    u = 1 - t
    far = first * _decay((m - 2).clamp_min(0) * (q / model.scale))
    below = torch.where(m >= 2, far, torch.where(m >= 1, middle, first))
    here = torch.where(m < 1, middle, torch.where(m < 2, first, far * ratio))
    above = torch.where(m < 1, first, here * ratio)
    sharp = q.square() / (2 * s.square())
    total = here * _decay(t.square() * sharp) + above * _decay(u.square() * sharp)
    total = total + below * _decay((1 + t).square() * sharp)
    total = total + above * ratio * _decay((1 + u).square() * sharp)
    return ((1 - STRAY) / (s * math.sqrt(2 * math.pi)) * total + _strays(values, model)).log()


def _bin_logs(magnitude: Tensor, width: Tensor, s: float, q: Tensor, model: _Model) -> Tensor:
    outer = _beyond((magnitude + 0.5) * width, q, s, model)
    inner = _beyond((magnitude - 0.5).abs() * width, q, s, model)
    inside = torch.where(magnitude == 0, 1 - 2 * outer, inner - outer).clamp_min(0) / width
    return ((1 - STRAY) * inside + _strays(magnitude * width, model)).log()


def _beyond(y: Tensor, q: Tensor, s: float, model: _Model) -> Tensor:
    """How probable it is that |x| lies beyond y, on one side."""
    middle, first, ratio = _cells(q, model)
    m = (y / q).floor()
    flat = model.scale.isinf()
    farther = (1 - model.zeros) * 0.5 * torch.exp(-q * (m + 2.5) / model.scale)
    total = torch.where(flat, 0.5 - q * (m - 1.5), farther)
    for k in (m - 1, m, m + 1, m + 2):
        cell = torch.where(k == 0, middle, first * ratio ** (k.abs() - 1))
        total = total + cell * (0.5 * torch.erfc((y - q * k) / (s * math.sqrt(2))) - flat.double())
    return total
