"""Photographs whose pixels still show the JPEG that they were."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import product

import torch
from torch import Tensor

from forensics.data.source import Photograph
from forensics.errors import UnreadableImage
from forensics.jpeg import estimate_table
from forensics.nn import phase_dct

_LOOKED_AT = 16  # photographs of a source: their decoding is what this costs
_SIDE = 256  # pixels, from the middle
_SUBBANDS = 4  # with a step above 1; photographs that never were JPEGs show none or one
_NAMED = 3


def warning(photographs: Sequence[Photograph]) -> str | None:
    """One sentence on how many photographs have coefficients on a lattice, None where none has.

    Looks at the middle of 16 of them, spread evenly, for a quantisation table on the grid that
    begins at their corner, and on the one on which the most coefficients are zero: the photograph
    may have been cropped since. Files that are compressed themselves are left out, and so are
    damaged ones, which are reported when they are used.
    """
    lossless = [p for p in photographs if p.lossy is None]
    looked_at = lossless[:: -(-len(lossless) // _LOOKED_AT) or 1]
    found = [p.name for p in looked_at if _was_jpeg(p)]
    if not found:
        return None
    names = ", ".join(found[:_NAMED]) + (", ..." if len(found) > _NAMED else "")
    return (
        f"{len(found)} of {len(looked_at)} photographs looked at have been JPEGs before they were "
        f"saved without loss ({names}): sources should be never compressed, or reduced by 2."
    )


@cache
def _was_jpeg(photograph: Photograph) -> bool:
    try:
        pixels = torch.from_numpy(photograph.load(color=False))
    except UnreadableImage:
        return False
    top, left = (max(0, (side - _SIDE) // 16 * 8) for side in photograph.size)
    middle = pixels[None, :, top : top + _SIDE, left : left + _SIDE]
    if min(middle.shape[2:]) < 16:
        return _is_table(estimate_table(middle))
    row, column = _grid(middle[:, 0])
    on_grid = (middle, middle[:, :, row:, column:]) if row or column else (middle,)
    return any(_is_table(estimate_table(part)) for part in on_grid)


def _is_table(table: Tensor) -> bool:
    return int((table > 1).sum()) >= _SUBBANDS


def _grid(planes: Tensor) -> tuple[int, int]:
    """Where the grid begins whose coefficients are zero most often."""
    values = planes.float() - 128
    shares = [
        float((phase_dct(values, row, column).abs() < 0.5).float().mean())
        for row, column in product(range(8), range(8))
    ]
    return divmod(shares.index(max(shares)), 8)
