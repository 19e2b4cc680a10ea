"""`resize(0.8,kernel=bicubic)`: new size by interpolation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

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
    equal Pillow in every pixel where the product is whole and no new pixel lies half-way.
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

    def apply(self, batch: Batch) -> Batch:
        factor = reals(self.factor, len(batch))[:, None]
        if batch.origins is None:
            size = self._size(batch)
            before = after = torch.zeros(len(batch), 2, dtype=torch.int64)
        else:
            size = batch.size
            before, after = batch.origins.cpu(), self.moved(batch.origins, size)
        axes = []
        for axis in (0, 1):
            new = after[:, axis : axis + 1] + torch.arange(size[axis]) + 0.5
            points = new / factor - 0.5 - before[:, axis : axis + 1]
            axes.append(self._taps(points, 1 / factor, batch.size[axis]))
        image = batch.pixels.int().transpose(2, 3).contiguous()
        image = _weighed(image, *axes[1])
        if self.antialias:
            # As Pillow: 8 bit between the passes, along rows first.
            image = _rounded(image, kernels.ANTIALIAS_BITS)
        image = _weighed(image.transpose(2, 3).contiguous(), *axes[0])
        bits = kernels.ANTIALIAS_BITS if self.antialias else 2 * kernels.BITS
        pixels = _rounded(image, bits).to(torch.uint8)
        origins = None if batch.origins is None else after.to(batch.device)
        return batch.with_pixels(pixels, origins=origins)

    def _size(self, batch: Batch) -> tuple[int, int]:
        least, most = span(self.factor, _WHAT, 0.1, 8)
        if least != most:
            raise ForensicsError("resize of whole images takes one factor for all, or sizes differ")
        height, width = batch.size
        size = round(height * least), round(width * least)
        if not min(size):
            raise ForensicsError(f"resize({least:g}) leaves nothing of {width} x {height} pixels")
        return size

    def _taps(self, points: Tensor, scale: Tensor, side: int) -> tuple[Tensor, Tensor]:
        """Old pixels, int64 `[N, K, T]`, and their weights, int32 `[N, K, T]`."""
        if self.antialias:
            first, found = kernels.stretched(self.kernel, points, scale, side)
            weights = found.movedim(2, 1)
        else:
            first, several = kernels.taps(self.kernel, points)
            weights = torch.stack(several, 1)
        places = first[:, None] + torch.arange(weights.shape[1])[:, None]
        return places.clamp(0, side - 1), weights


def _weighed(image: Tensor, places: Tensor, weights: Tensor) -> Tensor:
    """Weighted sums of rows of int32 `[N, C, H, W]`, as `[N, C, T, W]`."""
    n, channels, height, width = image.shape
    rows = image.view(n * channels * height, width)
    starts = torch.arange(n * channels, device=image.device).view(n, channels, 1) * height
    places, weights = places.to(image.device), weights.to(image.device)
    shape = (n, channels, places.shape[2], width)
    total = image.new_zeros(shape)
    for k in range(places.shape[1]):
        chosen = (starts + places[:, None, k]).flatten()
        total.addcmul_(rows.index_select(0, chosen).view(shape), weights[:, k, None, :, None])
    return total


def _rounded(image: Tensor, bits: int) -> Tensor:
    return ((image + (1 << (bits - 1))) >> bits).clamp_(0, 255)


def between(pixels: Tensor, size: tuple[int, int]) -> Tensor:
    """uint8 `[N, C, H, W]` at another size, bicubic without antialias: whole images, each axis by
    the quotient of its sides, as OpenCV's `resize` with `dsize`."""
    image = pixels.int()
    for new, old in ((size[1], pixels.shape[3]), (size[0], pixels.shape[2])):
        points = (torch.arange(new, dtype=torch.float64) + 0.5) * (old / new) - 0.5
        first, several = kernels.taps("bicubic", points.expand(len(pixels), -1))
        weights = torch.stack(several, 1)
        places = (first[:, None] + torch.arange(4)[:, None]).clamp(0, old - 1)
        image = _weighed(image.transpose(2, 3).contiguous(), places, weights)
    return _rounded(image, 2 * kernels.BITS).to(torch.uint8)
