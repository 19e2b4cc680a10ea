"""Any detector as a localizer: its scores of windows are a map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from forensics import progress
from forensics.batch import Batch
from forensics.errors import ForensicsError, NotApplicable
from forensics.models import selection
from forensics.models.beliefs import BeliefDetector
from forensics.models.interfaces import Detector, Heatmap, Localizer, option
from forensics.models.windows import windows


@runtime_checkable
class DenseDetector(Protocol):
    """A detector that scores all windows at once."""

    def score_windows(self, batch: Batch, side: int, stride: int) -> Tensor:
        """float32 `[N, h, w]`, NaN where a window has no score."""


@dataclass(frozen=True)
class SlidingLocalizer(Localizer):
    """The scores of a detector over windows that lie inside an image; by `score_windows` where the
    detector has it, else batch by batch of windows, so that memory does not grow with the image.

    The image's score is the largest of the window scores, each averaged with those beside it (of 3
    x 3 windows, as far as they have a score): one window alone proves little.

    detector: its name, with options, bound by the entry, whose `Needs(smallest=...)` is the side.
    """

    detector: str
    side: int = option(64, "of the windows, in pixels")
    stride: int = option(8, "from one window to the next, in pixels")

    def __post_init__(self) -> None:
        if min(self.side, self.stride) < 1:
            raise ForensicsError("windows have a side and a stride of 1 pixel at least")

    def localize(self, batch: Batch) -> Heatmap:
        """Raises NotApplicable where images are smaller than a window, or where the detector
        cannot take windows."""
        detector = selection.model(self.detector, "detector").create()
        assert isinstance(detector, Detector)
        if min(batch.size) < self.side:
            raise NotApplicable(f"smaller than {self.side} x {self.side}")
        found = windows(batch, self.side, self.stride)
        channels, jpeg = batch.pixels.shape[1], batch.jpeg is not None
        refusal = detector.needs.refusal(channels, self.side, self.side, jpeg)
        if refusal:
            raise NotApplicable(refusal)
        if detector.needs.jpeg and not found.keep_jpeg:
            raise NotApplicable(f"windows {self.stride} apart do not lie on the JPEG's grid")
        if isinstance(detector, DenseDetector):
            values = detector.score_windows(batch, self.side, self.stride)
        else:
            scores, done = [], 0
            for part in found:
                scores.append(detector.score(part).values)
                done += len(part)
                progress.tell(done, len(found))
            values = found.gathered(scores)
        highest = _highest(values)
        reasons = tuple("no window has a score" if n else None for n in highest.isnan().tolist())
        odds = isinstance(detector, BeliefDetector)
        unit, scale = ("log odds", (-6.0, 6.0)) if odds else (f"score of {self.detector}", None)
        return Heatmap.of_windows(values, self.side, self.stride, highest, reasons, unit, scale)


def _highest(values: Tensor) -> Tensor:
    """`[N]`: the largest of the smoothed values `[N, h, w]`; NaN where all are."""
    there = ~values.isnan()
    total, count = (
        avg_pool2d(part[:, None], 3, 1, 1)[:, 0]
        for part in (torch.where(there, values, 0), there.to(values))
    )
    smooth = torch.where(there, total / count, -torch.inf).amax((1, 2))
    return smooth.masked_fill(~there.flatten(1).any(1), torch.nan)
