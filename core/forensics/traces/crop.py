"""The crop: what a model is shown of a state. The only way to models, in a run as in a training.

Tiles are larger than patches (`Trace.margin`), so that no pixel of a patch depends on how a step
treats the border of its input, and so that an attacker sees around the patch. The patch is cut
last, here and nowhere else. These rules against leaks hold for every side of a trace and under
every attack, and a model can tell the sides apart by image content alone:

- The same rectangle is cut on all sides: equal size, channels and dtype.
- Where the trace hands over pixels, the JPEG that they may come from stays behind: an untouched
  photograph has none, so coefficients and tables alone would say which side this is.
- Where the trace hands over the JPEG, every side ends in the same `jpeg(...)` step; coefficients
  are cut block by block, as they are, never compressed again, and the pixels are the decoded ones.
- Where a tile lies after steps that move pixels (`Batch.origins`), which of its pixels come from
  elsewhere (`Batch.mask`), what could be spliced in (`Batch.donors`) and where (`Batch.window`)
  stay behind too.
- The corner lies on the grid of the last JPEG, so that the phase of the grid says nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from forensics.batch import Batch


def cut(state: Batch, margin: int, patch: int, input: Literal["pixels", "jpeg"]) -> Batch:
    """The patches of `patch` x `patch` pixels whose corner is (`margin`, `margin`) in their tiles.

    input: the trace's: `"pixels"` drops the Jpeg, `"jpeg"` keeps its part. Keys, photographs
    and positions, which are the patch's already, stay.

    Raises ValueError where a tile is too small, where a JPEG is to be handed over and there is
    none, or where the corner does not lie on its block grid.
    """
    height, width = state.size
    if margin + patch > min(height, width):
        raise ValueError(f"no patch of {patch} pixels at {margin} in a tile of {height} x {width}")
    if input == "jpeg" and state.jpeg is None:
        raise ValueError("the trace hands over the JPEG, but this state does not end in one")
    jpeg = state.jpeg if input == "jpeg" else None
    shown = replace(state, jpeg=jpeg, origins=None, mask=None, window=None)
    return shown.cut(margin, margin, patch, patch)


def mask(state: Batch, margin: int, patch: int) -> Tensor:
    """Where the same patches come from elsewhere, bool `[N, patch, patch]`: for the metrics of
    localizers, never for a model. Nowhere, where nothing was spliced in."""
    if state.mask is None:
        return torch.zeros(len(state), patch, patch, dtype=torch.bool, device=state.device)
    return state.mask[:, margin : margin + patch, margin : margin + patch]
