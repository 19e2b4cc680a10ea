"""How high the spectrum of a window stands where a scale or an angle puts its peaks.

Interpolated pixels repeat how they lie between old ones. Where the old place of a new pixel x is
M x, the phases of both coordinates have the frequencies M^T k, modulo 1, for whole k: their first
order (1, 0) and (0, 1), their sum and difference, and the second order.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor
from torch.nn.functional import conv2d, max_pool2d, pad

from forensics_resampling import pmaps, spectrum
from forensics_resampling.patches import windows

SIDE, STRIDE = 128, 64
SCALES = tuple(k / 100 for k in range(50, 201))
ANGLES = tuple(k / 2 for k in range(-90, 91))
# Whole numbers in groups that weigh alike.
ORDERS = (((1, 0), (0, 1)), ((1, 1), (1, -1)), ((2, 0), (0, 2)))
ERRORS = 5
_LOWEST = 0.03  # cycles a pixel: below, the content's own spectrum rises
_LAPLACE = ((0.0, 1.0, 0.0), (1.0, -4.0, 1.0), (0.0, 1.0, 0.0))
_FOURTH = (1.0, -4.0, 6.0, -4.0, 1.0)
_TOGETHER = 32  # windows


def errors(gray: Tensor) -> list[Tensor]:
    """What has the periods, `ERRORS` planes `[N, h, w]` of gray `[N, H, W]`: the linear predictor's
    p-map, and roots of the magnitudes of its error, of its error's error, of the Laplacian's
    Laplacian, and of fourth differences along both axes. Smoother kernels, such as the cubic one,
    show in differences of high order only."""
    map = pmaps.linear(gray)
    linear = pmaps.error(gray)
    laplace = gray.new_tensor(_LAPLACE)[None, None]
    fourth = gray.new_tensor(_FOURTH).view(1, 1, 1, -1)
    one = gray[:, None]
    across, down = (conv2d(one, f)[:, 0].abs() for f in (fourth, fourth.transpose(2, 3)))
    return [
        map,
        linear.abs().sqrt(),
        pmaps.error(linear).abs().sqrt(),
        conv2d(conv2d(one, laplace), laplace)[:, 0].abs().sqrt(),
        (across[:, 2:-2] + down[:, :, 2:-2]).sqrt(),
    ]


def heights(gray: Tensor, jpeg: bool) -> Tensor:
    """float32 `[N, len(SCALES) + len(ANGLES), ERRORS * len(ORDERS)]` of gray `[N, H, W]`: the mean
    log ratio (`spectrum.ratios`) at the places of each scale and angle, over windows of 128 x 128.
    0 for places near 0 and, of a `jpeg`, on the lines of its grid."""
    cut = windows(gray, SIDE, STRIDE)
    found = []
    for one in cut:  # an image
        sums: list[Tensor] = [gray.new_zeros(())] * ERRORS
        for some in one.split(_TOGETHER):
            logs = [spectrum.ratios(e).nan_to_num(1.0).add(1e-3).log().sum(0) for e in errors(some)]
            sums = [a + b for a, b in zip(sums, logs, strict=True)]
        found.append([_at(plane / len(one), jpeg) for plane in sums])
    return torch.stack([torch.stack(each, 1).flatten(1) for each in found])


def _at(plane: Tensor, jpeg: bool) -> Tensor:
    """`[candidates, len(ORDERS)]` of one plane `[n, n]`."""
    near, allowed = _places(len(plane), jpeg)
    # The highest of the four bins around a place.
    four = max_pool2d(pad(plane[None], (0, 1, 0, 1), mode="circular"), 2, 1).flatten()
    at = four[near.to(plane.device)] * allowed.to(plane.device)
    return at.mean(2)


@functools.cache
def _places(size: int, jpeg: bool) -> tuple[Tensor, Tensor]:
    """Bins, int64, and whether a peak is looked for there, each `[candidates, orders, 2]`."""
    turns = torch.deg2rad(torch.tensor(ANGLES, dtype=torch.float64))
    cos, sin = turns.cos(), turns.sin()
    scaled = 1 / torch.tensor(SCALES, dtype=torch.float64)
    none = torch.zeros_like(scaled)
    # Down and across; counter-clockwise, as rows count downwards.
    maps = torch.stack([torch.stack([scaled, none, none, scaled], 1).view(-1, 2, 2)])
    turned = torch.stack([cos, sin, -sin, cos], 1).view(-1, 2, 2)
    inverse = torch.cat([maps[0], turned])
    whole = torch.tensor(ORDERS, dtype=torch.float64)
    found = torch.einsum("cij,gki->cgkj", inverse, whole)
    found = found - found.round()
    allowed = found.abs().amax(3) >= _LOWEST
    if jpeg:
        lines = ((found * 8).round() / 8 - found).abs() <= 1.6 / size
        allowed &= ~lines.all(3)
    bins = (found % 1 * size).floor().long() % size
    return bins[..., 0] * size + bins[..., 1], allowed


def profile(gray: Tensor) -> Tensor:
    """What says whether a picture was blurred or aliased, float32 `[N, 192]`: log power in 8 x 8
    cells of frequencies, and log spectra of the mean magnitudes of second differences along both
    axes (Gallagher 2005), each less its mean, the means over windows of 128 x 128."""
    cut = windows(gray, SIDE, STRIDE)
    n, count = cut.shape[:2]
    parts = [
        torch.cat([_power(some), _second(some), _second(some.transpose(1, 2))], 1)
        for some in cut.flatten(0, 1).split(_TOGETHER)
    ]
    return torch.cat(parts).view(n, count, -1).mean(1)


def _power(gray: Tensor) -> Tensor:
    taper = torch.hann_window(SIDE, periodic=False, device=gray.device)
    found = torch.fft.fft2((gray - gray.mean((1, 2), keepdim=True)) * taper[:, None] * taper)
    power = found.real.square() + found.imag.square()
    half = SIDE // 2
    # Both diagonals: -f and f of either axis are one cell.
    folded = power[:, :half] + power.flip(1)[:, :half]
    folded = folded[:, :, :half] + folded.flip(2)[:, :, :half]
    log = folded.unflatten(1, (8, -1)).unflatten(3, (8, -1)).mean((2, 4)).add(1.0).log().flatten(1)
    return log - log.mean(1, keepdim=True)


def _second(gray: Tensor) -> Tensor:
    """float32 `[N, 64]`, along the rows of `[N, H, 128]`."""
    found = gray.diff(n=2, dim=2).abs().mean(1)
    taper = torch.hann_window(found.shape[1], periodic=False, device=gray.device)
    log = torch.fft.rfft((found - found.mean(1, keepdim=True)) * taper).abs().add(1e-3).log()
    return log - log.mean(1, keepdim=True)
