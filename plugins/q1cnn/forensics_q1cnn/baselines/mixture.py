"""How much of a patch was compressed twice, and how likely that makes it: a mixture of two
distributions, by expectation and maximisation."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Mixing = Literal["em", "whole"]
START = 0.5  # the share of blocks that were compressed twice, where it is estimated
ROUNDS = 20
WHOLE = 0.95  # and where all were, but for outliers
_TIE = 1e-3  # evidence that differs by less is the same


def evidence(ratios: Tensor, mixing: Mixing) -> Tensor:
    """The logarithm of how much likelier the mixture a p1 + (1 - a) p0 makes the values than p0
    alone. ratios: p1 / p0 of each value, float `[..., values]`. Returns `[...]`.

    With `em`, a is estimated by `ROUNDS` rounds, and evidence is 0 at least, that of a = 0;
    `whole` takes a = `WHOLE`.
    """
    if mixing == "whole":
        return torch.log(1 - WHOLE + WHOLE * ratios).sum(-1)
    share = torch.full_like(ratios[..., :1], START)
    for _ in range(ROUNDS):
        twice = share * ratios
        share = (twice / (1 - share + twice)).mean(-1, keepdim=True)
    return torch.log(1 - share + share * ratios).sum(-1).clamp_min(0)


def first_best(values: Tensor) -> Tensor:
    """The place of the largest along the last axis, int64, of equal ones the first: a frequency
    without a trace has the smallest step, on any device."""
    near = values >= values.amax(-1, keepdim=True) - _TIE
    return near.to(torch.uint8).argmax(-1)
