"""`sharpen(1,1)`: unsharp masking."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from forensics.batch import Batch
from forensics.histories.operations.gaussian import Gaussian
from forensics.histories.operations.parameters import reals, span
from forensics.models.interfaces import Operation


@dataclass(frozen=True)
class Sharpen(Operation):
    """Add to every sample `amount` times its difference from the blurred image, round half to
    even, clip to 0..255.

    amount: 0..10, or `[N]`; sigma: s.d. of the blur in pixels, as `gaussian` takes it.
    """

    amount: float | Tensor
    sigma: float | Tensor = 1.0

    def __post_init__(self) -> None:
        span(self.amount, "sharpen takes an amount", 0, 10)
        Gaussian(self.sigma)  # refuses what is no s.d.

    def margin(self, color: bool) -> int:
        return Gaussian(self.sigma).margin(color)

    def apply(self, batch: Batch) -> Batch:
        blurred = Gaussian(self.sigma).apply(batch).pixels
        amount = reals(self.amount, len(batch)).float().to(batch.device)[:, None, None, None]
        pixels = batch.pixels.float()
        sharper = pixels + amount * (pixels - blurred)
        return batch.with_pixels(sharper.round_().clamp_(0, 255).to(torch.uint8))
