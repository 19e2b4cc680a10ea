"""What an attack costs the image: PSNR and SSIM, batched on the images' device, and their means."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from forensics.errors import NotApplicable
from forensics.metrics.intervals import Floats, Value, estimate, ratio, totals

# Identical 8-bit images have an infinite PSNR, and one flat patch that a compression leaves as it
# is would make the mean over patches infinite. Netflix's libvmaf ends its scale for 8 bits
# here (6 x bits + 12), far above what a lossy step reaches; so do we.
PSNR_CEILING = 60.0

_SIGMA = 1.5
_RADIUS = 5  # int(3.5 sigma + 0.5): a window of 11 x 11
_C1 = (0.01 * 255) ** 2
_C2 = (0.03 * 255) ** 2
# SSIM holds about a dozen float64 maps of a chunk: 2 Mi pixels are 200 MB.
_PIXELS = 1 << 21


def psnr(first: Tensor, second: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB, float64 `[N]`, of uint8 images `[N, C, H, W]`.

    The squared error is averaged over all channels. At most `PSNR_CEILING` dB, which identical
    images have. Raises ValueError where shapes or dtypes do not fit.
    """
    _check(first, second)
    difference = (first.to(torch.int32) - second.to(torch.int32)).flatten(1)
    error = (difference * difference).to(torch.float64).mean(dim=1)
    return (10 * torch.log10(255.0**2 / error)).clamp(max=PSNR_CEILING)


def ssim(first: Tensor, second: Tensor) -> Tensor:
    """Structural similarity, float64 `[N]`, of uint8 images `[N, C, H, W]`.

    Wang, Bovik, Sheikh and Simoncelli, 2004, "Image quality assessment: from error visibility to
    structural similarity", equation 13 with an 11 x 11 Gaussian window of s.d. 1.5, K1 = .01,
    K2 = .03; averaged where the window lies within the image, then over channels. It is
    scikit-image's `structural_similarity` with `gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False, data_range=255`.

    Raises ValueError where shapes or dtypes do not fit, NotApplicable below 11 x 11 pixels.
    """
    _check(first, second)
    _, c, h, w = first.shape
    window = 2 * _RADIUS + 1
    if min(h, w) < window:
        raise NotApplicable(f"SSIM needs at least {window} x {window} pixels")
    count = max(1, _PIXELS // (c * h * w))
    parts = [
        _ssim(a.to(torch.float64), b.to(torch.float64))
        for a, b in zip(first.split(count), second.split(count), strict=True)
    ]
    return torch.cat(parts)


def _ssim(x: Tensor, y: Tensor) -> Tensor:
    mean_x, mean_y = _smooth(x), _smooth(y)
    spread = _smooth(x * x + y * y) - mean_x * mean_x - mean_y * mean_y
    covariance = _smooth(x * y) - mean_x * mean_y
    similarity = (2 * mean_x * mean_y + _C1) * (2 * covariance + _C2)
    similarity /= (mean_x * mean_x + mean_y * mean_y + _C1) * (spread + _C2)
    return similarity.mean(dim=(1, 2, 3))


def _smooth(x: Tensor) -> Tensor:
    """The Gaussian mean of `[N, C, H, W]` in every window within the image."""
    steps = torch.arange(-_RADIUS, _RADIUS + 1, device=x.device, dtype=x.dtype)
    bell = torch.exp(-0.5 * (steps / _SIGMA) ** 2)
    taps = (bell / bell.sum()).tolist()
    for axis in (2, 3):
        length = x.shape[axis] - 2 * _RADIUS
        total = x.narrow(axis, 0, length) * taps[0]
        for start, tap in enumerate(taps[1:], 1):
            total.add_(x.narrow(axis, start, length), alpha=tap)
        x = total
    return x


def _check(first: Tensor, second: Tensor) -> None:
    if first.shape != second.shape or first.ndim != 4:
        raise ValueError(
            "images must be [N, C, H, W] of one size, "
            f"not {list(first.shape)} and {list(second.shape)}"
        )
    if first.dtype != torch.uint8 or second.dtype != torch.uint8:
        raise ValueError(f"images must be uint8, not {first.dtype} and {second.dtype}")


def mean_with_interval(
    values: NDArray[np.floating], photographs: NDArray[np.generic], seed: int
) -> Value:
    """The mean over patches `[n]`, with a 95 % interval by resampling their photographs `[n]`.

    NaN is a patch without a value and is left out; n/a where none is left.
    """
    present = ~np.isnan(values)
    if not present.any():
        return Value(None, reason="no patch was measured")
    names, owners = np.unique(photographs[present], return_inverse=True)
    sums = totals(values[present].astype(np.float64), owners, len(names))
    counts = totals(np.ones(len(owners)), owners, len(names))

    def statistic(weights: Floats) -> Floats:
        return ratio(weights @ sums, weights @ counts)[None]

    return estimate(statistic, len(names), seed)[0]
