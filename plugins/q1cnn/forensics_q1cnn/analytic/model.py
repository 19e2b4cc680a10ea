"""`q1analytic`: the first quantisation steps of a double JPEG by their likelihood, untrained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from forensics.batch import Batch, Jpeg
from forensics.errors import ForensicsError
from forensics.interfaces import Estimate, Estimator
from forensics_q1cnn.analytic.likelihood import scores
from forensics_q1cnn.phase.features import Luma
from forensics_q1cnn.phase.model import NAMES
from forensics_q1cnn.phase.network import STEPS, libjpeg_tables
from forensics_q1cnn.phase.posterior import DECODES, Decode, Posterior
from forensics_q1cnn.phase.windows import windows
from forensics_q1cnn.plugin import Q1ANALYTIC

# What the coefficients of a patch say is not independent, and the noise not quite Gaussian: of the
# log-likelihood counts this share. Chosen on `val`.
_INDEPENDENT = 0.7


@dataclass(frozen=True)
class Q1Analytic(Estimator):
    """The first 15 luma steps in zig-zag order and the crop (r, c) between both compressions.

    decode: as that of `q1phase`. An image of more than 64 pixels a side is looked at in windows,
    whose scores add up.
    """

    decode: Decode = "argmax"

    needs: ClassVar = Q1ANALYTIC.needs

    def __post_init__(self) -> None:
        if self.decode not in DECODES:
            raise ForensicsError(
                f"q1analytic decodes by argmax, expectation or table, not {self.decode}"
            )

    def estimate(self, batch: Batch) -> Estimate:
        assert batch.jpeg is not None
        found = posterior(batch.jpeg)
        # The crop by r makes a grid begin at 8 - r, modulo 8.
        crops = found.phases().unflatten(1, (8, 8)).flip(1, 2).roll((1, 1), (1, 2))
        best = crops.flatten(1).argmax(1)
        values = [found.estimates(self.decode), torch.stack([best // 8, best % 8], 1)]
        steps = {f"step{i + 1}": found.steps(i) for i in range(STEPS)}
        probabilities = steps | {"r": crops.sum(2), "c": crops.sum(1)}
        return Estimate(NAMES, torch.cat(values, 1), probabilities)


def posterior(jpeg: Jpeg) -> Posterior:
    """The posterior of phase and first table for each image, all phases and tables being alike
    beforehand, on the images' device."""
    seen = Luma.of(jpeg)
    total = torch.stack([scores(seen.cut(*box)) for box in windows(*seen.planes.shape[1:])]).sum(0)
    double = (_INDEPENDENT * total).flatten(1).softmax(1).view_as(total)
    return Posterior(double, libjpeg_tables().to(double.device))
