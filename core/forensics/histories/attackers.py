"""Simple attackers, nearly free, so that every detector has something to be tried by. None needs
training or knows a detector."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from forensics.batch import Batch
from forensics.histories.history import History
from forensics.histories.operations.chain import apart
from forensics.histories.operations.resize import between
from forensics.models.interfaces import Attacker, Operation


@dataclass(frozen=True)
class OneStep(Attacker):
    """One step of a history, with all its values, on the pixels. step: as text, `"median(3)"`,
    bound by the entry."""

    step: str

    @property
    def operation(self) -> Operation:
        (step,) = History.parse(self.step).steps
        return step.bind({})

    def margin(self, color: bool) -> int:
        return self.operation.margin(color)

    def attack(self, batch: Batch) -> Tensor:
        # Nothing that it draws may be what an operation of the same kind drew before.
        return apart(self.operation.apply, batch, f"attack {self.entry.name}").pixels


@dataclass(frozen=True)
class ResizeBack(Attacker):
    """Down to 0.9 of both sides (rounded) and up again, bicubic, without antialias."""

    def margin(self, color: bool) -> int:
        return 5

    def attack(self, batch: Batch) -> Tensor:
        height, width = batch.size
        small = between(batch.pixels, (round(0.9 * height), round(0.9 * width)))
        return between(small, (height, width))
