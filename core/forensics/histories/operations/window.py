"""Operations that move pixels: on whole images, and on tiles as if on the whole photograph.

A tile stays a square of its size. After `resize(0.8)` it is another window upon the photograph,
which has become smaller: the one that lies nearest to the old content's centre, on the grid of
16 pixels where 4:2:0 JPEG blocks begin. So a patch stays in the middle of its tile, a later JPEG
begins at its corner, and the phases of the interpolation and of earlier JPEG grids are those that
a patch of the whole processed photograph would have, not always the same. Near its border such a
tile shows pixels that it could not know; `side_before` says how much of it is good.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor

from forensics.batch import GRID, Batch
from forensics.models.interfaces import Operation


class Geometric(Operation):
    """A linear map of coordinates, with interpolation. What marks pixels that come from elsewhere
    (`Batch.mask`) moves along, each pixel taking the mark of the nearest."""

    geometric: ClassVar[bool] = True
    kernel: str

    @abstractmethod
    def matrices(self, count: int) -> Tensor:
        """Old to new coordinates (y, x), float64 `[count, 2, 2]` on the CPU."""

    @abstractmethod
    def reach(self) -> float:
        """How many old pixels around a point its new value depends on."""

    @abstractmethod
    def mover(self, batch: Batch) -> tuple[Callable[[Tensor, str], Tensor], Tensor | None]:
        """What moves uint8 `[N, C, H, W]` of the batch's size with a kernel; and the tiles' new
        first pixels, or None for whole images."""

    def margin(self, color: bool) -> int:
        return math.ceil(self.reach())

    def side_before(self, side: int, color: bool) -> int:
        counts = [len(v) for v in vars(self).values() if isinstance(v, Tensor) and v.ndim]
        back = torch.linalg.inv(self.matrices(max(counts, default=1))).abs().sum(2)
        # The window moves by up to half a step of its grid; one pixel more for odd sides.
        return math.ceil(float(back.max()) * (side + GRID) + 2 * self.reach() + 2 - 1e-9)

    def apply(self, batch: Batch) -> Batch:
        move, origins = self.mover(batch)
        mask = batch.mask
        if mask is not None:
            mask = move(mask[:, None].to(torch.uint8), "nearest")[:, 0].bool()
        return batch.with_pixels(move(batch.pixels, self.kernel), origins=origins, mask=mask)

    def moved(self, origins: Tensor, size: tuple[int, int]) -> Tensor:
        """The tiles' new first pixels, int64 `[N, 2]` on the CPU."""
        half = torch.tensor(size, dtype=torch.float64) / 2
        centres = self.matrices(len(origins)) @ (origins.cpu().double() + half)[:, :, None]
        # Halves go up, so that a larger tile around the same middle makes the same choice.
        return torch.floor((centres[:, :, 0] - half) / GRID + 0.5).long() * GRID
