"""Histograms of a heat map inside and outside a mask, two an image.

The map is not enlarged: each of its cells counts as many pixels inside and outside the mask as it
stands for. Heat is rounded to bfloat16 (8 significant bits), so that an image has at most some
thousand levels whatever its size; all counts are exact on the rounded map.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from forensics.metrics.intervals import Floats
from forensics.models.interfaces import Heatmap

_PACKED = np.dtype([("level", "<f4"), ("inside", "<u4"), ("outside", "<u4")])

# What each pattern of 16 bits, the first bit inverted, is as bfloat16.
_LEVELS = torch.arange(-32768, 32768).to(torch.int16).view(torch.bfloat16).double().numpy()


@dataclass(frozen=True, eq=False)
class MaskHistogram:
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
    def unpack(cls, packed: bytes) -> MaskHistogram:
        """The inverse of `pack`."""
        rows = np.frombuffer(packed, _PACKED)
        return cls(*(rows[name].astype(np.float64) for name in ("level", "inside", "outside")))


def evidence(heatmap: Heatmap, masks: Tensor) -> list[MaskHistogram]:
    """The histograms of N heat maps for their masks, bool `[N, H, W]`.

    The cell (i, j) stands for the pixels that lie nearest to (offset + i * stride, offset + j *
    stride), the one further on where two are equally near.
    """
    _, height, width = masks.shape
    _, down, across = heatmap.values.shape
    rows = _nearest(height, down, heatmap, masks.device)
    columns = _nearest(width, across, heatmap, masks.device)
    sides = rows.bincount(minlength=down), columns.bincount(minlength=across)
    area = torch.outer(*sides).flatten().double()
    histograms = []
    for heat, mask in zip(heatmap.values.detach(), masks, strict=True):
        marked = torch.zeros(down, width, dtype=torch.int32, device=masks.device)
        marked.index_add_(0, rows, mask.to(torch.int32))
        inside = torch.zeros(down, across, dtype=torch.int32, device=masks.device)
        inside.index_add_(1, columns, marked)
        histograms.append(_histograms(heat.flatten(), inside.flatten().double(), area))
    return histograms


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


def _histograms(heat: Tensor, inside: Tensor, area: Tensor) -> MaskHistogram:
    """Of cells `[n]` with their heat, and float64 numbers of pixels: whole, so that their sums are
    exact in any order."""
    # Plus 0, which has a negative twin.
    codes = (heat.float() + 0.0).to(torch.bfloat16).view(torch.int16).long() + 32768
    within, every = (codes.bincount(w, 65536).cpu().numpy() for w in (inside, area))
    there = np.flatnonzero((every > 0) & ~np.isnan(_LEVELS))
    there = there[np.argsort(_LEVELS[there])]
    return MaskHistogram(_LEVELS[there], within[there], (every - within)[there])
