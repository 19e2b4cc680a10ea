"""What the networks are trained by: soft-max blocks under L and L_r, and the regression.

All are `[N]`. outputs: of a network, `[N, 226]` or, of the regression, `[N, 15]`; true: the first
steps, int64 `[N, 15]`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from forensics_q1cnn.dense.decoding import blocks, steps

SHARE = 0.8  # c of Eq. 5: of the cross-entropy


def entropy(outputs: Tensor, true: Tensor) -> Tensor:
    """L of Eq. 1: minus the log-probabilities of the true steps, summed. The paper prints no
    minus; its code has it."""
    columns = true[:, :, None].unbind(1)
    pairs = zip(blocks(outputs), columns, strict=True)
    return -torch.cat([block.gather(1, step - 1) for block, step in pairs], 1).sum(1)


def distance(outputs: Tensor, true: Tensor, power: int) -> Tensor:
    """The second term of Eq. 5: |j - q| to this power, its mean over the steps j, each with its
    probability, summed over the blocks."""
    columns = true[:, :, None].unbind(1)
    pairs = zip(blocks(outputs), columns, strict=True)
    means = [(b.exp() * (steps(b) - step).abs() ** power).sum(1) for b, step in pairs]
    return torch.stack(means, 1).sum(1)


def squared(outputs: Tensor, true: Tensor) -> Tensor:
    """L_r as the authors' code has it: squared distance, both terms summed over the 15 steps."""
    return SHARE * entropy(outputs, true) + (1 - SHARE) * distance(outputs, true, 2)


def absolute(outputs: Tensor, true: Tensor) -> Tensor:
    """L_r as Eq. 5 prints it: |j - q|, and the mean of the cross-entropy beside the summed
    distance."""
    mean = entropy(outputs, true) / true.shape[1]
    return SHARE * mean + (1 - SHARE) * distance(outputs, true, 1)


def square(outputs: Tensor, true: Tensor) -> Tensor:
    """The regression's squared error, summed."""
    return (outputs.float() - true).square().sum(1)


def logcosh(outputs: Tensor, true: Tensor) -> Tensor:
    """The regression's log cosh of the error, summed: a square where small, linear where large."""
    error = outputs.float() - true
    return (error + functional.softplus(-2 * error) - math.log(2)).sum(1)


Loss = Callable[[Tensor, Tensor], Tensor]
# By the option `distance` and by the option `error` of the recipes.
CLASSIFICATION: dict[str, Loss] = {"squared": squared, "absolute": absolute, "none": entropy}
REGRESSION: dict[str, Loss] = {"logcosh": logcosh, "squared": square}
