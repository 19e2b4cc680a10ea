"""`q1phase`: the first quantisation steps of a double JPEG and the shift between both grids."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from forensics.batch import Batch, Jpeg
from forensics.errors import ForensicsError
from forensics.interfaces import Detector, Estimate, Estimator
from forensics.interfaces import Scores as Detected
from forensics_q1cnn.phase.features import Luma
from forensics_q1cnn.phase.listed import listed
from forensics_q1cnn.phase.network import STEPS, libjpeg_tables
from forensics_q1cnn.phase.once import LISTED, ONCE, UNLISTED, summary
from forensics_q1cnn.phase.posterior import DECODES, Decode, Posterior, Scores, crop
from forensics_q1cnn.phase.trained import once_or_twice, phase_network
from forensics_q1cnn.phase.windows import of_image
from forensics_q1cnn.plugin import Q1PHASE

NAMES = (*(f"step{i}" for i in range(1, STEPS + 1)), "r", "c")
# An image is called double where that is so much more probable: 1 in 100 patches of `val` that
# were compressed once is.
_DOUBT = 0.15
_COMPRESSED_ONCE = "may have been compressed once only"
_UNLISTED = "no listed table fits: name others with tables=FILE"


@dataclass(frozen=True)
class Q1Phase(Estimator, Detector):
    """The first 15 luma steps in zig-zag order and the crop (r, c) between both compressions; as a
    detector, the log-odds of two compressions against one.

    decode: `argmax` of each step's probability; `expectation`, for the least squared error; or
    the steps of the most probable `table`. tables: the list that is summed over, `libjpeg`,
    `known` or a JSON file (`listed.listed`). given: `nothing`, so that an image that may have been
    compressed once, or probably with a table that is not listed, gets no answer; or `double`: take
    a first JPEG and its table's being listed for granted, as the networks of the paper do.
    """

    decode: Decode = "argmax"
    tables: str = "libjpeg"
    given: str = "nothing"

    needs: ClassVar = Q1PHASE.needs

    def __post_init__(self) -> None:
        if self.decode not in DECODES:
            raise ForensicsError(
                f"q1phase decodes by argmax, expectation or table, not {self.decode}"
            )
        if self.given not in ("nothing", "double"):
            raise ForensicsError(f"q1phase is given nothing or double, not {self.given}")
        listed(self.tables)  # what cannot be read is said before anything is asked

    @functools.cached_property
    def _listed(self) -> Tensor:
        return listed(self.tables)

    def estimate(self, batch: Batch) -> Estimate:
        assert batch.jpeg is not None
        seen = Luma.of(batch.jpeg)
        scores, windows = _scores(seen, self._listed)
        found = Posterior.of(scores, self._listed.to(batch.device))
        phase = found.phases()
        shift = crop(phase.argmax(1))
        values = torch.cat([found.estimates(self.decode), shift.float()], 1)
        steps = {f"step{i + 1}": found.steps(i) for i in range(STEPS)}
        crops = phase.unflatten(1, (8, 8))[:, _CROP][:, :, _CROP]
        every = steps | {"r": crops.sum(2), "c": crops.sum(1)}
        if self.given == "double":
            return Estimate(NAMES, values, every)
        reasons = _doubts(_classes(scores, windows, seen, self._listed))
        without = torch.tensor([reason is not None for reason in reasons], device=batch.device)
        return Estimate(NAMES, values.masked_fill(without[:, None], torch.nan), every, reasons)

    def score(self, batch: Batch) -> Detected:
        assert batch.jpeg is not None
        seen = Luma.of(batch.jpeg)
        logs = _classes(*_scores(seen, self._listed), seen, self._listed)
        return Detected(logs[:, [LISTED, UNLISTED]].logsumexp(1) - logs[:, ONCE])


# The crop by which a grid comes to begin at 0..7, and the other way round.
_CROP = torch.tensor([0, 7, 6, 5, 4, 3, 2, 1])


def posterior(jpeg: Jpeg) -> Posterior:
    """The posterior of phase and first table, one of libjpeg's, for each image."""
    listed = libjpeg_tables()
    return Posterior.of(_scores(Luma.of(jpeg), listed)[0], listed.to(jpeg.tables.device))


def _scores(seen: Luma, tables: Tensor) -> tuple[Scores, int]:
    network = phase_network(seen.planes.device)
    return of_image(network, seen, network.index(tables.to(seen.planes.device)))


def _classes(scores: Scores, windows: int, seen: Luma, tables: Tensor) -> Tensor:
    """float32 `[N, 3]`: log-probabilities of `once.ONCE`, `LISTED` and `UNLISTED`."""
    rows = summary(scores, seen, tables.to(seen.planes.device), windows)
    return once_or_twice(rows.device)(rows).log_softmax(1)


def _doubts(classes: Tensor) -> tuple[str | None, ...]:
    """Why images have no answer, if they have none."""
    probable = classes.exp()
    once, unlisted = (probable[:, ONCE] > _DOUBT).tolist(), (probable[:, UNLISTED] > 0.5).tolist()
    return tuple(
        _COMPRESSED_ONCE if single else _UNLISTED if neither else None
        for single, neither in zip(once, unlisted, strict=True)
    )
