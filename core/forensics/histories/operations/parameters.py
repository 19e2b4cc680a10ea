"""What an operation is given: one number for all images, or a tensor with one for each."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from forensics.errors import ForensicsError

Number = int | float | Tensor

LARGEST = 1 << 20  # pixels along a side that have noise of their own


def reals(value: Number, count: int) -> Tensor:
    """float64 `[count]` on the CPU, where a batch's few parameters become weights, so that the
    weights are the same on every device."""
    return torch.as_tensor(value, dtype=torch.float64).cpu().expand(count)


def span(value: Number, what: str, low: float, high: float) -> tuple[float, float]:
    """The smallest and the largest value. Raises ForensicsError unless all are finite numbers
    from `low` to `high`; `what` begins the sentence, as in `"awgn takes a s.d."`."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Tensor)):
        raise ForensicsError(f"{what} from {low:g} to {high:g}, not {value}")
    given = torch.as_tensor(value, dtype=torch.float64)
    least, most = (float(v) for v in torch.aminmax(given))
    for one in (least, most):
        if not (math.isfinite(one) and low <= one <= high):
            raise ForensicsError(f"{what} from {low:g} to {high:g}, not {one:g}")
    return least, most


def odd(value: int | Tensor, what: str, low: int, high: int) -> int:
    """The largest of odd whole numbers. Raises ForensicsError for others."""
    if not isinstance(value, Tensor) and type(value) is not int:
        raise ForensicsError(f"{what} from {low} to {high}, not {value}")
    span(value, what, low, high)
    given = torch.as_tensor(value)
    wrong = given[given % 2 != 1]
    if len(wrong.flatten()):
        raise ForensicsError(f"{what} from {low} to {high}, not {wrong.flatten()[0].item():g}")
    return int(given.max())
