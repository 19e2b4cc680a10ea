"""What happens to a training photograph before its history begins, so that a model sees more
kinds of photographs than there are. Validation crops are left as they are.

Every draw is a function of the crop's key, the same on every device.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from forensics import random
from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.histories.operations import Resize

# Of the tone curve of common photographs: a stop of exposure scales 8-bit values by 2 ** (1 / 2.2).
_ENCODING = 2.2


class Augmentation(ABC):
    """A frozen dataclass; a recipe lists some, in the order in which they are applied."""

    #: whether it works on colours, also where gray photographs are trained on
    rgb: ClassVar[bool] = False

    def side_before(self, side: int) -> int:
        """The side of the square of input that a square of output, in its middle, depends on."""
        return side

    @abstractmethod
    def apply(self, batch: Batch) -> Batch:
        """Tiles of the same size; what lies near their border may be wrong."""


@dataclass(frozen=True)
class Orientation(Augmentation):
    """One of the eight ways that flips and quarter turns give."""

    def apply(self, batch: Batch) -> Batch:
        pixels = batch.pixels
        for name, turned in (
            ("flip rows", lambda p: p.flip(2)),
            ("flip columns", lambda p: p.flip(3)),
            ("transpose", lambda p: p.transpose(2, 3)),
        ):
            chosen = random.integers(batch.keys, name, 2)[:, None, None, None] > 0
            pixels = torch.where(chosen, turned(pixels), pixels)
        return batch.with_pixels(pixels)


@dataclass(frozen=True)
class _Tone(Augmentation):
    """A curve of grey levels for each crop, or for a share of them. What it gives is rounded up as
    often as its fraction says: a rounded curve would leave a comb in the histogram, a trace of its
    own."""

    share: float = field(default=1.0, kw_only=True)

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            name = type(self).__name__
            raise ForensicsError(f"{name} takes a share above 0 and up to 1, not {self.share:g}")

    @abstractmethod
    def curves(self, pixels: Tensor, keys: Tensor) -> Tensor:
        """New levels 0..1 of the levels 0..255, float64 `[N, 1, 256]` or `[N, channels, 256]`, on
        the CPU: few values, which are the same there whatever the batch's device."""

    def apply(self, batch: Batch) -> Batch:
        name = type(self).__name__.lower()
        chosen = (random.uniform(batch.keys, f"{name} share") < self.share).nonzero()[:, 0]
        pixels = batch.pixels.clone()
        if len(chosen):
            pixels[chosen] = self._changed(batch.pixels[chosen], batch.keys[chosen], name)
        return batch.with_pixels(pixels)

    def _changed(self, pixels: Tensor, keys: Tensor, name: str) -> Tensor:
        curves = (255 * self.curves(pixels, keys).clamp(0, 1)).float().to(pixels.device)
        n, count, _ = curves.shape
        first = 256 * torch.arange(n * count, device=pixels.device).view(n, count, 1, 1)
        level = curves.flatten()[first + pixels.long()]
        dither = random.uniform(keys, f"{name} dither", tuple(pixels.shape[1:]))
        return (level + dither).clamp_(max=255).to(torch.uint8)


# Of 8 bits, as parts of white.
_LEVELS = torch.arange(256, dtype=torch.float64) / 255


def _drawn(keys: Tensor, name: str, count: int = 1) -> Tensor:
    """Uniform from -1 to 1, float64 `[N, count, 1]`."""
    return 2 * random.uniform(keys.cpu(), name, (count, 1)).double() - 1


@dataclass(frozen=True)
class Exposure(_Tone):
    """More or less light, by up to so many stops; what becomes too bright is clipped."""

    stops: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.stops <= 4:
            raise ForensicsError(f"Exposure takes up to 4 stops, more than 0, not {self.stops:g}")

    def curves(self, pixels: Tensor, keys: Tensor) -> Tensor:
        return _LEVELS * 2 ** (self.stops * _drawn(keys, "exposure") / _ENCODING)


@dataclass(frozen=True)
class Contrast(_Tone):
    """Less contrast about middle gray, by a factor log-uniform from `least` to 1: flat patches."""

    least: float

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_least(self)

    def curves(self, pixels: Tensor, keys: Tensor) -> Tensor:
        return 0.5 + (_LEVELS - 0.5) * _factors(keys, "contrast", self.least)


@dataclass(frozen=True)
class Burnout(_Tone):
    """A sky that was exposed too long: less contrast about the mean, as `Contrast`, and the mean of
    each channel, on its own, from one stop below white to one beyond it, where it is clipped."""

    least: float

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_least(self)

    def curves(self, pixels: Tensor, keys: Tensor) -> Tensor:
        sums = pixels.flatten(2).long().sum(2, keepdim=True).cpu().double()
        mean = (sums / (255 * pixels[0, 0].numel())).clamp_min(1 / 255)
        bright = 2 ** (_drawn(keys, "brightness", mean.shape[1]) / _ENCODING)
        return bright * (1 + (_LEVELS / mean - 1) * _factors(keys, "flatness", self.least))


def _check_least(found: Contrast | Burnout) -> None:
    if not 0 < found.least < 1:
        name = type(found).__name__
        raise ForensicsError(f"{name} takes a least factor above 0, below 1, not {found.least:g}")


def _factors(keys: Tensor, name: str, least: float) -> Tensor:
    """Log-uniform from the least to 1, `[N, 1, 1]`."""
    return torch.exp(math.log(least) * (_drawn(keys, name) + 1) / 2)


@dataclass(frozen=True)
class Gamma(_Tone):
    """Levels to a power, log-uniform from 1 / `most` to `most`."""

    most: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 < self.most <= 4:
            raise ForensicsError(f"Gamma takes a power above 1 and up to 4, not {self.most:g}")

    def curves(self, pixels: Tensor, keys: Tensor) -> Tensor:
        return _LEVELS ** torch.exp(math.log(self.most) * _drawn(keys, "gamma"))


@dataclass(frozen=True)
class Reduction(Augmentation):
    """Smaller by a factor new / old, log-uniform from `least` to 1, in Pillow's antialiased
    bicubic: it weakens what a photograph's own past has left."""

    least: float

    def __post_init__(self) -> None:
        if not 0.1 <= self.least < 1:
            raise ForensicsError(
                f"Reduction takes a least factor from 0.1 to below 1, not {self.least:g}"
            )

    def side_before(self, side: int) -> int:
        return Resize(self.least, "bicubic", antialias=True).side_before(side, False)

    def apply(self, batch: Batch) -> Batch:
        drawn = random.uniform(batch.keys.cpu(), "reduction").double()
        factors = torch.exp(math.log(self.least) * drawn)
        return Resize(factors, "bicubic", antialias=True).apply(batch)
