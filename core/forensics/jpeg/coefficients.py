"""The quantised content of JPEG images, as tensors."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

# Luma samples per chroma sample, (vertical, horizontal), for each chroma sampling.
SAMPLINGS: dict[str, tuple[int, int]] = {
    "gray": (1, 1),
    "4:4:4": (1, 1),
    "4:2:2": (1, 2),
    "4:2:0": (2, 2),
}


def sampling_of(factors: list[tuple[int, int]]) -> str | None:
    """The name in `SAMPLINGS` of the (vertical, horizontal) factors of each component, None where
    it has none. Only their ratios count, so 2x2 1x2 1x2 is a way to write 4:2:2."""
    if len(factors) == 1:
        return "gray"
    if len(factors) != 3 or factors[1] != factors[2]:
        return None
    (luma_down, luma_across), (down, across), _ = factors
    if luma_down % down or luma_across % across:
        return None
    ratio = luma_down // down, luma_across // across
    return next((name for name, r in SAMPLINGS.items() if r == ratio and name != "gray"), None)


@dataclass(frozen=True, eq=False)
class Jpeg:
    """The quantised content of N baseline JPEG images of one size and one chroma sampling.

    coefficients: one tensor a component, int16 `[N, by, bx, 8, 8]`, natural (row by row)
        order, levels before de-quantisation; by, bx = ceil(component size / 8).
    tables: int32 `[N, components, 8, 8]`, quantisation steps in natural order; they may differ
        from image to image.
    sampling: `"gray"`, `"4:4:4"`, `"4:2:2"` or `"4:2:0"`.
    size: (height, width) of the image in pixels.
    """

    coefficients: tuple[Tensor, ...]
    tables: Tensor
    sampling: str
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.tables)

    def to(self, device: torch.device | str) -> Jpeg:
        """The same on `device`."""
        moved = tuple(c.to(device) for c in self.coefficients)
        return replace(self, coefficients=moved, tables=self.tables.to(device))

    def __getitem__(self, index: slice | Tensor) -> Jpeg:
        """Some of the images: `index` is a slice or an int64 or bool tensor."""
        chosen = tuple(c[index] for c in self.coefficients)
        return replace(self, coefficients=chosen, tables=self.tables[index])

    def cut(self, top: int, left: int, height: int, width: int) -> Jpeg:
        """The part of the image with this corner and size, taken block by block.

        Raises ValueError where the corner does not lie on a block of every component (a multiple
        of 8, or of 16 along an axis with subsampled chroma).
        """
        down, across = SAMPLINGS[self.sampling]
        if top % (8 * down) or left % (8 * across):
            raise ValueError(f"({top}, {left}) is not a corner of the {self.sampling} block grid")
        parts = []
        for index, component in enumerate(self.coefficients):
            fv, fh = (down, across) if index else (1, 1)
            y, x = top // (8 * fv), left // (8 * fh)
            rows, columns = math.ceil(height / (8 * fv)), math.ceil(width / (8 * fh))
            parts.append(component[:, y : y + rows, x : x + columns].contiguous())
        return replace(self, coefficients=tuple(parts), size=(height, width))
