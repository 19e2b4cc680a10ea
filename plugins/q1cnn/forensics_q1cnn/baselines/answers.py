"""Answers of methods that do not always have one."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from forensics.errors import ForensicsError
from forensics.models.interfaces import Estimate
from forensics_q1cnn.baselines.constant import DECODES, constant
from forensics_q1cnn.tables import NAMES, STEPS

ABOUT = "of steps without an answer: none, or argmax, median, expectation"
# What is said of a step that the method has no answer for: nothing, or what `q1constant` says.
Missing = Literal["none", "argmax", "median", "expectation"]


def check(name: str, missing: Missing) -> None:
    """Raises ForensicsError for another one."""
    if missing != "none" and missing not in DECODES:
        raise ForensicsError(f"{name} says none, {' or '.join(DECODES)} of them, not {missing}")


def estimate(
    steps: Tensor, shift: Tensor | None, second: Tensor, missing: Missing, why: str
) -> Estimate:
    """steps: float32 `[N, 15]`, NaN where there is no answer; shift: (r, c), float32 `[N, 2]`, or
    None; second: `[N, 64]`, natural order; why: the reason, for those of a patch."""
    unanswered = steps.isnan().sum(1).tolist()
    reasons: tuple[str | None, ...] | None = None
    if missing == "none":
        reasons = tuple(f"{n} of {STEPS} steps: {why}" if n else None for n in unanswered)
    else:
        steps = torch.where(steps.isnan(), constant(second, 0, missing), steps)
    if shift is None:
        return Estimate(NAMES, steps, reasons=reasons)
    return Estimate((*NAMES, "r", "c"), torch.cat([steps, shift], 1), reasons=reasons)
