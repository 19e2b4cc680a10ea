"""A scale turns scores into log10 likelihood ratios (LR) and decisions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forensics.metrics.intervals import Floats


@dataclass(frozen=True)
class Scale:
    """A monotone, piecewise linear map from scores to log10 LR, level beyond its ends, and a
    threshold.

    scores: increasing; log10_lr: at these scores, non-decreasing, or non-increasing where lower
    scores mean altered. threshold: with `higher`, scores from it on are called altered; else
    scores below it are.
    """

    scores: tuple[float, ...]
    log10_lr: tuple[float, ...]
    threshold: float
    higher: bool

    def __post_init__(self) -> None:
        steps = np.diff(self.log10_lr) if self.higher else -np.diff(self.log10_lr)
        if not len(self.scores) == len(self.log10_lr) > 0:
            raise ValueError("a scale has a ratio for each of its scores")
        finite = np.isfinite([*self.scores, *self.log10_lr, self.threshold]).all()
        if not finite or (np.diff(self.scores) <= 0).any() or (steps < 0).any():
            raise ValueError("a scale is finite and monotone")

    def ratios(self, scores: NDArray[np.floating]) -> Floats:
        """log10 LR, float64 `[n]`; NaN stays NaN."""
        return np.interp(scores.astype(np.float64), self.scores, self.log10_lr)

    def called(self, scores: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Whether each patch is called altered, bool `[n]`; a patch without a score is not."""
        return scores >= self.threshold if self.higher else scores < self.threshold
