"""`q1analytic`: the first quantisation steps of a double JPEG by their likelihood, untrained."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from forensics.batch import Batch
from forensics.jpeg.coefficients import Jpeg
from forensics.models.interfaces import Estimate, Estimator, option
from forensics_q1cnn.analytic.likelihood import scores
from forensics_q1cnn.phase.features import Luma
from forensics_q1cnn.phase.network import libjpeg_tables
from forensics_q1cnn.phase.posterior import (
    ALIGNED,
    Decode,
    Posterior,
    check_aligned,
    check_decode,
    phases_beforehand,
)
from forensics_q1cnn.phase.windows import windows
from forensics_q1cnn.silence import answered

# What the coefficients of a patch say is not independent, and the noise not quite Gaussian: of the
# log-likelihood counts this share. Chosen on `val`.
INDEPENDENT = 0.7


@dataclass(frozen=True)
class Q1Analytic(Estimator):
    """The first 15 luma steps in zig-zag order and the crop (r, c) between both compressions.

    decode and aligned: as those of `q1phase`. An image of more than 64 pixels a side is looked at
    in windows, whose scores count in the mean: sums are much too sure.
    """

    decode: Decode = option("argmax", "argmax, expectation or table")
    aligned: float = option(ALIGNED, "how probable it is beforehand that both JPEGs have one grid")

    def __post_init__(self) -> None:
        check_decode("q1analytic", self.decode)
        check_aligned("q1analytic", self.aligned)

    def estimate(self, batch: Batch) -> Estimate:
        assert batch.jpeg is not None
        return answered(posterior(batch.jpeg, self.aligned).estimate(self.decode), batch.jpeg)


def posterior(jpeg: Jpeg, aligned: float) -> Posterior:
    """The posterior of phase and first table for each image, on the images' device, all tables
    being alike beforehand; aligned: as for `Posterior.of`."""
    seen = Luma.of(jpeg)
    each = torch.stack([scores(seen.cut(*box)) for box in windows(*seen.planes.shape[1:])])
    total = each.mean(0)
    logs = INDEPENDENT * total + phases_beforehand(aligned, total.device)
    return Posterior.of_logs(logs, libjpeg_tables().to(logs.device))
