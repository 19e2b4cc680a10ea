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
    columns = functional.unfold(gray[None, None], _SIZE)[0]
    middle = _SIZE * _SIZE // 2
    seen = columns[middle]
    around = torch.cat([columns[:middle], columns[middle + 1 :]])
    weights = torch.full_like(around[:, 0], 1 / len(around))
    spread = gray.new_tensor(_SPREAD)
    # Where neighbours are linearly dependent, as on a ramp, the least weights are taken.
    ridge = 1e-6 * torch.eye(len(around), dtype=gray.dtype, device=gray.device)
    for _ in range(_ROUNDS):
        off = seen - weights @ around
        density = torch.exp(-0.5 * (off / spread).square()) / (spread * (2 * torch.pi) ** 0.5)
        belief = density / (density + _UNIFORM)
        weighted = around * belief
        moment = weighted @ around.T
        moved = torch.linalg.solve(moment + ridge * (moment.trace() + 1), weighted @ seen)
        # Rounded pixels have an error of their own: less is none.
        spread = ((belief * off.square()).sum() / belief.sum()).sqrt().clamp_min(1e-2)
        change = (moved - weights).abs().max()
        weights = moved
        if change < _MOVED:
            break
    return belief.view(height, width)
