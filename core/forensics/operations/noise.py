"""`awgn(2)`: additive white Gaussian noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from forensics import random
from forensics.batch import Batch
from forensics.interfaces import Operation
from forensics.operations.parameters import reals, span

_LARGEST = 1 << 20  # pixels along a side that have noise of their own


@dataclass(frozen=True)
class WhiteNoise(Operation):
    """Add independent normal noise to every sample, round half to even, clip to 0..255.

    sigma: s.d. in grey levels, 0..1000, or `[N]`. The noise is a function of the batch's keys and
    of the place of a pixel in the photograph, so that it is the same in every batch and tile;
    a history with two such steps adds the same noise twice. The logarithm and the cosine in it
    differ between devices in their last bits, which moves a rare pixel by one level.
    """

    name: ClassVar[str] = "awgn"
    sigma: float | Tensor

    def __post_init__(self) -> None:
        span(self.sigma, "awgn takes a s.d. in grey levels", 0, 1000)

    def apply(self, batch: Batch) -> Batch:
        height, width = batch.size
        device = batch.device
        first = batch.origins
        if first is None:
            first = torch.zeros(len(batch), 2, dtype=torch.int64, device=device)
        rows = first[:, :1] + torch.arange(height, device=device)
        columns = first[:, 1:] + torch.arange(width, device=device)
        channels = torch.arange(batch.pixels.shape[1], device=device)
        place = rows[:, :, None] * _LARGEST + columns[:, None, :]
        counters = place[:, None] * 4 + channels[:, None, None]
        noise = random.normal_at(batch.keys, "awgn", counters)
        sigma = reals(self.sigma, len(batch)).float().to(device)
        noise *= sigma[:, None, None, None]
        noise += batch.pixels
        return batch.with_pixels(noise.round_().clamp_(0, 255).to(torch.uint8))
