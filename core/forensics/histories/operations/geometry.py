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
    """Cut off `top` rows and `left` columns. Where one of them is int64 `[N]`, one a patch, both
    are in 0..7, and 8 rows and columns go in all: the offset at the top left, the rest at the
    bottom right."""

    geometric: ClassVar[bool] = True
    top: int | Tensor
    left: int | Tensor

    def __post_init__(self) -> None:
        for offset in (self.top, self.left):
            if isinstance(offset, Tensor):
                if offset.is_floating_point():
                    raise ForensicsError("crop takes whole numbers as offsets, not real ones")
            elif not isinstance(offset, int) or offset < 0:
                raise ForensicsError(f"crop takes whole numbers from 0, not {offset}")
        ends = [int(end) for o in (self.top, self.left) for end in torch.as_tensor(o).aminmax()]
        if self._whole() is None and (min(ends) < 0 or max(ends) >= _GRID):
            raise ForensicsError("crop takes offsets from 0 to 7, one a patch")

    def _whole(self) -> tuple[int, int] | None:
        """The rows and columns that go, where all patches lose the same."""
        if isinstance(self.top, int) and isinstance(self.left, int):
            return self.top, self.left
        return None

    def margin(self, color: bool) -> int:
        return max((_GRID, *(self._whole() or ())))

    def apply(self, batch: Batch) -> Batch:
        mask = None if batch.mask is None else self._cut(batch.mask[:, None])[:, 0]
        return batch.with_pixels(self._cut(batch.pixels), mask=mask)

    def _cut(self, planes: Tensor) -> Tensor:
        height, width = planes.shape[2:]
        whole = self._whole()
        if whole is not None:
            top, left = whole
            if top >= height or left >= width:
                raise ForensicsError(
                    f"crop({top},{left}) leaves nothing of {width} x {height} pixels"
                )
            return planes[:, :, top:, left:]
        rows = _indices(self.top, height, planes)
        columns = _indices(self.left, width, planes)
        one = torch.arange(len(planes), device=planes.device)[:, None, None]
        cut = planes.permute(0, 2, 3, 1)[one, rows[:, :, None], columns[:, None, :]]
        return cut.permute(0, 3, 1, 2)


def _indices(offset: int | Tensor, side: int, planes: Tensor) -> Tensor:
    start = torch.as_tensor(offset, device=planes.device).expand(len(planes))
    return start[:, None] + torch.arange(side - _GRID, device=planes.device)
