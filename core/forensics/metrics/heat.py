"""What a heat map says of the pixels inside and outside a mask: two histograms an image.

No map is enlarged for it: a cell counts for as many pixels of the mask, and as many outside it, as
it stands for. Heat is rounded to bfloat16 (8 significant bits), so that an image has at most some
thousand levels whatever its size; on the rounded map everything that is counted is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from forensics.interfaces import Heatmap
from forensics.metrics.intervals import Floats, totals

_PACKED = np.dtype([("level", "<f4"), ("inside", "<u4"), ("outside", "<u4")])


@dataclass(frozen=True, eq=False)
class Evidence:
    """One image. levels: float64 `[U]`, the distinct values of its heat, increasing; inside,
    outside: float64 `[U]`, how many pixels of the mask, and how many others, have them. A cell
    without a value (NaN) is left out."""

    levels: Floats
    inside: Floats
    outside: Floats

    def pack(self) -> bytes:
        """12 bytes a level, which `unpack` reads."""
        packed = np.zeros(len(self.levels), _PACKED)
        packed["level"], packed["inside"], packed["outside"] = (
            self.levels,
            self.inside,
            self.outside,
        )
        return packed.tobytes()

    @classmethod
    def unpack(cls, packed: bytes) -> Evidence:
        """What `pack` made."""
        rows = np.frombuffer(packed, _PACKED)
        return cls(*(rows[name].astype(np.float64) for name in ("level", "inside", "outside")))


def evidence(heatmap: Heatmap, masks: Tensor) -> list[Evidence]:
    """For each of N images what its map says of its mask, bool `[N, H, W]`.

    The cell (i, j) stands for the pixels that lie nearest to (offset + i * stride, offset + j *
    stride), the one further on where two are equally near.
    """
    n, cells_down, cells_across = heatmap.values.shape
    _, height, width = masks.shape
    rows = _nearest(height, cells_down, heatmap, masks.device)
    columns = _nearest(width, cells_across, heatmap, masks.device)
    marked = torch.zeros(n, cells_down, width, dtype=torch.int32, device=masks.device)
    marked.index_add_(1, rows, masks.to(torch.int32))
    inside = torch.zeros(n, cells_down, cells_across, dtype=torch.int32, device=masks.device)
    inside.index_add_(2, columns, marked)
    sides = rows.bincount(minlength=cells_down), columns.bincount(minlength=cells_across)
    area = torch.outer(*sides)
    heat = heatmap.values.detach().to(torch.bfloat16).to("cpu", torch.float64).flatten(1).numpy()
    within = inside.flatten(1).to("cpu", torch.float64).numpy()
    every = area.flatten().to("cpu", torch.float64).numpy()
    return [_histograms(values, part, every) for values, part in zip(heat, within, strict=True)]


def enlarged(heatmap: Heatmap, height: int, width: int) -> Tensor:
    """The maps with a value for each pixel, that of the nearest cell: `[N, height, width]`."""
    _, down, across = heatmap.values.shape
    device = heatmap.values.device
    rows = _nearest(height, down, heatmap, device)
    return heatmap.values[:, rows][:, :, _nearest(width, across, heatmap, device)]


def _nearest(length: int, cells: int, heatmap: Heatmap, device: torch.device) -> Tensor:
    """The cell that stands for each of `length` pixels of an axis, int64 `[length]`."""
    pixels = torch.arange(length, device=device) - heatmap.offset + heatmap.stride // 2
    return pixels.div(heatmap.stride, rounding_mode="floor").clamp(0, cells - 1)


def _histograms(heat: Floats, inside: Floats, area: Floats) -> Evidence:
    there: NDArray[np.bool_] = ~np.isnan(heat) & (area > 0)
    levels, place = np.unique(heat[there], return_inverse=True)
    within = totals(inside[there], place, len(levels))
    return Evidence(levels, within, totals(area[there], place, len(levels)) - within)
