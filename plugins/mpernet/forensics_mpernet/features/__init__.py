"""What a window of luma samples after the last JPEG says, as numbers, group by group."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from forensics_mpernet.features.blocks import dct32, grid, jpeg, side, table
from forensics_mpernet.features.levels import noise
from forensics_mpernet.features.neighbours import cooccurrences, local
from forensics_mpernet.features.spectra import period

# Each: luma, float32 `[N, H, W]`, and the file's luma steps, `[N, 64]`, to float32 `[N, K]`.
_GROUPS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "dct32": lambda luma, steps: dct32(luma),
    "jpeg": jpeg,
    "grid": lambda luma, steps: grid(luma),
    "period": lambda luma, steps: period(luma),
    "cooc": lambda luma, steps: cooccurrences(luma),
    "local": lambda luma, steps: local(luma),
    "noise": lambda luma, steps: noise(luma),
    "side": lambda luma, steps: side(luma),
    "table": lambda luma, steps: table(steps),
}
GROUPS = tuple(_GROUPS)


def features(luma: Tensor, steps: Tensor, groups: Sequence[str]) -> Tensor:
    """The groups side by side, float32 `[N, K]`, the same for a window and its transpose.

    luma: `[N, H, W]`, 0..255, sides multiples of 8 from 128 to 256, cut on the JPEG's grid;
    steps: the luma table of the file, `[N, 64]`, natural order.
    """
    luma, steps = luma.float(), steps.float()
    return torch.cat([_GROUPS[name](luma, steps) for name in groups], 1)
