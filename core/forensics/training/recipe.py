"""What a recipe says, so that one loop trains every model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor, nn

from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.models.interfaces import option
from forensics.traces import trace as traces
from forensics.traces.draws import Draws
from forensics.traces.trace import Trace
from forensics.training.augmentation import Augmentation, Orientation
from forensics.training.schedules import warm_cosine
from forensics.training.start import Start


@dataclass(frozen=True)
class Phase:
    """A stretch of the training. share: of the budget or steps; crop: side in pixels; batch:
    crops a step; rate: the learning rate at its start, times the recipe's schedule; a recipe
    that fits has none."""

    share: float
    crop: int
    batch: int
    rate: float = 0.0


@dataclass(frozen=True, eq=False)
class Example:
    """One batch made on the fly. sides: a batch for each history of the trace, by name, cut
    from the same places; values: what was drawn for each parameter, int64 or float64 `[N]`;
    targets: for each side the true values by name, float64 `[N]`; masks: for each
    side the pixels that come from elsewhere, bool `[N, crop, crop]`."""

    sides: Mapping[str, Batch]
    values: Mapping[str, Tensor]
    targets: Mapping[str, Mapping[str, Tensor]] = field(default_factory=dict)
    masks: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Progress:
    """Where the training stands. total and within: 0..1 of all and of this phase."""

    step: int
    phase: int
    total: float
    within: float


class Recipe(ABC):
    """A frozen dataclass whose fields are options: `forensics train name:key=value`. What all
    recipes say: of which examples, and how good a network is. A recipe is one of the two below,
    or of the two in `forensics.training.classifier`, which are given most of it.
    """

    color: ClassVar[bool] = False
    #: in colour, every so many batches is gray, with gray photographs among the others; 0: none
    gray_every: ClassVar[int] = 0

    #: whether photographs go on beyond their borders as mirror images, so that those of half the
    #: side of a crop's square can be used
    mirrored: ClassVar[bool] = False

    @property
    @abstractmethod
    def trace(self) -> str | Trace:
        """The name of a registered trace, or one of the recipe's own, such as a mixture of
        histories. Its grids are not used."""

    @property
    @abstractmethod
    def phases(self) -> tuple[Phase, ...]:
        """The stretches in order; a class variable where no option changes them."""

    @property
    @abstractmethod
    def part(self) -> str:
        """The weight file that this training makes, without suffix."""

    @property
    def rests_on(self) -> Mapping[str, str]:
        """Parts whose answers it is trained on, each with the hash of its weights, for the card:
        with others it is worth nothing."""
        return {}

    @property
    def begins_with(self) -> Mapping[str, str]:
        """The parts that it goes on from, `model:part`, each with the hash of its weights, for the
        card."""
        return {}

    @property
    def evenly(self) -> tuple[str, ...]:
        """Parameters whose listed values take turns over the crops of steps, so that each is seen
        as often as the others; the rest are drawn at random."""
        return ()

    @abstractmethod
    def draws(self) -> Draws:
        """What the parameters of the trace are drawn from, one value a crop: a list of values,
        `Uniform(low, high)` or `LogUniform(low, high)` by name, and a list of tuples by a tuple
        of names that are drawn together. Parameters that the trace draws itself may be left to
        it."""

    @abstractmethod
    def validate(self, network: nn.Module, examples: Iterable[Example]) -> dict[str, float]:
        """Figures on crops of the `val` photographs; `objective` (higher is better) chooses the
        network that is kept."""

    #: what happens to the training crops before their history, in this order
    augmentations: ClassVar[tuple[Augmentation, ...]] = (Orientation(),)
    #: side and count of the validation crops, cut evenly from the `val` photographs
    validation_crop: ClassVar[int] = 128
    validation_crops: ClassVar[int] = 44
    #: how often in all; the end of a phase comes on top
    validations: ClassVar[int] = 16
    #: what the weights are not made for, a sentence each, for their card
    limits: ClassVar[tuple[str, ...]] = ()


def trace_of(recipe: Recipe) -> Trace:
    """The trace that a recipe names or holds. Raises UnknownName, and ForensicsError for what is
    neither a name nor a trace."""
    if isinstance(recipe.trace, Trace):
        return recipe.trace
    if not isinstance(recipe.trace, str):
        raise ForensicsError(
            f"the trace of {type(recipe).__name__} is a name or a Trace, not {recipe.trace!r}"
        )
    return traces.get(recipe.trace)


@dataclass(frozen=True, kw_only=True)
class NetworkRecipe(Recipe):
    """A network that an optimiser moves, a batch a step. `start` is an option of every one."""

    start: str = option("", "model or model:part to go on from; several joined by +: their mean")

    #: decay of the exponential moving average of the weights that is judged and kept; 0: none
    averaging: ClassVar[float] = 0.0
    #: by how much of the rate a step shrinks the weights
    decay: ClassVar[float] = 0.0

    @abstractmethod
    def network(self) -> nn.Module:
        """A fresh network to begin with; the weights of `start` are put into it."""

    def begun(self) -> nn.Module:
        """The network that the first step moves. Raises ForensicsError where `start` is none."""
        network = self.network()
        return Start.of(self.start, self.part).load(network) if self.start else network

    @property
    def begins_with(self) -> Mapping[str, str]:
        return Start.of(self.start, self.part).hashes if self.start else {}

    def optimiser(self, network: nn.Module, rate: float) -> torch.optim.Optimizer:
        """AdamW (Adam where nothing decays) unless a recipe says otherwise."""
        return torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=self.decay)

    def schedule(self, progress: Progress) -> float:
        """The factor on the phase's rate: unless a recipe says otherwise it warms up and falls
        along a cosine."""
        return warm_cosine(progress.total)

    def constrain(self, network: nn.Module) -> None:
        """Put weights back in place that a step has moved out of it, such as kernels of a fixed
        sum: called without gradients on the fresh network, after every step, and on the mean of
        the weights. Nothing unless a recipe says otherwise."""

    @abstractmethod
    def loss(
        self, network: nn.Module, example: Example, progress: Progress
    ) -> tuple[Tensor, dict[str, float]]:
        """The loss of one batch, and its parts for the log."""


class FittedRecipe(Recipe):
    """A model that is fitted at once to the features of many examples, with scikit-learn. Steps
    collect them; each validation fits a model to all that there are."""

    validations: ClassVar[int] = 4

    @abstractmethod
    def rows(self, example: Example) -> tuple[Tensor, Tensor]:
        """The features, float `[M, K]`, and the labels or values to be told from them, `[M]`, of
        one batch: those of all of its sides."""

    @abstractmethod
    def fit(self, features: Tensor, labels: Tensor) -> nn.Module:
        """A network from float32 `[M, K]` on the CPU to answers, made from an estimator of
        scikit-learn by `forensics.training.network_of`."""
