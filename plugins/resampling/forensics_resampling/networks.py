"""Networks with one output for each of the six characteristics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from forensics.nn import Quadratic
from forensics_resampling.radon import Radon
from forensics_resampling.traces import TASKS

HIDDEN = 256
_FIELDS = ("side", "angles", "root", "median", "centred", "log")
# A flip turns clockwise into counter-clockwise and leaves the rest.
_MIRRORED = [TASKS.index(t) for t in ("jpegquality", "up", "down", "ccw", "cw", "shear")]


class Standardised(nn.Module):
    """Less the mean, over the standard deviation of the training features, both `[K]`."""

    def __init__(self, mean: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean.float())
        self.register_buffer("scale", scale.float())

    mean: Tensor
    scale: Tensor

    def forward(self, features: Tensor) -> Tensor:
        return (features - self.mean) / self.scale


class OnRadon(nn.Module):
    """A classifier of Radon features. spec: which feature, int64 `[6]`, stored with the weights so
    that a variant is used as it was trained."""

    def __init__(self, spec: Tensor) -> None:
        super().__init__()
        self.register_buffer("spec", spec)

    spec: Tensor

    @property
    def radon(self) -> Radon:
        return spec_of(self.spec)

    def logits(self, features: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, features: Tensor) -> Tensor:
        """Logits float32 `[N, 6]` of features `[N, K]`: the mean of what is said of the window and
        of its mirror image, whose angles come in the opposite order."""
        return (
            self.logits(features) + self.logits(mirrored(features, self.radon))[:, _MIRRORED]
        ) / 2


def spec(radon: Radon) -> Tensor:
    """As numbers."""
    return torch.tensor([int(getattr(radon, name)) for name in _FIELDS])


def spec_of(numbers: Tensor) -> Radon:
    """What `spec` made."""
    values: list[Any] = numbers.tolist()
    return Radon(*values[:2], *map(bool, values[2:]))


def mirrored(features: Tensor, radon: Radon) -> Tensor:
    """The features of the windows with their columns in the opposite order: an angle becomes 180
    degrees less it, and a projection that is read backwards has the same magnitudes."""
    places = torch.arange(radon.angles, device=features.device)
    order = (-places) % radon.angles if radon.angles % 2 == 0 else places.flip(0)
    return features.view(-1, radon.angles, radon.bins)[:, order].flatten(1)


def mirrored_labels(labels: Tensor) -> Tensor:
    """The characteristics `[N, 6]` of the same."""
    return labels[:, _MIRRORED]


class RadonNetwork(OnRadon):
    """Model I: two hidden layers on the standardised feature, 828-256-256-6."""

    def __init__(
        self, spec: Tensor, mean: Tensor, scale: Tensor, hidden: int, dropout: float
    ) -> None:
        super().__init__(spec)
        self.layers = nn.Sequential(
            Standardised(mean, scale),
            nn.Linear(len(mean), hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, len(TASKS)),
        )

    def logits(self, features: Tensor) -> Tensor:
        found: Tensor = self.layers(features)
        return found


def radon_network(state: Mapping[str, Tensor]) -> RadonNetwork:
    """Of the shapes of these weights."""
    mean = state["layers.0.mean"]
    hidden = len(state["layers.1.bias"])
    return RadonNetwork(state["spec"], mean, mean, hidden, 0.0)


class QuadraticNetwork(OnRadon):
    """The quadratic Bayes classifier: standardised features on their first principal axes,
    `[K, R]`, and two normal classes for each characteristic."""

    def __init__(
        self, spec: Tensor, mean: Tensor, scale: Tensor, axes: Tensor, tasks: list[Quadratic]
    ) -> None:
        super().__init__(spec)
        self.standardised = Standardised(mean, scale)
        self.register_buffer("axes", axes.float())
        self.tasks = nn.ModuleList(tasks)

    axes: Tensor

    def logits(self, features: Tensor) -> Tensor:
        shown = self.standardised(features) @ self.axes
        both = [task(shown) for task in self.tasks]
        return torch.stack([one[:, 1] - one[:, 0] for one in both], 1)


def quadratic_network(state: Mapping[str, Tensor]) -> QuadraticNetwork:
    """Of the shapes of these weights."""
    mean = state["standardised.mean"]
    tasks = [
        Quadratic(*(state[f"tasks.{k}.{part}"] for part in ("means", "whitening", "constant")))
        for k in range(len(TASKS))
    ]
    return QuadraticNetwork(state["spec"], mean, mean, state["axes"], tasks)
