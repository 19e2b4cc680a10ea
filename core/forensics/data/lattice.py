"""Photographs whose pixels still show the JPEG that they were."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import torch
from torch import Tensor

from forensics import atomic
from forensics.data.source import Photograph
from forensics.errors import UnreadableImage
from forensics.jpeg import estimate_table
from forensics.models import weights
from forensics.nn import phase_dct

_LOOKED_AT = 16  # photographs of a source: their decoding is what this costs
_SIDE = 256  # pixels, from the middle
_SUBBANDS = 4  # with a step above 1; photographs that never were JPEGs show none or one
_NAMED = 3
_VERSION = 1  # of the search: what another one saw is not taken over


def warning(photographs: Sequence[Photograph]) -> str | None:
    """One sentence on how many photographs have coefficients on a lattice, None where none has.

    Looks at the middle of 16 of them, spread evenly, for a quantisation table on the grid that
    begins at their corner, and on the one on which the most coefficients are zero: the photograph
    may have been cropped since. Files that are compressed themselves are left out, and so are
    damaged ones, which are reported when they are used. What was seen is kept by the photographs'
    content, for the next run.
    """
    lossless = [p for p in photographs if p.lossy is None]
    looked_at = lossless[:: -(-len(lossless) // _LOOKED_AT) or 1]
    known = _known()
    new = {p.sha256: _was_jpeg(p) for p in looked_at if p.sha256 not in known}
    if new:
        _keep(known | new)
    found = [p.name for p in looked_at if (known | new)[p.sha256]]
    if not found:
        return None
    names = ", ".join(found[:_NAMED]) + (", ..." if len(found) > _NAMED else "")
    return (
        f"{len(found)} of {len(looked_at)} photographs looked at have been JPEGs before they were "
        f"saved without loss ({names}): sources should be never compressed, or reduced by 2."
    )


def _place() -> Path:
    return weights.home() / f"lattices-{_VERSION}.json"


def _known() -> dict[str, bool]:
    """By the hash of a photograph, whether it was a JPEG: of all that were looked at before."""
    try:
        known: dict[str, bool] = json.loads(_place().read_text())
    except (OSError, ValueError):  # none yet, or damaged: all are looked at anew
        return {}
    return known


def _keep(known: dict[str, bool]) -> None:
    try:
        _place().parent.mkdir(parents=True, exist_ok=True)
        with atomic.replacing(_place()) as path:
            path.write_text(json.dumps(known))
    except OSError:  # where nothing can be kept, the next run looks again
        return


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
