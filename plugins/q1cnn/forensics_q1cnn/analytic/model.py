"""`q1analytic`: the first quantisation steps of a double JPEG by their likelihood, untrained."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from forensics import jpeg
from forensics.batch import Batch, Jpeg
from forensics.errors import ForensicsError
from forensics.interfaces import Estimate, Estimator
from forensics_q1cnn.analytic.likelihood import scores
from forensics_q1cnn.phase.features import Luma
from forensics_q1cnn.phase.model import NAMES
from forensics_q1cnn.phase.network import STEPS, libjpeg_tables
from forensics_q1cnn.phase.posterior import Decode, Posterior
from forensics_q1cnn.plugin import Q1ANALYTIC

_WINDOW = 64  # pixels: in more, one Laplacian a frequency says less
# What the coefficients of a patch say is not independent, and the noise not quite Gaussian: of the
# log-likelihood counts this share. Chosen on `val`.
_INDEPENDENT = 0.3
# What was clipped before the second JPEG is hardly further from black or white after it.
_BLACK, _WHITE = 1, 254


@dataclass(frozen=True)
class Q1Analytic(Estimator):
    """The first 15 luma steps in zig-zag order and the crop (r, c) between both compressions.

    decode: as that of `q1phase`. An image of more than 64 pixels a side is looked at in windows,
    whose scores add up.
    """

    decode: Decode = "argmax"

    needs: ClassVar = Q1ANALYTIC.needs

    def __post_init__(self) -> None:
        if self.decode not in ("argmax", "expectation", "table"):
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


def posterior(image: Jpeg) -> Posterior:
    """The posterior of phase and first table for each image, all phases and tables being alike
    beforehand, on the images' device."""
    seen = Luma.of(image)
    pixels = jpeg.decode(image)
    clipped = ((pixels <= _BLACK) | (pixels >= _WHITE)).any(1)
    total = torch.stack([scores(*_window(seen, clipped, *box)) for box in _boxes(seen)]).sum(0)
    logs = _INDEPENDENT * total
    double = logs.flatten(1).softmax(1).view_as(logs)
    odds = logs.flatten(1).logsumexp(1) - math.log(logs[0].numel())
    return Posterior(double, odds, libjpeg_tables().to(logs.device))


def _boxes(seen: Luma) -> list[tuple[slice, slice]]:
    """Rows and columns of blocks of windows of up to 64 pixels a side that cover the image, all of
    about the same size."""
    return list(itertools.product(*(_parts(side // 8) for side in seen.planes.shape[1:])))


def _parts(blocks: int) -> list[slice]:
    count = math.ceil(8 * blocks / _WINDOW)
    edges = [blocks * n // count for n in range(count + 1)]
    return [slice(a, b) for a, b in itertools.pairwise(edges)]


def _window(seen: Luma, clipped: Tensor, rows: slice, columns: slice) -> tuple[Luma, Tensor]:
    down, across = (slice(8 * part.start, 8 * part.stop) for part in (rows, columns))
    levels = seen.levels.unflatten(1, (seen.planes.shape[1] // 8, -1))[:, rows, columns]
    part = Luma(seen.planes[:, down, across], levels.flatten(1, 2), seen.steps, seen.rounding)
    return part, clipped[:, down, across]
