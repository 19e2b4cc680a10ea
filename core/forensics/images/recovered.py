"""The JPEG that a picture without coefficients once was, recovered from its pixels."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from torch import Tensor

from forensics.batch import Batch
from forensics.images.picture import Picture
from forensics.jpeg import decode, recover
from forensics.jpeg.coefficients import Jpeg

# Steps above 1. Photographs that never were JPEGs show none or one, a JPEG of quality 99 about 20.
_LEAST = 8


@dataclass(frozen=True, eq=False)
class Recovered:
    """jpeg: the luma as a gray `Jpeg` (N = 1); shown: how many of its 64 steps the pixels show to
    be above 1."""

    jpeg: Jpeg
    shown: int

    @property
    def note(self) -> str:
        """A sentence for the user on what was estimated."""
        return (
            f"It was a JPEG: its luma table is estimated from the pixels ({self.shown} steps above "
            "1 show, others are 1 or libjpeg's at the nearest quality), and its luma coefficients "
            "are computed anew."
        )

    def batch(self, like: Batch) -> Batch:
        """It as a batch of one, its luma as pixels: whole blocks; keys and place of another."""
        return like.with_pixels(decode(self.jpeg), self.jpeg)


@functools.lru_cache(maxsize=1)
def recovered(picture: Picture) -> Recovered | None:
    """The JPEG that a file of another format was, as far as its pixels show it; None where no table
    shows on a grid that begins at their corner."""
    return None if picture.format == "JPEG" else of_pixels(picture.batch().pixels)


def of_pixels(pixels: Tensor) -> Recovered | None:
    """The same of an image, uint8 `[1, C, H, W]`."""
    if min(pixels.shape[2:]) < 8:
        return None
    jpeg, shown = recover(pixels)
    count = int(shown.sum())
    return Recovered(jpeg, count) if count >= _LEAST else None


def without(picture: Picture) -> str:
    """Why a picture has no coefficients, as a short reason for n/a."""
    if picture.format == "JPEG":
        return str(picture.jpeg_reason)
    return NO_TABLE


NO_TABLE = "not a JPEG, and its pixels show no quantisation table"
