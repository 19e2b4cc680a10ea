"""Steps that hold a history: `maybe(0.5,median(3))`, and what they hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from forensics import random
from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.histories.operations.parameters import span
from forensics.models.interfaces import Operation


def apart(act: Callable[[Batch], Batch], batch: Batch, stream: str) -> Batch:
    """`act` on a batch whose keys are those of another stream: what it draws is a function of the
    keys and this name, and nothing that is drawn elsewhere. The keys that come out are the old."""
    after = act(replace(batch, keys=random.stream(batch.keys, stream)))
    return replace(after, keys=batch.keys)


@dataclass(frozen=True)
class Chain(Operation):
    """A history inside a step, as one operation. stream: what the step draws by."""

    steps: tuple[Operation, ...]
    stream: str

    def margin(self, color: bool) -> int:
        return sum(step.margin(color) for step in self.steps)

    def align(self, color: bool) -> int:
        return max((step.align(color) for step in self.steps), default=1)

    def side_before(self, side: int, color: bool) -> int:
        for step in reversed(self.steps):
            # Wherever the square lies, the blocks that it touches lie in this one.
            side = step.side_before(side + 2 * (step.align(color) - 1), color)
        return side

    def side_beside(self, side: int, color: bool) -> int:
        return max((step.side_beside(side, color) for step in self.steps), default=0)

    def apply(self, batch: Batch) -> Batch:
        for number, step in enumerate(self.steps):
            batch = apart(step.apply, batch, f"{self.stream} {number}")
        return batch


@dataclass(frozen=True)
class Maybe(Operation):
    """Take each patch through a history with a chance of `chance`, 0..1, or `[N]`.

    The choice is a function of the patch's key and of the text of the step, parameters open: the
    same on all sides of a trace, at all points and whatever the batch. What comes out has no JPEG,
    even of patches that were compressed inside: pixels alone say who took the step. Raises
    ForensicsError where the history would change the size of some images only.
    """

    holds_history: ClassVar[bool] = True
    chance: float | Tensor
    history: Chain

    def __post_init__(self) -> None:
        span(self.chance, "maybe takes a chance", 0, 1)
        if not self.history.steps:
            raise ForensicsError(
                "maybe holds no step: write a chance and what to do, as in maybe(0.5,median(3))"
            )

    def margin(self, color: bool) -> int:
        return self.history.margin(color)

    def align(self, color: bool) -> int:
        return self.history.align(color)

    def side_before(self, side: int, color: bool) -> int:
        return max(side, self.history.side_before(side, color))

    def side_beside(self, side: int, color: bool) -> int:
        return self.history.side_beside(side, color)

    def apply(self, batch: Batch) -> Batch:
        after = self.history.apply(batch)
        if after.size != batch.size:
            raise ForensicsError(
                f"{self.history.stream.rpartition(' ')[0]} would change the size of some images "
                "and not of others: inside maybe, leave out crop, and resize of whole images"
            )
        chance = torch.as_tensor(self.chance, dtype=torch.float32, device=batch.device)
        taken = random.uniform(batch.keys, f"maybe {self.history.stream}") < chance
        origins = batch.origins
        if origins is not None and after.origins is not None:
            origins = torch.where(taken[:, None], after.origins, origins)
        mask = None
        if after.mask is not None:
            before = torch.zeros_like(after.mask) if batch.mask is None else batch.mask
            mask = torch.where(taken[:, None, None], after.mask, before)
        pixels = torch.where(taken[:, None, None, None], after.pixels, batch.pixels)
        return replace(batch, pixels=pixels, jpeg=None, origins=origins, mask=mask)
