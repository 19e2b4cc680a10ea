"""Periods that resampling leaves: spectra of profiles of differences."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_LENGTH = 508  # of the transform: its bin 127 k / 8 is close to the k-th harmonic of the JPEG grid
_AROUND = 20
_MOVING = 17
# Grey levels that are added to the local mean: what the last JPEG changes counts little.
_FLOOR = 10.0
_MOST = 4.0


def period(luma: Tensor) -> Tensor:
    """For each of four maps, the logarithm of the spectrum over its neighbourhood, the larger of
    two bins, rows and columns together, `[N, 508]`."""
    rows, columns = (
        [_spectrum(one) for one in differences(image)] for image in (luma, luma.transpose(1, 2))
    )
    found = []
    for one, other in zip(rows, columns, strict=True):
        size = _above(one) + _above(other)
        found.append((functional.max_pool1d(size[:, None], 2)[:, 0] + 0.1).log())
    return torch.cat(found, 1)


def differences(luma: Tensor) -> list[Tensor]:
    """Maps that a period along rows modulates, each `[N, H - 2, W - 2]`: sizes of the first
    difference, of the second (A. C. Gallagher, CRV 2005), and of that and the error of a fixed
    linear predictor (M. Kirchner, MM&Sec 2008) less what the JPEG's grid does to them. All are
    relative to their mean around, so that no edge outweighs the rest."""
    inner = luma[:, 1:-1]
    first = inner.diff(dim=2)
    second = first.diff(dim=2).abs()
    vertical = luma[:, :-2] + luma[:, 2:]
    error = vertical[:, :, 1:-1] + inner[:, :, :-2] + inner[:, :, 2:]
    error = error / 2 - (vertical[:, :, :-2] + vertical[:, :, 2:]) / 4 - inner[:, :, 1:-1]
    parts = [relative(one) for one in (first.abs()[:, :, 1:], second, error.abs_())]
    return [parts[0], parts[1], without_grid(parts[1]), without_grid(parts[2])]


def relative(sizes: Tensor) -> Tensor:
    """Over the mean of the 3 x 3 cells of 8 x 8 around, `[N, H, W]`, at most 4."""
    cells = functional.avg_pool2d(sizes[:, None], 8, ceil_mode=True)
    around = functional.avg_pool2d(functional.pad(cells, (1,) * 4, mode="replicate"), 3, 1)[:, 0]
    wide = around.repeat_interleave(8, 1).repeat_interleave(8, 2)
    wide = wide[:, : sizes.shape[1], : sizes.shape[2]]
    return (sizes / (wide + _FLOOR)).clamp_(max=_MOST)


def without_grid(sizes: Tensor) -> Tensor:
    """Over their mean at the same place in all blocks of 8 x 8, `[N, H, W]`."""
    n, height, width = sizes.shape
    down, across = height // 8, width // 8
    blocks = sizes[:, : 8 * down, : 8 * across].reshape(n, down, 8, across, 8)
    mean = blocks.mean((1, 3)).repeat(1, down + 1, across + 1)
    return sizes / (mean[:, :height, :width] + 1e-3)


def _spectrum(sizes: Tensor) -> Tensor:
    """Of the profile along the last axis, less its moving mean of 17, under Hann's window, `[N,
    254]`: the frequencies k / 508."""
    profile = sizes.mean(1)
    half = _MOVING // 2
    padded = functional.pad(profile[:, None], (half, half), mode="reflect")
    profile = profile - functional.avg_pool1d(padded, _MOVING, 1)[:, 0]
    hann = torch.hann_window(profile.shape[1], device=profile.device)
    return torch.fft.rfft(profile * hann, _LENGTH)[:, :-1].abs()


def _above(size: Tensor) -> Tensor:
    """Each bin over the mean of those around it."""
    around = functional.pad(size[:, None], (_AROUND, _AROUND), mode="reflect")
    return size / (functional.avg_pool1d(around, 2 * _AROUND + 1, 1)[:, 0] + 1e-4)
