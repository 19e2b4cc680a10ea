"""Periods that resampling leaves: spectra of profiles of residuals, and their phases."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_LENGTH = 508  # of the transform: its bin 127 k / 8 is close to the k-th harmonic of the JPEG grid
_BINS = 127
_AROUND = 20


def residuals(luma: Tensor) -> list[Tensor]:
    """Three maps that a period modulates, for rows, each `[N, H, W - 2]`: the root of the second
    difference (A. C. Gallagher, CRV 2005), the logarithm of the first, and p = exp(-e / 2) of the
    fixed linear predictor (M. Kirchner, MM&Sec 2008)."""
    second = luma.diff(n=2, dim=2).abs()
    first = luma.diff(dim=2).abs()[:, :, 1:]
    middle, above, below = luma[:, 1:-1], luma[:, :-2], luma[:, 2:]
    # 1/2 of the four neighbours less 1/4 of the four on the diagonals, less the sample
    vertical = above + below
    error = (
        (vertical[:, :, 1:-1] + middle[:, :, :-2] + middle[:, :, 2:]) / 2
        - (vertical[:, :, :-2] + vertical[:, :, 2:]) / 4
        - middle[:, :, 1:-1]
    ).abs_()
    return [second.sqrt_(), (first + 1).log_(), error.mul_(-0.5).exp_()]


def _spectrum(residual: Tensor) -> Tensor:
    """The profile along the last axis, less its moving mean of 17, under Hann's window, complex
    `[N, 255]`: the frequencies k / 508."""
    profile = residual.mean(1)
    padded = functional.pad(profile[:, None], (8, 8), mode="reflect")
    profile = profile - functional.avg_pool1d(padded, 17, 1)[:, 0]
    hann = torch.hann_window(profile.shape[1], device=profile.device)
    return torch.fft.rfft(profile * hann, _LENGTH)[:, :-1]


def _above(size: Tensor) -> Tensor:
    """Each bin over the mean of those around it."""
    around = functional.pad(size[:, None], (_AROUND, _AROUND), mode="reflect")
    return size / (functional.avg_pool1d(around, 2 * _AROUND + 1, 1)[:, 0] + 1e-4)


def _all(luma: Tensor) -> list[list[Tensor]]:
    return [[_spectrum(one) for one in residuals(image)] for image in (luma, luma.transpose(1, 2))]


def period(luma: Tensor) -> Tensor:
    """For each of the three maps, the logarithm of the spectrum over its neighbourhood, the larger
    of two bins, rows and columns together, `[N, 381]`."""
    rows, columns = _all(luma)
    found = []
    for one, other in zip(rows, columns, strict=True):
        size = _above(one.abs()) + _above(other.abs())
        found.append((functional.max_pool1d(size[:, None], 2)[:, 0] + 0.1).log())
    return torch.cat(found, 1)


def phase(luma: Tensor) -> Tensor:
    """How the phases of the maps agree, which does not depend on where the window was cut:
    real and imaginary parts of the cross-spectra of the first map with the others, over the
    mean size around, `[N, 508]`. A resampled signal has them in step at its peaks."""
    found = [torch.zeros(len(luma), 4 * _BINS, device=luma.device)]
    for spectra in _all(luma):
        parts = []
        for other in spectra[1:]:
            cross = spectra[0] * other.conj()
            around = functional.pad(cross.abs()[:, None], (_AROUND, _AROUND), mode="reflect")
            level = functional.avg_pool1d(around, 2 * _AROUND + 1, 1)[:, 0] + 1e-6
            cross = cross / level
            for part in (cross.real, cross.imag.abs()):
                mean = functional.avg_pool1d(part[:, None], 2)[:, 0]
                parts.append(mean.sign() * mean.abs().add(1).log())
        found.append(torch.cat(parts, 1))
    return found[1] + found[2]
