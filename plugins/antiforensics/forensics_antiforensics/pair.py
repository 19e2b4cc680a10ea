"""What the recipes train on: JPEGs of the pristine side of the trace, and what they were."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from forensics.jpeg import compress, decode_luma
from forensics.training.recipe import Example


@dataclass(frozen=True, eq=False)
class Pair:
    """luma: the JPEGs' unrounded decode, float `[N, H, W]`, 0..255; target: the never-compressed
    planes; steps: int32 `[N, 8, 8]`; keys: int64 `[N]`."""

    luma: Tensor
    target: Tensor
    steps: Tensor
    keys: Tensor

    @classmethod
    def of(cls, example: Example) -> Pair:
        """The pristine side and its JPEGs at the drawn qualities."""
        pristine = example.sides["pristine"]
        jpeg = compress(pristine.pixels, example.values["q"])
        steps = jpeg.tables[:, 0]
        return cls(decode_luma(jpeg), pristine.pixels[:, 0].float(), steps, pristine.keys)
