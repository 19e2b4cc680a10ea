"""`mperfast`: features of the patch and a small network that was fitted to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from forensics.plugin import Batch
from forensics_mpernet.answers import Answering, windows
from forensics_mpernet.features import features
from forensics_mpernet.tasks import groups_of

_LIMIT = 5.0
_TOGETHER = 16  # windows: 4 MB of each map


class Perceptron(nn.Module):
    """Standardised features, cut off at +-5, through two hidden layers. Computed in double
    precision in use, so that an answer does not depend on its batch.

    mean, scale: float `[K]`. Takes `[N, K]`, gives logits, float32 `[N, classes]`.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, mean: Tensor, scale: Tensor, hidden: int, classes: int) -> None:
        super().__init__()
        self.register_buffer("mean", mean.float())
        self.register_buffer("scale", scale.float())
        self.layers = nn.Sequential(
            nn.Dropout(0.1),
            nn.Linear(len(mean), hidden),
            nn.ReLU(),
            nn.Dropout(0.4),
            nn.Linear(hidden, hidden // 2),
            nn.ReLU(),
            nn.Dropout(0.4),
            nn.Linear(hidden // 2, classes),
        )

    def standard(self, features: Tensor) -> Tensor:
        return ((features - self.mean) / self.scale).clamp(-_LIMIT, _LIMIT)

    def forward(self, features: Tensor) -> Tensor:
        found = self.standard(features)
        if self.training:
            answers: Tensor = self.layers(found)
            return answers
        found = found.double()
        for layer in self.layers:
            if isinstance(layer, nn.Linear):
                found = found @ layer.weight.double().T + layer.bias.double()
            elif isinstance(layer, nn.ReLU):
                found = found.relu()
        return found.float()


def perceptron(state: Mapping[str, Tensor]) -> Perceptron:
    """The network whose state this is."""
    hidden, classes = len(state["layers.1.bias"]), len(state["layers.7.bias"])
    return Perceptron(state["mean"], state["scale"], hidden, classes)


@dataclass(frozen=True)
class Fast(Answering):
    """Features of each window, a network fitted to them; the mean over the windows."""

    def logits(self, batch: Batch) -> tuple[Tensor, Tensor]:
        network = self.network("net", perceptron, batch.device)
        assert isinstance(network.classes, Tensor)
        return network.classes, logits(network, batch, groups_of(self.task))


def logits(network: nn.Module, batch: Batch, groups: Sequence[str]) -> Tensor:
    """The mean over the windows, float32 `[N, classes]`."""
    assert batch.jpeg is not None
    luma = windows(batch.luma())
    count = luma.shape[1]
    steps = batch.jpeg.tables[:, 0].flatten(1).repeat_interleave(count, 0)
    every = zip(luma.flatten(0, 1).split(_TOGETHER), steps.split(_TOGETHER), strict=True)
    found = torch.cat([network(features(*part, groups)) for part in every])
    return found.unflatten(0, (-1, count)).double().mean(1).float()
