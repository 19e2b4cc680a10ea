"""`crop(3,5)`: rows and columns cut off at the top left, which moves the JPEG grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.models.interfaces import Operation

# Offsets that differ within a batch lie on one 8 x 8 grid; so many rows and columns go in all,
# whatever the offsets, and the batch stays of one size.
_GRID = 8


@dataclass(frozen=True)
class Crop(Operation):
    """Cut off `top` rows and `left` columns. Given int64 `[N]` offsets in 0..7, one a patch, it
    cuts 8 rows and columns in all: the offset at the top left, the rest at the bottom right."""

    name: ClassVar[str] = "crop"
    geometric: ClassVar[bool] = True
    top: int | Tensor
    left: int | Tensor

    def __post_init__(self) -> None:
        for offset in (self.top, self.left):
            if isinstance(offset, Tensor):
                if offset.is_floating_point():
                    raise ForensicsError("crop takes whole numbers as offsets, not real ones")
                if int(offset.min()) < 0 or int(offset.max()) >= _GRID:
                    raise ForensicsError("crop takes offsets from 0 to 7, one a patch")
            elif not isinstance(offset, int) or offset < 0:
                raise ForensicsError(f"crop takes whole numbers from 0, not {offset}")

    def margin(self, color: bool) -> int:
        return _GRID

    def apply(self, batch: Batch) -> Batch:
        mask = None if batch.mask is None else self._cut(batch.mask[:, None])[:, 0]
        return batch.with_pixels(self._cut(batch.pixels), mask=mask)

    def _cut(self, planes: Tensor) -> Tensor:
        height, width = planes.shape[2:]
        if isinstance(self.top, int) and isinstance(self.left, int):
            if self.top >= height or self.left >= width:
                raise ForensicsError(
                    f"crop({self.top},{self.left}) leaves nothing of {width} x {height} pixels"
                )
            return planes[:, :, self.top :, self.left :]
        rows = _indices(self.top, height, planes)
        columns = _indices(self.left, width, planes)
        one = torch.arange(len(planes), device=planes.device)[:, None, None]
        cut = planes.permute(0, 2, 3, 1)[one, rows[:, :, None], columns[:, None, :]]
        return cut.permute(0, 3, 1, 2)


def _indices(offset: int | Tensor, side: int, planes: Tensor) -> Tensor:
    start = torch.as_tensor(offset, device=planes.device).expand(len(planes))
    return start[:, None] + torch.arange(side - _GRID, device=planes.device)
