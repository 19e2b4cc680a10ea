"""`awgn(2)`: additive white Gaussian noise."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from forensics import device, random
from forensics.batch import Batch
from forensics.histories.operations.parameters import LARGEST, reals, span
from forensics.models.interfaces import Operation


@dataclass(frozen=True)
class WhiteNoise(Operation):
    """Add independent normal noise to every sample, round half to even, clip to 0..255.

    sigma: s.d. in grey levels, 0..1000, or `[N]`. The noise is a function of the batch's keys and
    of the place of a pixel in the photograph, so that it is the same in every batch and tile; each
    step of a history has keys of its own (`History`). The logarithm and the cosine in it
    differ between devices in their last bits, which moves a rare pixel by one level.
    """

    sigma: float | Tensor

    def __post_init__(self) -> None:
        span(self.sigma, "awgn takes a s.d. in grey levels", 0, 1000)

    def apply(self, batch: Batch) -> Batch:
        first = batch.origins
        if first is None:
            first = torch.zeros(len(batch), 2, dtype=torch.int64, device=batch.device)
        sigma = reals(self.sigma, len(batch)).float().to(batch.device)
        streams = random.stream(batch.keys, "awgn")
        if device.compiled(batch.pixels):
            from forensics.histories.operations import (
                compiled_noise,  # compiles or loads what it compiled
            )

            return batch.with_pixels(compiled_noise.add(batch.pixels, streams, first, sigma))
        return batch.with_pixels(device.in_parts(_added, batch.pixels, streams, first, sigma))


def _added(pixels: Tensor, streams: Tensor, first: Tensor, sigma: Tensor) -> Tensor:
    channels, height, width = pixels.shape[1:]
    rows = first[:, :1] + torch.arange(height, device=pixels.device)
    columns = first[:, 1:] + torch.arange(width, device=pixels.device)
    place = rows[:, :, None] * LARGEST + columns[:, None, :]
    counters = place[:, None] * 4 + torch.arange(channels, device=pixels.device)[:, None, None]
    noise = random.normal_at(streams, counters)
    noise *= sigma[:, None, None, None]
    noise += pixels
    return noise.round_().clamp_(0, 255).to(torch.uint8)
