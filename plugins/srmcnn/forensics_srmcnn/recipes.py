"""How the three kinds of models are trained: one class each, bound to the manipulations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from torch import Tensor, nn

from forensics.plugin import (
    Batch,
    ClassifierRecipe,
    Example,
    FittedClassifierRecipe,
    Phase,
    Start,
    Trace,
    option,
)
from forensics_srmcnn import bayar, feature
from forensics_srmcnn.fitting import WideRecipe
from forensics_srmcnn.network import DescriptorNetwork
from forensics_srmcnn.tasks import TASKS

_ABOUT = "any, or one of the paper's strengths"
_HIDDEN = "units of the first hidden layer"
_EPOCHS = "times through all crops"
_GAIN = 2.0  # a margin of the SVM as a logit
_HEAD = 5.0  # the head's rate over that of filters and codewords


class Manipulation:
    """What the recipes of one task have in common: its histories, draws and part."""

    task: str
    strength: str
    validation_crops: ClassVar[int] = 220

    @property
    def trace(self) -> Trace:
        histories = TASKS[self.task].histories(self.strength)
        return Trace(f"{self.task} {self.strength}", histories, (), "pixels")

    @property
    def part(self) -> str:
        return self.strength

    @property
    def classes(self) -> tuple[float, ...]:
        return (0.0, 1.0)

    def labels(self, example: Example, side: str) -> Tensor:
        """0 of the pristine side, 1 of the others."""
        batch = example.sides[side]
        return torch.full((len(batch),), int(side != "pristine"), device=batch.device)

    def draws(self) -> Mapping[str | tuple[str, ...], Any]:
        return TASKS[self.task].draws(self.strength)


@dataclass(frozen=True)
class SvmRecipe(Manipulation, FittedClassifierRecipe):
    """The linear SVM on the hand-made feature."""

    task: str
    strength: str = option("any", _ABOUT)
    phases: ClassVar[tuple[Phase, ...]] = (Phase(share=1, crop=128, batch=36),)
    validations: ClassVar[int] = 1

    def inputs(self, batch: Batch) -> Tensor:
        return feature.inputs(batch)

    def estimator(self) -> Any:
        return make_pipeline(
            StandardScaler(), LinearSVC(C=0.1, dual=False, class_weight="balanced")
        )


@dataclass(frozen=True)
class PerceptronRecipe(Manipulation, WideRecipe):
    """A small network on the wider feature."""

    task: str
    strength: str = option("any", _ABOUT)
    hidden: int = option(64, _HIDDEN)
    epochs: int = option(12, _EPOCHS)


@dataclass(frozen=True)
class CnnRecipe(Manipulation, ClassifierRecipe):
    """Fine-tuned from the SVM: both sides of the same places in a batch, the mean of the weights
    over steps, the head at a higher rate than what lies below it."""

    task: str
    strength: str = option("any", _ABOUT)
    phases: ClassVar[tuple[Phase, ...]] = (Phase(share=1, crop=128, batch=8, rate=1e-4),)
    validations: ClassVar[int] = 6
    validation_crops: ClassVar[int] = 110
    averaging: ClassVar[float] = 0.98

    def inputs(self, batch: Batch) -> Tensor:
        return feature.plane(batch)[:, None].float()

    def build(self, classes: int) -> nn.Module:
        return from_svm(self._svm.state) if not self.start else DescriptorNetwork()

    @property
    def begins_with(self) -> Mapping[str, str]:
        return super().begins_with or self._svm.hashes

    @property
    def _svm(self) -> Start:
        return Start.of(f"srmsvm-{self.task}:{self.strength}")

    def optimiser(self, network: nn.Module, rate: float) -> torch.optim.Optimizer:
        assert isinstance(network, DescriptorNetwork)
        head = list(network.head.parameters())
        below = [*network.along.parameters(), *network.across.parameters()]
        groups: list[dict[str, Any]] = [{"params": below}, {"params": head, "lr": _HEAD * rate}]
        return torch.optim.Adam(groups, lr=rate)


def from_svm(state: Mapping[str, Tensor], gain: float = _GAIN) -> DescriptorNetwork:
    """The network that decides as the SVM of these weights (`nn.Linear` of two logits) does."""
    network = DescriptorNetwork()
    with torch.no_grad():
        network.mean.copy_(state["mean"])
        network.scale.copy_(state["scale"])
        network.head.weight.copy_(gain * (state["weight"][1:] - state["weight"][:1]))
        network.head.bias.copy_(gain * (state["bias"][1:] - state["bias"][:1]))
    return network


@dataclass(frozen=True)
class BayarRecipe(Manipulation, ClassifierRecipe):
    """From nothing; the filters of the first layer are projected after every step."""

    task: str
    strength: str = option("any", _ABOUT)
    phases: ClassVar[tuple[Phase, ...]] = (Phase(share=1, crop=64, batch=24, rate=1e-3),)
    validations: ClassVar[int] = 6
    averaging: ClassVar[float] = 0.98

    def inputs(self, batch: Batch) -> Tensor:
        return feature.plane(batch)[:, None].float()

    def build(self, classes: int) -> nn.Module:
        return bayar.BayarNetwork()

    def constrain(self, network: nn.Module) -> None:
        assert isinstance(network, bayar.BayarNetwork)
        bayar.project(network.errors.weight)
