"""`q1bianchi`: a mixture of what was compressed once and twice, for each frequency and step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.models.interfaces import Estimate, Estimator, option
from forensics_q1cnn.baselines import bins, combs
from forensics_q1cnn.baselines.blocks import candidates, coefficients, crops, parts, spread
from forensics_q1cnn.baselines.mixture import Mixing, first_best
from forensics_q1cnn.phase.features import Luma
from forensics_q1cnn.silence import answered
from forensics_q1cnn.tables import NAMES


@dataclass(frozen=True)
class Bianchi(Estimator):
    """The first 15 luma steps and, of `grid=any`, the crop (r, c) between both compressions, after
    T. Bianchi and A. Piva, "Image forgery localization via block-grained analysis of JPEG
    artifacts" (IEEE Trans. Information Forensics and Security, 2012).

    On the grid of the second JPEG, the histogram of a frequency is a mixture of p0, that of the
    image re-cut, and p1 = k p0, with k of `bins.shares`; on another grid k is a comb blurred by
    the second quantisation. The step is the one of largest likelihood; of the 64 grids, the one
    with the largest sum of the 15 likelihoods.

    grid: `any`, or `aligned` where both JPEGs are known to have one grid. mixing: `em` estimates
    the share of blocks compressed twice, for each frequency and step; `whole` takes .95.
    """

    grid: Literal["any", "aligned"] = option(
        "any", "any, or aligned where both JPEGs have one grid"
    )
    mixing: Mixing = option("em", "em, or whole where all blocks were compressed twice")

    def __post_init__(self) -> None:
        if self.grid not in ("any", "aligned"):
            raise ForensicsError(f"q1bianchi looks at the grid any or aligned, not {self.grid}")
        if self.mixing not in ("em", "whole"):
            raise ForensicsError(f"q1bianchi takes the mixing em or whole, not {self.mixing}")

    def estimate(self, batch: Batch) -> Estimate:
        assert batch.jpeg is not None
        names = NAMES if self.grid == "aligned" else (*NAMES, "r", "c")
        values = torch.cat([self._values(seen) for seen in parts(batch.jpeg)])
        return answered(Estimate(names, values), batch.jpeg)

    def _values(self, seen: Luma) -> Tensor:
        own = bins.aligned(seen, bins.recut(seen), self.mixing)
        if self.grid == "aligned":
            return _most_likely(own)[1].float()
        found = [own, *_on_shifted_grids(seen, self.mixing)]
        sums, steps = (torch.stack(each) for each in zip(*map(_most_likely, found), strict=True))
        best = first_best(sums.T)
        chosen = steps[best, torch.arange(len(best), device=best.device)]
        return torch.cat([chosen.float(), crops(best)], 1)


def _most_likely(evidence: Tensor) -> tuple[Tensor, Tensor]:
    """Evidence `[N, 15, MOST]` to its largest, summed over frequencies, `[N]`, and the steps that
    have it, int64 `[N, 15]`."""
    _, known = candidates(evidence.device)
    possible = evidence.masked_fill(~known, float("-inf"))
    return possible.amax(2).sum(1), first_best(possible) + 1


def _on_shifted_grids(seen: Luma, mixing: Mixing) -> list[Tensor]:
    """Evidence on the grids 1..63."""
    planes, blurred = seen.planes, spread(seen)
    usual = combs.usual(combs.waves(coefficients(planes, p)) for p in range(1, 64))
    return [
        combs.shifted(coefficients(planes, p), combs.blur(blurred[:, p]), usual, mixing)
        for p in range(1, 64)
    ]
