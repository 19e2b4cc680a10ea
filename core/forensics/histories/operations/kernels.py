"""Interpolation kernels and the whole-number weights that they give.

Without antialiasing as OpenCV: weights in 1/2048, `bicubic` with a = -0.75, for phases that are
rounded to 1/2048 of a pixel. With antialiasing as Pillow: the kernel stretched by 1 / factor where
that is above 1, weights in 1/2**22 that are normalised within the image, `bicubic` with a = -0.5.
Sums of such weights times bytes are whole numbers of 32 bits: the same on every device, in any
order.
"""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

from forensics.errors import ForensicsError

BITS = 11
ANTIALIAS_BITS = 22
# Pixels on either side of a point that a kernel sees.
RADIUS = {"nearest": 0.5, "bilinear": 1.0, "bicubic": 2.0}
# Fractional bits of the coordinates that a kernel tells apart.
FRACTION = {"nearest": 0, "bilinear": BITS, "bicubic": BITS}


def check(operation: str, kernel: str) -> None:
    """Raises ForensicsError for a kernel that there is not."""
    if kernel not in RADIUS:
        raise ForensicsError(f"{operation} knows the kernels {', '.join(RADIUS)}, not {kernel}")


def weigh(kernel: str, distance: Tensor, a: float) -> Tensor:
    """The kernel at these distances in pixels, float64. a: the slope of `bicubic` at 1."""
    x = distance.abs()
    if kernel == "bilinear":
        return (1 - x).clamp(min=0)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((x - 5) * x + 8) * x * a - 4 * a
    return torch.where(x < 1, near, torch.where(x < 2, far, 0.0))


@functools.cache
def table(kernel: str) -> Tensor:
    """The weights at every phase, int32 `[2**FRACTION, taps]` on the CPU."""
    if kernel == "nearest":
        return torch.tensor([[1 << BITS]], dtype=torch.int32)
    phase = torch.arange(1 << BITS, dtype=torch.float64) / (1 << BITS)
    radius = int(RADIUS[kernel])
    weights = [weigh(kernel, phase - k, -0.75) for k in range(1 - radius, radius + 1)]
    return (torch.stack(weights, 1) * (1 << BITS)).round().to(torch.int32)


def taps(kernel: str, places: Tensor) -> tuple[Tensor, Tensor]:
    """First pixels, int64, and the weights of them and their followers, int32 `[..., taps]`, at
    int64 `places`: coordinates in units of 2**-FRACTION, in which pixel i lies at i."""
    weights = table(kernel).to(places.device)
    bits = FRACTION[kernel]
    first = (places >> bits) - (weights.shape[1] - 1) // 2
    return first, weights[places & ((1 << bits) - 1)]


def stretched(kernel: str, points: Tensor, scale: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """The same with antialiasing, for float64 `points` `[N, T]` and the pixels a step of the
    output covers, `scale` `[N, 1]`: int64 `[N, T]` and int32 `[N, T, K]`, zero outside of the
    image's `side` pixels."""
    scale = scale.clamp(min=1)
    support = RADIUS[kernel] * scale
    centre = points + 0.5
    first = torch.trunc((centre - support + 0.5).clamp(min=0))
    last = torch.trunc(centre + support + 0.5).clamp(max=side)
    count = math.ceil(2 * float(support.max())) + 1
    place = first[:, :, None] + torch.arange(count, dtype=torch.float64)
    weight = weigh(kernel, (place - centre[:, :, None] + 0.5) / scale[:, :, None], -0.5)
    weight = torch.where(place < last[:, :, None], weight, 0.0)
    total = weight.sum(2, keepdim=True)
    # Far outside of the image there is nothing to normalise by.
    weight = weight / torch.where(total == 0, 1.0, total) * (1 << ANTIALIAS_BITS)
    return first.long(), torch.trunc(weight + 0.5 * weight.sign()).to(torch.int32)
