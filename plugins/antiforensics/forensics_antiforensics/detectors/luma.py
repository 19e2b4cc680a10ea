"""What all six detectors look at: luma in whole blocks; and how they answer."""

from __future__ import annotations

import torch
from torch import Tensor

from forensics.batch import Batch
from forensics.jpeg import block_dct
from forensics.models.interfaces import Scores

_FLAT = 0.01  # share of pixels that differ from the next, down or across


def luma(batch: Batch) -> Tensor:
    """int32 `[N, H', W']`, H' and W' the multiples of 8 below the batch's size."""
    height, width = batch.size
    return batch.luma()[:, : height - height % 8, : width - width % 8].int()


def coefficients(planes: Tensor) -> Tensor:
    """DCT coefficients of integer luma, float64 `[N, blocks, 64]`, rounded to multiples of 2**-12.

    The rounding makes a coefficient that is 0 or half a step in theory exactly so, which leaves
    nothing to the order in which a matrix product adds.
    """
    blocks = block_dct(planes.to(torch.float64) - 128).flatten(1, 2).flatten(2)
    return torch.round(blocks * 4096) / 4096


def scores(
    values: Tensor, planes: Tensor, answerable: Tensor | None = None, reason: str = ""
) -> Scores:
    """`[N]` values; NaN where the luma, int32 `[N, H, W]`, is flat: where nearly no pixel differs
    from the next one there is nothing to measure; and, with this reason, where `answerable` (bool
    `[N]`) is False."""
    changes = [(planes.diff(dim=axis) != 0).flatten(1).float().mean(1) for axis in (1, 2)]
    flat = torch.stack(changes).amax(0) < _FLAT
    told = ~flat if answerable is None else answerable & ~flat
    values = torch.where(told, values, torch.nan).to(torch.float32)
    if bool(told.all()):
        return Scores(values)
    each = zip(told.tolist(), flat.tolist(), strict=True)
    why = (
        None if yes else "flat: nothing to measure" if is_flat else reason for yes, is_flat in each
    )
    return Scores(values, tuple(why))
