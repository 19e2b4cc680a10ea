"""`q1phase`: the first quantisation steps of a double JPEG and the shift between both grids."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.models.interfaces import Detector, Estimate, Estimator, option
from forensics.models.interfaces import Scores as Detected
from forensics_q1cnn.phase.doubt import NO_TABLE, classes, doubts
from forensics_q1cnn.phase.features import Luma
from forensics_q1cnn.phase.listed import listed
from forensics_q1cnn.phase.once import LISTED, ONCE, UNLISTED
from forensics_q1cnn.phase.posterior import (
    ALIGNED,
    Decode,
    Posterior,
    check_aligned,
    check_decode,
)
from forensics_q1cnn.phase.trained import phase_network
from forensics_q1cnn.phase.windows import Part, of_image, total
from forensics_q1cnn.silence import REASON, answered, silent

_MORE = "name others with tables=FILE"


@dataclass(frozen=True)
class Q1Phase(Estimator, Detector):
    """The first 15 luma steps in zig-zag order and the crop (r, c) between both compressions; as a
    detector, the log-odds of two compressions against one.

    decode: `argmax` of each step's probability; `expectation`, for the least squared error; or
    the steps of the most probable `table`. tables: the list that is summed over, `libjpeg`,
    `known` or a JSON file (`listed.listed`). given: `nothing`, so that an image that may have been
    compressed once, or probably with a table that is not listed, gets no answer; or `double`: take
    a first JPEG and its table's being listed for granted, as the networks of the paper do. aligned:
    how probable it is beforehand that both JPEGs have one grid, 1 where nothing was cropped, 1/64
    where every crop is as frequent as none; of no matter to the detector.
    """

    decode: Decode = option("argmax", "argmax, expectation or table")
    tables: str = option("libjpeg", "libjpeg, known, or a JSON file of more first tables")
    given: str = option(
        "nothing", "nothing, or double: take a first JPEG with a listed table for granted"
    )
    aligned: float = option(ALIGNED, "how probable it is beforehand that both JPEGs have one grid")

    def __post_init__(self) -> None:
        check_decode("q1phase", self.decode)
        check_aligned("q1phase", self.aligned)
        if self.given not in ("nothing", "double"):
            raise ForensicsError(f"q1phase is given nothing or double, not {self.given}")
        listed(self.tables)  # what cannot be read is said before anything is asked

    def _listed(self, device: torch.device) -> Tensor:
        # Read anew each time, for a file may be another one by then.
        return listed(self.tables).to(device)

    def estimate(self, batch: Batch) -> Estimate:
        assert batch.jpeg is not None
        tables = self._listed(batch.device)
        parts = _parts(batch, tables)
        scores = total([part.scores for part in parts])
        windows = sum(part.windows for part in parts)
        found = Posterior.of(scores, tables, self.aligned, windows).estimate(self.decode)
        if self.given == "double":
            return answered(found, batch.jpeg)
        said = doubts(classes(parts, tables))
        reasons = tuple(f"{why}: {_MORE}" if why == NO_TABLE else why for why in said)
        without = torch.tensor([reason is not None for reason in reasons], device=batch.device)
        values = found.values.masked_fill(without[:, None], torch.nan)
        return answered(replace(found, values=values, reasons=reasons), batch.jpeg)

    def score(self, batch: Batch) -> Detected:
        assert batch.jpeg is not None
        tables = self._listed(batch.device)
        logs = classes(_parts(batch, tables), tables)
        odds, none = logs[:, [LISTED, UNLISTED]].logsumexp(1) - logs[:, ONCE], silent(batch.jpeg)
        reasons = tuple(REASON if n else None for n in none.tolist())
        return Detected(odds.masked_fill(none, torch.nan), reasons)


def _parts(batch: Batch, tables: Tensor) -> list[Part]:
    """As estimator and as detector it looks at an image once."""
    jpeg = batch.jpeg
    assert jpeg is not None

    def look() -> list[Part]:
        network = phase_network(tables.device)
        return of_image(network, Luma.of(jpeg), network.index(tables))

    return batch.once(("q1phase", tuple(tables.flatten().tolist())), look)
