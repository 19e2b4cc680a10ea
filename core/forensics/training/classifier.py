"""Recipes of models that tell classes apart: networks, and what scikit-learn fits to features."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.training.classes import Classification
from forensics.training.fitting import network_of
from forensics.training.recipe import Example, FittedRecipe, NetworkRecipe, Progress


def _naming(network: nn.Module, classes: tuple[float, ...]) -> nn.Module:
    """The network with its classes as a buffer, so that they are stored with its weights. Raises
    ForensicsError where the name is taken."""
    if hasattr(network, "classes"):
        raise ForensicsError(
            f"{type(network).__name__} has an attribute `classes`, under which the values of the "
            "classes are stored with the weights: give it another name"
        )
    network.register_buffer("classes", torch.tensor(classes, dtype=torch.float64))
    return network


@dataclass(frozen=True, kw_only=True)
class ClassifierRecipe(Classification, NetworkRecipe):
    """A network that is trained by cross-entropy to tell the sides of a trace apart, or the values
    of a target. A subclass says `trace`, `part`, `phases`, `draws` and `build`, and with `target`
    which values; everything else is given and may be replaced.

    All sides of the same places are in a batch, and every class about as often.
    """

    #: whether steps compute the network in bfloat16, several times as fast on some processors;
    #: validations never do
    autocast: ClassVar[bool] = False

    @abstractmethod
    def build(self, classes: int) -> nn.Module:
        """A fresh network from `inputs` to logits, `[N, classes]`, or one logit of the second of
        two classes, `[N]` or `[N, 1]`."""

    def inputs(self, batch: Batch) -> Tensor:
        """Luma, float32 `[N, 1, H, W]` of 0..255."""
        return batch.luma()[:, None]

    def network(self) -> nn.Module:
        return _naming(self.build(len(self.classes)), self.classes)

    def loss(
        self, network: nn.Module, example: Example, progress: Progress
    ) -> tuple[Tensor, dict[str, float]]:
        inputs, labels = self.cases(example)
        with torch.autocast(inputs.device.type, torch.bfloat16, enabled=self.autocast):
            answers = network(inputs)
        logits = self.logits(answers).float()
        right = (logits.detach().argmax(1) == labels).float().mean()
        return functional.cross_entropy(logits, labels), {"accuracy": right.item()}


class FittedClassifierRecipe(Classification, FittedRecipe):
    """The same of a classifier that scikit-learn fits to features. A frozen dataclass says `trace`,
    `part`, `phases`, `draws`, `inputs` (the features, float `[N, K]`) and `estimator`."""

    @abstractmethod
    def estimator(self) -> Any:
        """An estimator of scikit-learn with logits: a linear discriminant, a logistic regression or
        boosted trees, alone or after a StandardScaler (`network_of`)."""

    def rows(self, example: Example) -> tuple[Tensor, Tensor]:
        return self.cases(example)

    def fit(self, features: Tensor, labels: Tensor) -> nn.Module:
        seen, count = len(labels.unique()), len(self.classes)
        if seen < count:
            raise ForensicsError(
                f"crops of {seen} of the {count} classes were seen: take more steps"
            )
        estimator = self.estimator().fit(features.numpy(), labels.numpy())
        return _naming(network_of(estimator, logits=True), self.classes)
