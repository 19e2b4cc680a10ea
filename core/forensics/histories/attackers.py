"""Simple attackers, nearly free, so that every detector has something to be tried by.

Each is an operation with its strength fixed; none needs training or knows a detector.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from forensics.batch import Batch
from forensics.histories.operations import Gaussian, JpegCompression, Median, WhiteNoise
from forensics.histories.operations.chain import apart
from forensics.histories.operations.resize import between
from forensics.models.interfaces import Attacker, Operation


class _Step(Attacker):
    """One operation on the pixels."""

    operation: ClassVar[Operation]

    def margin(self, color: bool) -> int:
        return self.operation.margin(color)

    def attack(self, batch: Batch) -> Tensor:
        # Nothing that it draws may be what an operation of the same kind drew before.
        return apart(self.operation.apply, batch, f"attack {self.name}").pixels


@dataclass(frozen=True)
class Median3(_Step):
    """Median of 3 x 3 pixels."""

    name: ClassVar[str] = "median3"
    operation: ClassVar[Operation] = Median(3)


@dataclass(frozen=True)
class Blur(_Step):
    """Gaussian blur, s.d. 0.5 pixels."""

    name: ClassVar[str] = "blur"
    operation: ClassVar[Operation] = Gaussian(0.5)


@dataclass(frozen=True)
class Noise(_Step):
    """White Gaussian noise, s.d. 2 grey levels."""

    name: ClassVar[str] = "noise"
    operation: ClassVar[Operation] = WhiteNoise(2.0)


@dataclass(frozen=True)
class Resave90(_Step):
    """JPEG of quality 90 on the tile's grid, decoded."""

    name: ClassVar[str] = "resave-90"
    operation: ClassVar[Operation] = JpegCompression(90)


@dataclass(frozen=True)
class Resave75(_Step):
    """JPEG of quality 75 on the tile's grid, decoded."""

    name: ClassVar[str] = "resave-75"
    operation: ClassVar[Operation] = JpegCompression(75)


@dataclass(frozen=True)
class ResizeBack(Attacker):
    """Down to 0.9 of both sides (rounded) and up again, bicubic, without antialias."""

    name: ClassVar[str] = "resize-back"

    def margin(self, color: bool) -> int:
        return 5

    def attack(self, batch: Batch) -> Tensor:
        height, width = batch.size
        small = between(batch.pixels, (round(0.9 * height), round(0.9 * width)))
        return between(small, (height, width))
