"""`resize(0.8,kernel=bicubic)`: new size by interpolation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from forensics import device
from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.operations import kernels
from forensics.operations.parameters import reals, span
from forensics.operations.window import Geometric

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

    name: ClassVar[str] = "resize"
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
            # All are resized alike: one row of weights serves them.
            size, origins, factor = self._size(batch), None, reals(self.factor, len(batch))[:1]
            before = after = torch.zeros(len(factor), 2, dtype=torch.int64)
        else:
            size, factor = batch.size, reals(self.factor, len(batch))
            before, after = batch.origins.cpu(), self.moved(batch.origins, size)
            origins = after.to(batch.device)
        scale = 1 / factor[:, None]
        points = []
        for axis in (0, 1):
            new = after[:, axis : axis + 1] + torch.arange(size[axis]) + 0.5
            points.append(new / factor[:, None] - 0.5 - before[:, axis : axis + 1])

        def move(pixels: Tensor, kernel: str) -> Tensor:
            if self.antialias and kernel == self.kernel:
                sides = zip(points, batch.size, strict=True)
                rows, columns = (kernels.stretched(kernel, p, scale, side) for p, side in sides)
                return _interpolated(pixels, rows, columns, antialias=True)
            rows, columns = (_taps(kernel, p) for p in points)
            return _interpolated(pixels, rows, columns, antialias=False)

        return move, origins

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
    rows, columns = (
        _taps("bicubic", ((torch.arange(new, dtype=torch.float64) + 0.5) * (old / new) - 0.5)[None])
        for new, old in zip(size, pixels.shape[2:], strict=True)
    )
    return _interpolated(pixels, rows, columns, antialias=False)


def _taps(kernel: str, points: Tensor) -> tuple[Tensor, Tensor]:
    """First old pixels `[n, T]` and weights `[n, T, K]` at float64 points `[n, T]`."""
    places = torch.floor(points * (1 << kernels.FRACTION[kernel]) + 0.5)
    return kernels.taps(kernel, places.long())


def _interpolated(
    pixels: Tensor, rows: tuple[Tensor, Tensor], columns: tuple[Tensor, Tensor], antialias: bool
) -> Tensor:
    """uint8 `[N, C, H, W]` -> `[N, C, T, U]`; rows and columns: the first old pixel of each new
    one, int64 `[1 or N, T]`, and the weights from there, int32 `[1 or N, T, K]`, on the CPU."""
    if device.compiled(pixels):
        from forensics.operations import compiled_resize  # compiles or loads what it compiled

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
