"""`q1constant`: the best that can be said without looking, which every method must surpass."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import torch
from torch import Tensor

from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.jpeg import standard_tables
from forensics.models.interfaces import Belief, Estimate, Estimator, option
from forensics_q1cnn.baselines.blocks import MOST, PLACES
from forensics_q1cnn.tables import NAMES

Decode = Literal["argmax", "median", "expectation"]
DECODES = ("argmax", "median", "expectation")

_HIGHEST = 98
_LOWEST, _LOWER = 60, 55  # the lowest first quality, and that for second qualities below _COARSE
_COARSE = 85


def constant(second: Tensor, lowest: int, decode: Decode) -> Tensor:
    """float32 `[N, 15]`, of `shares` of the same arguments: the most frequent step of each
    frequency, of equally frequent ones the smallest; its median; or its mean."""
    probable = shares(second, lowest)
    steps = torch.arange(1, MOST + 1, device=second.device)
    if decode == "argmax":
        return steps[probable.argmax(2)].float()
    if decode == "median":
        return 1 + (probable.cumsum(2) < 0.5 - 1e-6).sum(2).float()
    return probable @ steps.float()


def shares(second: Tensor, lowest: int) -> Tensor:
    """How often each first step occurs where the first quality is uniform over `lowest` to 98,
    float32 `[N, 15, MOST]`. second: the second luma steps, `[N, 64]`, natural order. lowest: 0
    for what Tondi, Costanzo, Huang and Li (2021) test with: 60, but 55 where the second quality is
    below 85, which is told from the sum of the steps."""
    of = [_shares(q, str(second.device)) for q in (lowest or _LOWEST, lowest or _LOWER)]
    coarse = second.sum(1) > int(standard_tables(_COARSE, 1).sum())
    return torch.where(coarse[:, None, None], of[1], of[0])


@cache
def _shares(lowest: int, device: str) -> Tensor:
    """`[15, MOST]`."""
    tables = standard_tables(torch.arange(lowest, _HIGHEST + 1), 1)
    steps = tables.flatten(1)[:, PLACES].long().clamp(max=MOST)
    counts = torch.nn.functional.one_hot(steps - 1, MOST).float()
    return counts.mean(0).to(device)


@dataclass(frozen=True)
class Constant(Estimator):
    """The same steps for every patch: those of the prior over first qualities.

    decode: `argmax`, the most frequent step of each frequency, which is most often right; the
    `median` of each; or the `expectation`, which has the least squared error. lowest: the lowest
    first quality of the prior, 50 to 98; 0 for the paper's, see `shares`.
    """

    decode: Decode = option("argmax", "argmax, median or expectation")
    lowest: int = option(0, "the lowest first quality of the prior; 0: as in the paper's tests")

    def __post_init__(self) -> None:
        if self.decode not in DECODES:
            raise ForensicsError(
                f"q1constant decodes by argmax, median or expectation, not {self.decode}"
            )
        if self.lowest and not 50 <= self.lowest <= _HIGHEST:
            raise ForensicsError(
                f"the lowest first quality is 50 to {_HIGHEST}, or 0, not {self.lowest}"
            )

    def estimate(self, batch: Batch) -> Estimate:
        assert batch.jpeg is not None
        second = batch.jpeg.tables[:, 0].flatten(1)
        probable = shares(second, self.lowest)
        steps = torch.arange(1.0, MOST + 1, device=batch.device)
        named = {name: Belief(steps, probable[:, i]) for i, name in enumerate(NAMES)}
        return Estimate(NAMES, constant(second, self.lowest, self.decode), named)
