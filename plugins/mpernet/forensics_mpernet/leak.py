"""What the paper's crop gives away: it cuts the middle 256 of a compressed tile, so that the phase
of the JPEG grid says by which factor the tile was resized."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from forensics.nn import phase_dct

TILE, SIDE = 512, 256
_WIDE = 6  # a step that rounded pixels leave visible


def start(factor: float) -> int:
    """Where the middle of the resized tile begins."""
    return (round(TILE * factor) - SIDE) // 2


def seen(pixels: Tensor, steps: Tensor) -> int:
    """Where on the grid the corner of `[H, W]` lies: where the coefficients of its blocks are
    nearest to multiples of the table's steps `[8, 8]`. Those of small steps tell nothing."""
    wide = steps >= _WIDE
    off = []
    for place in range(8):  # the first whole block begins 8 - place pixels on
        first = (8 - place) % 8
        level = phase_dct(pixels[None] - 128, first, first)[0][..., wide] / steps[wide]
        off.append(float((level - level.round()).abs().mean()))
    return int(np.argmin(off))
