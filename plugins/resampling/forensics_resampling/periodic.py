"""`pmap-kirchner` and `pmap-em`: the strongest period of a p-map. No training."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from forensics.plugin import Batch, Detector, ForensicsError, Scores, option
from forensics_resampling import pmaps, spectrum
from forensics_resampling.patches import flat, gray

_MAPS = {"kirchner": pmaps.linear, "em": pmaps.expectation_maximisation}
_GRIDS = ("strip", "evidence")
_FACTORS = (0.5, 2.0, 61)  # of an earlier grid: from, to, how many
# Chosen on val: combs are found behind a JPEG of 95, and hardly anything is lost elsewhere.
_COMB = 2.0
_FLAT = "its p-map is constant"


@dataclass(frozen=True)
class Periodic(Detector):
    """Log of the ratio in which the highest peak of the p-map's spectrum stands out from its
    neighbourhood (not Kirchner's steepest step of the cumulative periodogram, which is worse).

    Where the file is a JPEG, peaks on its own lines, at multiples of 1/8, are not looked at, so
    factors such as 0.8 and 4/3, whose peaks lie there, are invisible. With `grid=evidence` an
    earlier JPEG's grid, resampled, is looked for as well (Kirchner and Gloe 2009): the score is
    the higher of the peak and of the comb that it makes.
    """

    map: str
    grid: str = option("evidence", "an earlier JPEG's lines: evidence, or strip to ignore combs")

    def __post_init__(self) -> None:
        if self.grid not in _GRIDS:
            raise ForensicsError(f"grid is {' or '.join(_GRIDS)}, not {self.grid}")

    def score(self, batch: Batch) -> Scores:
        seen, jpeg = gray(batch), batch.jpeg is not None
        found = spectrum.ratios(_MAPS[self.map](seen))
        values = spectrum.peak(found, jpeg)
        if jpeg and self.grid == "evidence":
            low, high, count = _FACTORS
            factors = torch.linspace(low, high, count, device=seen.device)
            # A scale that changes nothing is no evidence.
            factors = factors[(factors - 1).abs() > 0.04]
            values = torch.maximum(values, _COMB * _best(found, factors))
        empty = flat(seen) | values.isnan()
        reasons = tuple(_FLAT if none else None for none in empty.tolist())
        return Scores(torch.where(empty, torch.nan, values), reasons)


def _best(found: Tensor, factors: Tensor) -> Tensor:
    return spectrum.comb(found, factors).amax(1)
