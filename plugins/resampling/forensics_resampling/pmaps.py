"""p-maps: how well each pixel is a sum of its neighbours, which after a resampling is periodic."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

# Kirchner 2008, Section 4: the predictor that never has to be estimated.
_LINEAR = ((-0.25, 0.5, -0.25), (0.5, 0.0, 0.5), (-0.25, 0.5, -0.25))

_SIZE = 5  # of the neighbourhood that Popescu and Farid estimate weights for
_SPREAD, _UNIFORM = 5.0, 1 / 256
_MOVED, _ROUNDS = 1e-3, 50
_TOGETHER = 1 << 18  # pixels of which all neighbours are there at once


def linear(gray: Tensor) -> Tensor:
    """Kirchner's map, float32 `[N, H - 2, W - 2]` in 0..1, of gray `[N, H, W]` of 0..255:
    exp(-|e|²) of the error of the fixed predictor (eq. 12, lambda = sigma = 1, tau = 2)."""
    return torch.exp(-error(gray).square())


def error(gray: Tensor) -> Tensor:
    """Of the fixed predictor, float32 `[N, H - 2, W - 2]` of gray `[N, H, W]`."""
    kernel = torch.tensor(_LINEAR, device=gray.device)[None, None]
    return gray[:, 1:-1, 1:-1] - functional.conv2d(gray[:, None].float(), kernel)[:, 0]


def expectation_maximisation(gray: Tensor) -> Tensor:
    """The map of Popescu and Farid 2005 (Section III-A), float32 `[N, H - 4, W - 4]` in 0..1, of
    gray `[N, H, W]` of 0..255: the probability that a pixel is the sum of its 24 neighbours, whose
    weights are estimated with it, image by image, in double precision.

    An image is done when no weight moves by more than 1e-3, or after 50 rounds.
    """
    return torch.stack([_estimated(one) for one in gray.double()]).float()


def _estimated(gray: Tensor) -> Tensor:
    height, width = gray.shape[0] - _SIZE + 1, gray.shape[1] - _SIZE + 1
    rows = max(1, _TOGETHER // width)
    tops = range(0, height, rows)
    # The neighbours of all pixels are 25 pictures: of a large one they are looked up anew in turn.
    held = _neighbours(gray) if len(tops) == 1 else None
    weights = gray.new_full((_SIZE * _SIZE - 1,), 1 / (_SIZE * _SIZE - 1))
    spread = gray.new_tensor(_SPREAD)
    # Where neighbours are linearly dependent, as on a ramp, the least weights are taken.
    ridge = 1e-6 * torch.eye(len(weights), dtype=gray.dtype, device=gray.device)
    for _ in range(_ROUNDS):
        moment, right = torch.zeros_like(ridge), torch.zeros_like(weights)
        squares, total, beliefs = torch.zeros_like(spread), torch.zeros_like(spread), []
        for top in tops:
            seen, around = held or _neighbours(gray[top : top + rows + _SIZE - 1])
            off = seen - weights @ around
            density = torch.exp(-0.5 * (off / spread).square()) / (spread * (2 * torch.pi) ** 0.5)
            belief = density / (density + _UNIFORM)
            weighted = around * belief
            moment, right = moment + weighted @ around.T, right + weighted @ seen
            squares, total = squares + (belief * off.square()).sum(), total + belief.sum()
            beliefs.append(belief)
        moved = torch.linalg.solve(moment + ridge * (moment.trace() + 1), right)
        # Rounded pixels have an error of their own: less is none.
        spread = (squares / total).sqrt().clamp_min(1e-2)
        change = (moved - weights).abs().max()
        weights = moved
        if change < _MOVED:
            break
    return torch.cat(beliefs).view(height, width)


def _neighbours(gray: Tensor) -> tuple[Tensor, Tensor]:
    """The pixels with whole neighbourhoods, `[P]`, and their 24 neighbours, `[24, P]`."""
    columns = functional.unfold(gray[None, None], _SIZE)[0]
    middle = _SIZE * _SIZE // 2
    return columns[middle], torch.cat([columns[:middle], columns[middle + 1 :]])
