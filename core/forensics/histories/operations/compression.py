"""`jpeg(75)`: one JPEG compression, bit for bit as libjpeg-turbo does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from forensics import jpeg
from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.jpeg.coefficients import SAMPLINGS
from forensics.models.interfaces import Operation


@dataclass(frozen=True)
class JpegCompression(Operation):
    """Compress and decode. quality: libjpeg's 1..100, or int64 `[N]`; sampling: of the chroma,
    for RGB (gray has none)."""

    makes_jpeg: ClassVar[bool] = True
    quality: int | Tensor
    sampling: str = "4:2:0"

    def __post_init__(self) -> None:
        low, high = _range(self.quality)
        if not 1 <= low <= high <= 100:
            raise ForensicsError(
                f"jpeg takes a quality from 1 to 100, not {low if low < 1 else high}"
            )
        if self.sampling not in SAMPLINGS:
            raise ForensicsError(
                f"jpeg knows the samplings {', '.join(SAMPLINGS)}, not {self.sampling}"
            )

    def margin(self, color: bool) -> int:
        # Blocks do not see one another, but fancy up-sampling reads the next chroma block.
        return 16 if color and self.sampling in ("4:2:0", "4:2:2") else 0

    def align(self, color: bool) -> int:
        return 16 if color and self.sampling in ("4:2:0", "4:2:2") else 8

    def apply(self, batch: Batch) -> Batch:
        compressed = jpeg.compress(batch.pixels, self.quality, self.sampling)
        return batch.with_pixels(jpeg.decode(compressed), compressed)


def _range(quality: int | Tensor) -> tuple[int, int]:
    if isinstance(quality, Tensor):
        low, high = torch.aminmax(quality)
        return int(low), int(high)
    if type(quality) is not int:
        raise ForensicsError(f"jpeg takes a whole number as quality, not {quality}")
    return quality, quality
