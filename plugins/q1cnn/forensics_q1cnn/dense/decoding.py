"""From what a network says to 15 steps, float32 `[N, 15]`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from forensics_q1cnn.tables import CAPS


def blocks(outputs: Tensor) -> list[Tensor]:
    """`[N, 226]` as 15 soft-max blocks `[N, cap]` of log-probabilities; class j is step j + 1."""
    return [block.log_softmax(1) for block in outputs.float().split(CAPS, 1)]


def most_probable(found: Sequence[Tensor]) -> Tensor:
    """The most probable step of each block."""
    return torch.stack([block.argmax(1) + 1 for block in found], 1).float()


def expected(found: Sequence[Tensor]) -> Tensor:
    """The mean step of each block, which has the least squared error."""
    return torch.stack([block.exp() @ steps(block) for block in found], 1)


def steps(block: Tensor) -> Tensor:
    """The steps that the classes of a block stand for, float32 `[cap]`."""
    return torch.arange(1.0, block.shape[1] + 1, device=block.device)


def rounded(outputs: Tensor) -> Tensor:
    """The regression's `[N, 15]` as whole steps from 1 to those of quality 50."""
    whole = outputs.float().round().clamp(min=1)
    return whole.minimum(torch.tensor(CAPS, device=outputs.device).float())
