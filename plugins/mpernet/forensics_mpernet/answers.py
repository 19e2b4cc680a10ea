"""What all estimators here have in common: windows, constant pictures, beliefs."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from forensics.plugin import Batch, Belief, Estimate, Estimator, ForensicsError, option
from forensics_mpernet.tasks import target_of

LEAST, MOST = 128, 256  # sides of a window
CONSTANT = "one grey level everywhere"


@dataclass(frozen=True)
class Answering(Estimator):
    """Says how probable each of the values is that it was trained on; a picture without any
    structure has no answer."""

    task: str
    decode: str = option("best", "best, or mean: over the best value and its neighbours")

    def __post_init__(self) -> None:
        if self.decode not in ("best", "mean"):
            raise ForensicsError(f"decode is best or mean, not {self.decode}")

    @abstractmethod
    def logits(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The values, `[classes]`, and logits, float32 `[N, classes]`, a patch as it is alone."""

    def estimate(self, batch: Batch) -> Estimate:
        classes, logits = self.logits(batch)
        name = target_of(self.task).name
        belief = Belief(classes.float(), logits.double().softmax(1).float())
        luma = batch.luma().flatten(1)
        constant = (luma.amax(1) - luma.amin(1) < 1).tolist()
        reasons = tuple(CONSTANT if one else None for one in constant)
        found = Estimate.of({name: belief}, reasons)
        if self.decode == "best":
            return found
        values = expected(classes, logits).float()[:, None]
        values = values.masked_fill(found.values.isnan(), torch.nan)
        return Estimate((name,), values, found.beliefs, reasons)


def expected(classes: Tensor, logits: Tensor) -> Tensor:
    """The mean of the best value and its two neighbours, weighed by their shares, `[N]`."""
    best = logits.argmax(1)[:, None]
    near = (torch.arange(len(classes), device=logits.device) - best).abs() <= 1
    shares = logits.double().masked_fill(~near, -torch.inf).softmax(1)
    return (shares * classes).sum(1)


def windows(luma: Tensor, most: int = MOST) -> Tensor:
    """As few windows as cover `[N, H, W]` with sides of `most` at most, whose corners and sides are
    multiples of 8, as evenly as these allow: `[N, W, h, w]`."""
    sides = [min(most, side // 8 * 8) for side in luma.shape[1:]]
    corners = []
    for whole, side in zip(luma.shape[1:], sides, strict=True):
        count = -(-(whole // 8 * 8) // side)
        corners.append(
            [round(i * (whole - side) / max(1, count - 1)) // 8 * 8 for i in range(count)]
        )
    height, width = sides
    cut = [luma[:, y : y + height, x : x + width] for y in corners[0] for x in corners[1]]
    return torch.stack(cut, 1)
