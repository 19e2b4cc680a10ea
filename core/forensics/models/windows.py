"""An image as windows: cut lazily, in batches of bounded memory."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from forensics.batch import Batch
from forensics.jpeg.coefficients import SAMPLINGS, Jpeg

_PIXELS = 1 << 20  # of the windows of one batch


@dataclass(frozen=True, eq=False)
class Windows:
    """All windows of `side` x `side` pixels that lie inside N images, `stride` pixels apart.

    Iterating gives batches of them: image by image, row by row, each at most `pixels` pixels large
    (or one window). Where all corners lie on the block grid of a JPEG, windows have their part of
    it; elsewhere they have none. Keys and photographs are those of the images, positions the
    window's own.
    """

    batch: Batch
    side: int
    stride: int
    pixels: int = _PIXELS

    @property
    def shape(self) -> tuple[int, int]:
        """How many windows there are in one image, (down, across)."""
        height, width = ((size - self.side) // self.stride + 1 for size in self.batch.size)
        return max(height, 0), max(width, 0)

    def __len__(self) -> int:
        """How many windows of all images there are."""
        return len(self.batch) * math.prod(self.shape)

    def __iter__(self) -> Iterator[Batch]:
        jpeg = self.batch.jpeg if self.keep_jpeg else None
        together = max(1, self.pixels // self.side**2)
        for first in range(0, len(self), together):
            number = torch.arange(first, min(first + together, len(self)), device=self.batch.device)
            yield self._cut(number, jpeg)

    @property
    def keep_jpeg(self) -> bool:
        """Whether windows have their part of the JPEG."""
        jpeg = self.batch.jpeg
        return jpeg is not None and self.stride % (8 * max(SAMPLINGS[jpeg.sampling])) == 0

    def _cut(self, number: Tensor, jpeg: Jpeg | None) -> Batch:
        down, across = self.shape
        image = number // (down * across)
        row, column = number // across % down, number % across
        every = self.batch.pixels.unfold(2, self.side, self.stride)
        every = every.unfold(3, self.side, self.stride).permute(0, 2, 3, 1, 4, 5)
        corners = torch.stack((row, column), 1) * self.stride
        return Batch(
            every[image, row, column],
            self.batch.keys[image],
            tuple(self.batch.photographs[i] for i in image.tolist()),
            self.batch.positions[image] + corners,
            None if jpeg is None else self._part(jpeg, image, row, column),
        )

    def _part(self, jpeg: Jpeg, image: Tensor, row: Tensor, column: Tensor) -> Jpeg:
        parts = []
        for index, levels in enumerate(jpeg.coefficients):
            every = levels
            for axis, factor in enumerate(SAMPLINGS[jpeg.sampling] if index else (1, 1), 1):
                block = 8 * factor
                every = every.unfold(axis, math.ceil(self.side / block), self.stride // block)
            # [N, down, across, 8, 8, blocks down, blocks across]
            parts.append(every[image, row, column].permute(0, 3, 4, 1, 2).contiguous())
        return Jpeg(tuple(parts), jpeg.tables[image], jpeg.sampling, (self.side, self.side))

    def gathered(self, answers: Iterable[Tensor]) -> Tensor:
        """The answers to all batches of windows, `[windows, ...]` each, as `[N, h, w, ...]`."""
        joined = torch.cat(list(answers))
        return joined.unflatten(0, (len(self.batch), *self.shape))


def windows(batch: Batch, side: int, stride: int) -> Windows:
    """All windows that lie inside the images. Raises ValueError where none does."""
    found = Windows(batch, side, stride)
    if side < 1 or stride < 1 or not len(found):
        raise ValueError(f"no window of {side} pixels, {stride} apart, in {batch.size} pixels")
    return found
