"""What a recipe says, so that one loop trains every model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from forensics.batch import Batch


@dataclass(frozen=True)
class Phase:
    """A stretch of the training. share: of the budget or steps; crop: side in pixels; batch:
    crops a step; rate: the learning rate at its start, times the recipe's schedule."""

    share: float
    crop: int
    batch: int
    rate: float


@dataclass(frozen=True, eq=False)
class Example:
    """One batch made on the fly. sides: a batch for each history of the trace, by name, cut
    from the same places; values: what was drawn for each parameter, int64 `[N]`."""

    sides: Mapping[str, Batch]
    values: Mapping[str, Tensor]


@dataclass(frozen=True)
class Progress:
    """Where the training stands. total and within: 0..1 of all and of this phase."""

    step: int
    phase: int
    total: float
    within: float


class Recipe(ABC):
    """A frozen dataclass whose fields are options: `forensics train name:key=value`."""

    trace: ClassVar[str]
    color: ClassVar[bool] = False

    @property
    @abstractmethod
    def phases(self) -> tuple[Phase, ...]:
        """The stretches in order; a class variable where no option changes them."""

    @property
    @abstractmethod
    def part(self) -> str:
        """The weight file that this training makes, without suffix."""

    @abstractmethod
    def draws(self) -> Mapping[str, Sequence[int]]:
        """What the gridded parameters of the trace are drawn from, uniformly, one a crop."""

    @abstractmethod
    def network(self) -> nn.Module:
        """A network to begin with: fresh, or loaded with other weights to start from."""

    def optimiser(self, network: nn.Module, rate: float) -> torch.optim.Optimizer:
        """Adam unless a recipe says otherwise."""
        return torch.optim.Adam(network.parameters(), lr=rate)

    def schedule(self, progress: Progress) -> float:
        """The factor on the phase's rate: 1 unless a recipe says otherwise."""
        return 1.0

    @abstractmethod
    def loss(
        self, network: nn.Module, example: Example, progress: Progress
    ) -> tuple[Tensor, dict[str, float]]:
        """The loss of one batch, and its parts for the log."""

    @abstractmethod
    def validate(self, network: nn.Module, examples: Iterable[Example]) -> dict[str, float]:
        """Figures on crops of the `val` photographs; `objective` (higher is better) chooses the
        checkpoint that is kept."""

    #: side and count of the validation crops, cut evenly from the `val` photographs
    validation_crop: ClassVar[int] = 128
    validation_crops: ClassVar[int] = 44
    #: how often in all; the end of a phase comes on top
    validations: ClassVar[int] = 16
    #: what the weights are not made for, a sentence each, for their card
    limits: ClassVar[tuple[str, ...]] = ()
