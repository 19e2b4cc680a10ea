import os
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn.functional import pad, unfold

from forensics.models import weights
from forensics.models.interfaces import Attacker, Detector, Scores, option
from forensics.models.registry import registry


@dataclass(frozen=True)
class Grain(Detector):
    """Less gradient, more likely altered."""

    scale: float = option(1.0, "of the score")

    def score(self, batch):
        x = batch.pixels.double()
        return Scores((-self.scale * x.diff(dim=-1).abs().mean((1, 2, 3))).float())


@dataclass(frozen=True)
class Trained(Grain):
    """Times the number that its weights hold."""

    def score(self, batch):
        entry = registry().get("toy-trained", "detector").entry
        return Scores(super().score(batch).values * weights.load(entry, "toy-trained")["w"])


@dataclass(frozen=True)
class Raises(Detector):
    def score(self, batch):
        raise RuntimeError("out of luck")


@dataclass(frozen=True)
class Writes(Detector):
    """Marks its input, in one of the places where it can."""

    where: str = option("pixels", "what to write into")

    def score(self, batch):
        place = {
            "pixels": lambda: batch.pixels,
            "coefficients": lambda: batch.jpeg.coefficients[0],
            "tables": lambda: batch.jpeg.tables,
            "keys": lambda: batch.keys,
        }[self.where]()
        place += 1
        return Scores(torch.zeros(len(batch)))


@dataclass(frozen=True)
class Logs(Detector):
    """Says in a file what it is shown, a line a patch, and takes its time."""

    seconds: float = option(0.0, "to take")

    def score(self, batch):
        time.sleep(self.seconds)
        with Path(os.environ["TOY_LOG"]).open("a") as log:
            for photograph, (y, x) in zip(batch.photographs, batch.positions.tolist(), strict=True):
                log.write(f"{photograph} {y} {x}\n")
        return Scores(batch.pixels.double().var((1, 2, 3)).float())


@dataclass(frozen=True)
class Picky(Detector):
    """Has no answer for half of the patches, and says so in one of three ways."""

    how: str = option("reason", "of saying no")

    def score(self, batch):
        values = batch.pixels.double().mean((1, 2, 3)).float()
        dark = values < values.median()
        if self.how == "shape":
            return Scores(values[~dark])
        values[dark] = float("nan")
        reasons = tuple("too dark" if d else None for d in dark.tolist())
        return Scores(values, reasons if self.how == "reason" else None)


@dataclass(frozen=True)
class Dies(Grain):
    """Takes its process with it, at the photograph with this hash (after an h)."""

    at: str = option("none", "the width at which to raise")

    def score(self, batch):
        if f"h{batch.photographs[0]}" == self.at:
            os._exit(1)
        return super().score(batch)


KEPT = []


@dataclass(frozen=True)
class Keeps(Detector):
    """Keeps every batch that it is handed in `KEPT`."""

    def score(self, batch):
        KEPT.append(batch)
        return Scores(torch.zeros(len(batch)))


@dataclass(frozen=True)
class Zeros(Detector):
    def score(self, batch):
        return Scores((batch.jpeg.coefficients[0] == 0).double().mean((1, 2, 3, 4)).float())


@dataclass(frozen=True)
class Median(Attacker):
    passes: int = option(1, "how often")

    def attack(self, batch):
        pixels = batch.pixels
        n, c, h, w = pixels.shape
        for _ in range(self.passes):
            x = pad(pixels.float(), (1, 1, 1, 1), mode="replicate")
            windows = unfold(x.reshape(n * c, 1, h + 2, w + 2), 3)
            pixels = windows.median(1).values.reshape(n, c, h, w).to(torch.uint8)
        return pixels


@dataclass(frozen=True)
class JpegOnly(Median):
    """Is registered as one that acts on JPEGs."""


@dataclass(frozen=True)
class WritingAttacker(Median):
    """Lightens its input in place and gives it back."""

    def attack(self, batch):
        batch.pixels.add_(1)
        return batch.pixels


@dataclass(frozen=True)
class Cramped(Grain):
    """Has room for so many patches at once, as a GPU has."""

    room: int = option(2, "patches at once")

    def score(self, batch):
        if len(batch) > self.room:
            raise torch.OutOfMemoryError("out of memory")
        return super().score(batch)


@dataclass(frozen=True)
class CrampedMedian(Median):
    def attack(self, batch):
        if len(batch) > 1:
            raise torch.OutOfMemoryError("out of memory")
        return super().attack(batch)
