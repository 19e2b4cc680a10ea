"""`resize(0.8,kernel=bicubic)`: new size by interpolation."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from forensics import device
from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.histories.operations import kernels
from forensics.histories.operations.parameters import reals, span
from forensics.histories.operations.window import Geometric

_WHAT = "resize takes a factor new / old"


@dataclass(frozen=True)
class Resize(Geometric):
    """Resize both sides by `factor` = new / old, 0.1..8, or, on tiles, `[N]`.

    Half-pixel centres: the new pixel i lies at (i + 0.5) / factor - 0.5; the new side is the
    product, rounded half to even. kernel: nearest, bilinear or bicubic. antialias: stretch the
    kernel when reducing, as Pillow does; OpenCV never does. Beyond the border the edge is repeated
    (with antialias the kernel is cut off there). The result is rounded half up to 8 bit.

    Against OpenCV: `bilinear` and `bicubic` differ by at most one level, in up to 13 % and 9 % of
    the pixels, as OpenCV drops low bits between its passes. `nearest`, and all with antialias,
    equal Pillow in every pixel where the product is whole and no new pixel lies half-way. The
    same pixels on every device.
    """

    factor: float | Tensor
    kernel: str = "bilinear"
    antialias: bool = False

    def __post_init__(self) -> None:
        span(self.factor, _WHAT, 0.1, 8)
        kernels.check("resize", self.kernel)
        if type(self.antialias) is not bool:
            raise ForensicsError(f"resize takes antialias=true or false, not {self.antialias}")
        if self.antialias and self.kernel == "nearest":
            raise ForensicsError("resize has no antialias with nearest: choose bilinear or bicubic")

    def matrices(self, count: int) -> Tensor:
        return reals(self.factor, count)[:, None, None] * torch.eye(2, dtype=torch.float64)

    def reach(self) -> float:
        least = span(self.factor, _WHAT, 0.1, 8)[0]
        return kernels.RADIUS[self.kernel] * (max(1.0, 1 / least) if self.antialias else 1.0)

    def mover(self, batch: Batch) -> tuple[Callable[[Tensor, str], Tensor], Tensor | None]:
        if batch.origins is None:
            size, scale = self._size(batch), 1 / span(self.factor, _WHAT, 0.1, 8)[0]

            def whole(pixels: Tensor, kernel: str) -> Tensor:
                antialias = self.antialias and kernel == self.kernel
                sides = zip(size, batch.size, strict=True)
                rows, columns = (_axis(scale, *both, kernel, antialias) for both in sides)
                return _interpolated(pixels, rows, columns, antialias)

            return whole, None
        before, after = batch.origins.cpu(), self.moved(batch.origins, batch.size)
        scales = 1 / reals(self.factor, len(batch))[:, None]
        points = []
        for axis, side in enumerate(batch.size):
            new = after[:, axis : axis + 1] + torch.arange(side) + 0.5
            points.append(new * scales - 0.5 - before[:, axis : axis + 1])

        def tiles(pixels: Tensor, kernel: str) -> Tensor:
            antialias = self.antialias and kernel == self.kernel
            sides = zip(points, batch.size, strict=True)
            rows, columns = (_weights(p, scales, side, kernel, antialias) for p, side in sides)
            return _interpolated(pixels, rows, columns, antialias)

        return tiles, after.to(batch.device)

    def _size(self, batch: Batch) -> tuple[int, int]:
        least, most = span(self.factor, _WHAT, 0.1, 8)
        if least != most:
            raise ForensicsError("resize of whole images takes one factor for all, or sizes differ")
        height, width = batch.size
        size = round(height * least), round(width * least)
        if not min(size):
            raise ForensicsError(f"resize({least:g}) leaves nothing of {width} x {height} pixels")
        return size


def between(pixels: Tensor, size: tuple[int, int]) -> Tensor:
    """uint8 `[N, C, H, W]` at another size, bicubic without antialias: whole images, each axis by
    the quotient of its sides, as OpenCV's `resize` with `dsize`."""
    sides = zip(size, pixels.shape[2:], strict=True)
    rows, columns = (_axis(old / new, new, old, "bicubic", False) for new, old in sides)
    return _interpolated(pixels, rows, columns, antialias=False)


@functools.lru_cache(maxsize=64)
def _axis(scale: float, new: int, old: int, kernel: str, antialias: bool) -> tuple[Tensor, Tensor]:
    """`_weights` of an axis of whole images of one size, where a new pixel covers `scale` old."""
    points = ((torch.arange(new) + 0.5).double() * scale - 0.5)[None]
    scales = torch.tensor([[scale]], dtype=torch.float64)
    return _weights(points, scales, old, kernel, antialias)


def _weights(
    points: Tensor, scales: Tensor, side: int, kernel: str, antialias: bool
) -> tuple[Tensor, Tensor]:
    """First old pixels, int64 `[n, T]`, and weights, int32 `[n, T, K]`, at float64 points
    `[n, T]` of an axis of `side` pixels; scales: `[n, 1]`, the old pixels that a new one covers."""
    if antialias:
        return kernels.stretched(kernel, points, scales, side)
    places = torch.floor(points * (1 << kernels.FRACTION[kernel]) + 0.5)
    return kernels.taps(kernel, places.long())


def _interpolated(
    pixels: Tensor, rows: tuple[Tensor, Tensor], columns: tuple[Tensor, Tensor], antialias: bool
) -> Tensor:
    """uint8 `[N, C, H, W]` -> `[N, C, T, U]`; rows and columns: the first old pixel of each new
    one, int64 `[1 or N, T]`, and the weights from there, int32 `[1 or N, T, K]`, on the CPU."""
    if device.compiled(pixels):
        from forensics.histories.operations import (
            compiled_resize,  # compiles or loads what it compiled
        )

        return compiled_resize.interpolate(pixels, rows, columns, antialias)
    given = [t.expand(len(pixels), *t.shape[1:]).to(pixels.device) for t in (*rows, *columns)]

    def part(pixels: Tensor, y: Tensor, down: Tensor, x: Tensor, across: Tensor) -> Tensor:
        image = _weighed(pixels.int().transpose(2, 3).contiguous(), x, across)
        if antialias:
            # As Pillow: 8 bit between the passes, along rows first.
            image = _rounded(image, kernels.ANTIALIAS_BITS)
        image = _weighed(image.transpose(2, 3).contiguous(), y, down)
        bits = kernels.ANTIALIAS_BITS if antialias else 2 * kernels.BITS
        return _rounded(image, bits).to(torch.uint8)

    return device.in_parts(part, pixels, *given)


def _weighed(image: Tensor, first: Tensor, weights: Tensor) -> Tensor:
    """Weighted sums of rows of int32 `[N, C, H, W]`, as `[N, C, T, W]`; the edge is repeated."""
    n, channels, height, width = image.shape
    rows = image.view(n * channels * height, width)
    starts = torch.arange(n * channels, device=image.device).view(n, channels, 1) * height
    shape = (n, channels, first.shape[1], width)
    total = image.new_zeros(shape)
    for k in range(weights.shape[2]):
        chosen = starts + (first + k).clamp(0, height - 1)[:, None]
        term = rows.index_select(0, chosen.flatten()).view(shape)
        total.addcmul_(term, weights[:, None, :, k, None])
    return total


def _rounded(image: Tensor, bits: int) -> Tensor:
    return ((image + (1 << (bits - 1))) >> bits).clamp_(0, 255)
