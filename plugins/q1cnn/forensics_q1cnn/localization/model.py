"""`q1map`: where in a double JPEG the first quantisation is another one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from forensics.batch import Batch
from forensics.errors import ForensicsError, NotApplicable
from forensics.metrics.mask_histogram import enlarged
from forensics.models.interfaces import Heatmap, Layer, Localizer, Region, option
from forensics_q1cnn.localization.regions import Partition, disjoint, partition, united
from forensics_q1cnn.localization.survey import HYPOTHESES, Survey, survey
from forensics_q1cnn.localization.windows import SIDE, STRIDE, Tile
from forensics_q1cnn.phase.doubt import classes, doubts
from forensics_q1cnn.phase.features import Luma
from forensics_q1cnn.phase.network import PhaseNetwork, libjpeg_tables
from forensics_q1cnn.phase.posterior import (
    ALIKE,
    Decode,
    Posterior,
    check_decode,
    crop,
    every_phase,
)
from forensics_q1cnn.phase.trained import phase_network
from forensics_q1cnn.phase.windows import Part, summed, total
from forensics_q1cnn.silence import REASON, silent
from forensics_q1cnn.tables import STEPS

_TOGETHER = 16  # of these are judged at once, as many as in the training of `once`
_WITNESSES = 64  # windows at most that say what a region's first quantisation is


@dataclass(frozen=True)
class Q1Map(Localizer):
    """`q1phase`, all shifts being alike beforehand, on windows of 64 x 64 at every block of the
    file, and regions where it says one and the same.

    prune: phases that have less than this probability in all windows of a coarse pass in and
    beside a tile are left out there; with 0 none. decode: of the steps, as for `q1phase`.

    Heat is half the probability that a window is not the main region's, and in the regions beside
    it one half more. The image's score is the nats that the best second region gains. A region's
    `doubt` says whether it may have been compressed once only.
    """

    prune: float = option(0.01, "probability below which phases are left out; 0 for none")
    decode: Decode = option("argmax", "of the steps in the maps: argmax, expectation or table")

    def __post_init__(self) -> None:
        if not 0 <= self.prune < 1:
            raise ForensicsError(f"q1map prunes below a probability from 0 to 1, not {self.prune}")
        check_decode("q1map", self.decode)

    def localize(self, batch: Batch) -> Heatmap:
        assert batch.jpeg is not None
        network = phase_network(batch.device)
        surveys, parts, regions = [], [], []
        for n in range(len(batch)):
            seen = Luma.of(batch.jpeg[n : n + 1])
            surveys.append(survey(network, seen, self.prune, self.decode))
            part, said = _divided(surveys[n].evidence, network, seen)
            parts.append(part)
            areas = _areas(part.labels, batch.size)
            each = zip(said, areas, strict=True)
            regions.append(tuple(one.region(pixels, self.decode) for one, pixels in each))
        gains = torch.tensor([part.gain for part in parts], device=batch.device)
        none = silent(batch.jpeg)
        heat = torch.stack([_heat(part) for part in parts]).masked_fill(
            none[:, None, None], torch.nan
        )
        layers = _layers(surveys, parts)
        return Heatmap(
            heat,
            STRIDE,
            SIDE // 2,
            gains.masked_fill(none, torch.nan),
            tuple(REASON if n else None for n in none.tolist()),
            layers,
            tuple(regions),
            unit="above 0.5: region",
            scale=(0.0, 1.0),
        )


def _heat(part: Partition) -> Tensor:
    """Half the probability that it is not the main region, and one half more outside of it."""
    return 0.5 * -torch.expm1(-part.rival) + 0.5 * (part.labels > 0)


def _layers(surveys: Sequence[Survey], parts: Sequence[Partition]) -> dict[str, Layer]:
    labels = torch.stack([part.labels for part in parts])
    numbers = tuple(map(str, range(int(labels.max()) + 1)))
    steps = torch.stack([each.steps for each in surveys])
    shift = crop(torch.stack([each.phase for each in surveys]))
    crops = tuple(f"{r},{c}" for r in range(8) for c in range(8))
    return {
        "region": Layer(labels.float(), "number", numbers),
        **{f"step{i + 1}": Layer(steps[..., i], "first step") for i in range(STEPS)},
        "sum": Layer(torch.stack([each.total for each in surveys]), "expected sum of 15 steps"),
        "shift": Layer((8 * shift[..., 0] + shift[..., 1]).float(), "r,c", crops),
        "entropy": Layer(torch.stack([each.entropy for each in surveys]), "bits"),
    }


def _areas(labels: Tensor, size: tuple[int, int]) -> list[int]:
    """The pixels of an image whose nearest window is of each region."""
    found = Heatmap(labels[None], STRIDE, SIDE // 2, labels.new_zeros(1))
    return enlarged(found, *size).flatten().bincount().tolist()


@dataclass(frozen=True, eq=False)
class _Said:
    """What some windows of a region say together that share no pixel, tempered as in `q1phase`.
    All shifts are alike beforehand, as for every window: a piece of another file lies anywhere."""

    parts: list[Part]
    found: Posterior

    @classmethod
    def by(cls, network: PhaseNetwork, seen: Luma, inside: Tensor) -> _Said:
        corners = disjoint(inside, SIDE // STRIDE, _WITNESSES)
        listed = libjpeg_tables().to(inside.device)
        parts = []
        for start in range(0, len(corners), _TOGETHER):
            some = [Tile(y, x, 1, 1).cut(seen) for y, x in corners[start : start + _TOGETHER]]
            each = every_phase(network, Luma.cat(some), network.index(listed))
            parts.append(Part(summed(each, len(some)), len(some), Luma.cat(some).joined()))
        scores = total([part.scores for part in parts])
        return cls(parts, Posterior.of(scores, listed, ALIKE, len(corners)))

    def values(self) -> tuple[float, ...]:
        """The most probable steps and shift."""
        return tuple(self.found.estimate("argmax").values[0].tolist())

    def region(self, pixels: int, decode: Decode) -> Region:
        found = self.found.estimate(decode)
        values = dict(zip(found.names, found.values[0].tolist(), strict=True))
        return Region(pixels, values, self._doubt())

    def _doubt(self) -> str | None:
        """Why it may mean nothing; maps do not need the part of the model that says so."""
        try:
            return doubts(classes(self.parts, self.found.tables))[0]
        except NotApplicable as error:
            return f"not checked for a single compression: {error}"


def _divided(evidence: Tensor, network: PhaseNetwork, seen: Luma) -> tuple[Partition, list[_Said]]:
    """The partition, and what each of its regions says. Window by window, flat ones may tend to
    another answer than all of them together: those of a region that says the steps and the shift of
    the main one are no evidence, and the rest is divided anew. Other regions that say one and the
    same are one."""
    while True:
        part = partition(evidence, -math.log(HYPOTHESES))
        count = int(part.labels.max()) + 1
        said = [_Said.by(network, seen, part.labels == k) for k in range(count)]
        values = [each.values() for each in said]
        again = [k for k in range(1, count) if values[k] == values[0]]
        mute = torch.isin(part.labels, torch.tensor(again, device=part.labels.device))
        mute &= (evidence != 0).any(2)
        if not mute.any():
            break
        evidence = evidence.masked_fill(mute[..., None], 0)
    labels, parts = united(part.labels, values)
    one = [
        said[old[0]] if len(old) == 1 else _Said.by(network, seen, labels == new)
        for new, old in enumerate(parts)
    ]
    return replace(part, labels=labels), one
