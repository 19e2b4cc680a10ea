"""Classifiers that learn in seconds how much a picture was smoothed."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from torch import nn

from forensics.plugin import (
    ClassifierRecipe,
    Detector,
    Estimate,
    Estimator,
    FittedClassifierRecipe,
    Phase,
    Scores,
    Target,
    Trace,
    option,
)

# Never compressed, or a camera's JPEG first: a mixture that nobody registered.
SMOOTHED = Trace(
    "smoothed",
    (
        ("pristine", "maybe(0.5,jpeg({q}))"),
        ("altered", "maybe(0.5,jpeg({q})) gaussian({s}) ATTACK"),
    ),
    (),
    "pixels",
    (Target("s", "class", "pixels", none=0),),
)

STRENGTHS = (0.6, 1.0, 1.7, 3.0)


def ratios(planes):
    """Logarithms of the ratios of mean absolute differences of five orders, float32 `[N, 4]` of
    `[N, 1, H, W]`: smoother pictures have smaller ones, whatever their contrast."""
    orders = [planes.diff(n=order).abs().mean((1, 2, 3)) for order in range(1, 6)]
    return torch.stack(orders, 1).clamp(min=0.01).log().diff()


class Classifier(nn.Module):
    """Two layers on ratios."""

    def __init__(self, classes):
        super().__init__()
        self.norm = nn.BatchNorm1d(4)
        self.hidden = nn.Linear(4, 32)
        self.last = nn.Linear(32, classes)

    def forward(self, planes):
        return self.last(self.hidden(self.norm(ratios(planes))).relu())


@dataclass(frozen=True)
class Blurred(ClassifierRecipe):
    """The sides of a trace."""

    wrong: str = option("", "what goes wrong")

    trace: ClassVar[str] = "gaussian"
    part: ClassVar[str] = "net"
    phases: ClassVar[tuple[Phase, ...]] = (Phase(1, 32, 8, 3e-2),)
    validation_crop: ClassVar[int] = 32
    validation_crops: ClassVar[int] = 24
    validations: ClassVar[int] = 2

    def draws(self):
        return {"s": [1.5, 2.0]}

    def build(self, classes):
        return Classifier(3 if self.wrong == "answers" else classes - 1)


@dataclass(frozen=True)
class Smoothed(ClassifierRecipe):
    """The values of a target, and its value for 'none'."""

    count: int = option(5, "of the classes")

    trace: ClassVar[Trace] = SMOOTHED
    target: ClassVar[str] = "s"
    phases: ClassVar[tuple[Phase, ...]] = (Phase(1, 32, 8, 3e-2),)
    averaging: ClassVar[float] = 0.9
    validation_crop: ClassVar[int] = 32
    validation_crops: ClassVar[int] = 24
    validations: ClassVar[int] = 2

    @property
    def part(self):
        return f"net-{self.count}"

    def draws(self):
        return {"s": STRENGTHS[: self.count - 1], "q": [95, 97]}

    def build(self, classes):
        return Classifier(classes)

    def constrain(self, network):
        kernels = network.hidden.weight
        kernels /= kernels.norm(dim=1, keepdim=True)


@dataclass(frozen=True)
class SmoothedTrees(FittedClassifierRecipe):
    trace: ClassVar[Trace] = SMOOTHED
    target: ClassVar[str] = "s"
    part: ClassVar[str] = "trees"
    phases: ClassVar[tuple[Phase, ...]] = (Phase(1, 32, 16),)
    validation_crop: ClassVar[int] = 32
    validation_crops: ClassVar[int] = 24

    def draws(self):
        return {"s": STRENGTHS, "q": [95, 97]}

    def inputs(self, batch):
        return ratios(batch.pixels.float())

    def estimator(self):
        return HistGradientBoostingClassifier(max_iter=20, min_samples_leaf=5)


@dataclass(frozen=True)
class Never(Detector):
    """Only there so that there are weights to be named."""

    def score(self, batch):
        return Scores(torch.zeros(len(batch)))


def built(state):
    return Classifier(len(state["last.bias"]))


@dataclass(frozen=True)
class HowFar(Estimator):
    """The mean of the classes' values."""

    part: str

    def estimate(self, batch):
        network = self.network(self.part, built, batch.device)
        shares = network(batch.pixels.float()).softmax(1)
        return Estimate(("s",), (shares * network.classes).sum(1, keepdim=True))
