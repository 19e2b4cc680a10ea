from dataclasses import dataclass, replace

import torch

from forensics import jpeg
from forensics.histories.operations import Median
from forensics.models.interfaces import Attacker, Detector, Scores
from forensics.traces.trace import Trace

SHOWN = []
ATTACKED = []


@dataclass(frozen=True)
class Watch(Detector):
    def score(self, batch):
        SHOWN.append(batch)
        return Scores(torch.zeros(len(batch)))


@dataclass(frozen=True)
class Sum(Detector):
    """A number that nearly every change of a pixel or of a coefficient moves."""

    def score(self, batch):
        planes = [batch.pixels, *(batch.jpeg.coefficients if batch.jpeg is not None else ())]
        flat = torch.cat([plane.flatten(1).long() for plane in planes], 1)
        places = torch.arange(flat.shape[1], device=flat.device)
        return Scores(((flat * (places * 7919 % 1009 + 1)).sum(1) % 65521).float())


@dataclass(frozen=True)
class Pixels(Attacker):
    def attack(self, batch):
        ATTACKED.append(batch)
        return Median(3).apply(batch).pixels


@dataclass(frozen=True)
class Coefficients(Attacker):
    """Drops every level of 1, as one who works on the file itself."""

    def attack(self, batch):
        ATTACKED.append(batch)
        levels = tuple(torch.where(c.abs() == 1, 0, c) for c in batch.jpeg.coefficients)
        return jpeg.decode(replace(batch.jpeg, coefficients=levels))


LEAK = Trace(
    "watch-leak",
    (("pristine", "jpeg({q})"), ("altered", "jpeg({q}) ATTACK jpeg(91)")),
    ((("q", 90),),),
    "jpeg",
)
