"""The luma of a JPEG that was decoded and saved without loss, as a JPEG again."""

from __future__ import annotations

import torch
from torch import Tensor

from forensics.jpeg.coefficients import Jpeg
from forensics.jpeg.colour import rgb_to_ycc
from forensics.jpeg.estimation import estimate_table
from forensics.jpeg.tables import standard_tables
from forensics.jpeg.transform import block_dct

_SEEN = 2048  # pixels a side, from the middle, that tables are estimated from


def recover(pixels: Tensor) -> tuple[Jpeg, Tensor]:
    """The gray JPEG of the luma that these pixels were decoded from, and which of its steps show.

    pixels: uint8 `[N, C, H, W]`, C = 1 or 3 (RGB), whose top left corner is that of the JPEG; what
    is beyond the last whole block is left out. Steps are those of `estimate_table` on the middle of
    the image; one that does not show there, as where nearly all its levels are 0, is libjpeg's at
    the quality whose table is nearest to the others. Levels are the luma's coefficients over the
    steps, rounded. Second: bool `[N, 64]`, natural order, the steps that show and are above 1; of
    an image that never was a JPEG, or has another grid, there are none or few.
    """
    height, width = (side - side % 8 for side in pixels.shape[2:])
    whole = pixels[:, :, :height, :width]
    top, left = (max(0, (side - _SEEN) // 16 * 8) for side in (height, width))
    found = estimate_table(whole[:, :, top : top + _SEEN, left : left + _SEEN]).flatten(1)
    tables = torch.where(found > 0, found, _nearest(found)).unflatten(1, (8, 8))
    colours = whole.to(torch.int32)
    luma = rgb_to_ycc(colours)[:, 0] if pixels.shape[1] == 3 else colours[:, 0]
    levels = (block_dct(luma.float() - 128) / tables[:, None, None]).round().to(torch.int16)
    jpeg = Jpeg((levels,), tables[:, None].to(torch.int32), "gray", (height, width))
    return jpeg, found > 1


def _nearest(found: Tensor) -> Tensor:
    """int32 `[N, 64]`: libjpeg's table whose logarithms are nearest where steps are known."""
    listed = standard_tables(torch.arange(1, 101), 1).flatten(1).to(found.device)
    apart = (found.clamp(min=1).log()[:, None] - listed.log()).abs() * (found > 0)[:, None]
    return listed[apart.sum(2).argmin(1)]
