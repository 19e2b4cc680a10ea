"""Peaks in the spectrum of a p-map: where there is a period, one stands out from its
neighbourhood."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_AROUND = 15  # side of the neighbourhood, in bins
_LOWEST = 0.03  # cycles a pixel: below, the content's own spectrum rises steeply
_BLOCK = 8


def ratios(maps: Tensor) -> Tensor:
    """How much each bin of |FFT2| of the Hann-windowed map stands out: its quotient by the mean of
    the 15 x 15 bins around it, float32 `[N, H, W]` of maps `[N, H, W]`. NaN for constant maps."""
    _, height, width = maps.shape
    taper = _hann(height, maps)[:, None] * _hann(width, maps)
    centred = maps - maps.mean((1, 2), keepdim=True)
    spectrum = torch.fft.fft2(centred * taper).abs()
    half = _AROUND // 2
    wide = functional.pad(spectrum[:, None], (half,) * 4, mode="circular")
    mean = functional.avg_pool2d(functional.avg_pool2d(wide, (_AROUND, 1), 1), (1, _AROUND), 1)[
        :, 0
    ]
    # What rounding leaves of a constant is no spectrum.
    flat = centred.abs().amax((1, 2), keepdim=True) < 1e-6
    return torch.where(flat, torch.nan, spectrum / mean)


def _hann(count: int, like: Tensor) -> Tensor:
    return torch.hann_window(count, periodic=False, dtype=like.dtype, device=like.device)


def frequencies(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cycles a pixel down and across, each `[H, W]`, -0.5..0.5."""
    down = torch.fft.fftfreq(height, device=device)[:, None].expand(height, width)
    return down, torch.fft.fftfreq(width, device=device).expand(height, width)


def searched(height: int, width: int, jpeg: bool, device: torch.device) -> Tensor:
    """Where a peak may lie, bool `[H, W]`: not below 0.03 cycles a pixel nor, of a JPEG, on the
    lines of its own grid, whose peaks lie at multiples of 1/8 in both directions."""
    down, across = frequencies(height, width, device)
    allowed = torch.maximum(down.abs(), across.abs()) >= _LOWEST
    if jpeg:
        # A Hann window spreads a line over its neighbours.
        near = [
            ((f * _BLOCK).round() / _BLOCK - f).abs() <= 1.6 / n
            for f, n in ((down, height), (across, width))
        ]
        allowed &= ~(near[0] & near[1])
    return allowed


def peak(found: Tensor, jpeg: bool) -> Tensor:
    """Log of the largest of `ratios` where one may lie, float32 `[N]`; NaN for constant maps."""
    allowed = searched(found.shape[1], found.shape[2], jpeg, found.device)
    return (
        torch.where(allowed, found, 0.0)
        .amax((1, 2))
        .log()
        .where(~found[:, 0, 0].isnan(), torch.nan)
    )


def comb(found: Tensor, factors: Tensor) -> Tensor:
    """How much an earlier JPEG's grid, enlarged by each factor, stands out: the mean of log
    `ratios` at k / (8 f), k = 1..3, down and across, float32 `[N, factors]` (Kirchner and Gloe
    2009). Places on the last JPEG's own lines, or too low, count for nothing."""
    height, width = found.shape[1:]
    allowed = searched(height, width, True, found.device)
    logs = torch.where(allowed, found.clamp_min(1e-6).log(), 0.0)
    best = functional.max_pool2d(logs[:, None], 3, 1, 1)[:, 0]
    total = found.new_zeros(len(found), len(factors))
    for k in (1, 2, 3):
        place = k / (_BLOCK * factors)
        place = (place - place.round()).abs()
        total += best[:, (place * height).round().long(), 0]
        total += best[:, 0, (place * width).round().long()]
    return total / 6
