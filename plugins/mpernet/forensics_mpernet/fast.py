"""`mperfast`: features of the patch and a small network that was fitted to them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from forensics.plugin import (
    Batch,
    Belief,
    Detector,
    Estimate,
    Estimator,
    ForensicsError,
    Scores,
    option,
)
from forensics_mpernet.features import SIDE, features
from forensics_mpernet.tasks import groups_of, nothing, target_of

_LIMIT = 5.0
_TOGETHER = 64  # windows: 4 MB of each map


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


def windows(batch: Batch) -> tuple[Tensor, Tensor]:
    """Windows of 128 x 128 whose corners are multiples of 8 and which cover the batch's patches as
    evenly as these allow: luma, float32 `[N, W, 128, 128]`, and the luma steps, `[N, 64]`."""
    assert batch.jpeg is not None
    luma = batch.luma()
    corners = [
        [
            round(i * (side - SIDE) / max(1, -(-side // SIDE) - 1)) // 8 * 8
            for i in range(-(-side // SIDE))
        ]
        for side in batch.size
    ]
    cut = [luma[:, y : y + SIDE, x : x + SIDE] for y in corners[0] for x in corners[1]]
    return torch.stack(cut, 1), batch.jpeg.tables[:, 0].flatten(1)


def logits(network: nn.Module, batch: Batch, groups: Sequence[str]) -> Tensor:
    """The mean over the windows, float32 `[N, classes]`."""
    luma, steps = windows(batch)
    count = luma.shape[1]
    every = zip(
        luma.flatten(0, 1).split(_TOGETHER),
        steps.repeat_interleave(count, 0).split(_TOGETHER),
        strict=True,
    )
    found = torch.cat([network(features(*part, groups)) for part in every])
    return found.unflatten(0, (-1, count)).double().mean(1).float()


@dataclass(frozen=True)
class Fast(Estimator, Detector):
    """Says which of the values that it was trained on, and as a detector, whether any."""

    task: str
    decode: str = option("best", "best, or mean: over the best value and its neighbours")

    def __post_init__(self) -> None:
        if self.decode not in ("best", "mean"):
            raise ForensicsError(f"decode is best or mean, not {self.decode}")

    def _shares(self, batch: Batch) -> tuple[Tensor, Tensor]:
        network = self.network("net", perceptron, batch.device)
        groups = groups_of(self.task)
        found = batch.once(("mperfast", network), lambda: logits(network, batch, groups))
        assert isinstance(network.classes, Tensor)
        return network.classes, found

    def estimate(self, batch: Batch) -> Estimate:
        classes, found = self._shares(batch)
        values = classes[found.argmax(1)]
        if self.decode == "mean":
            values = expected(classes, found)
        name = target_of(self.task).name
        shares = found.double().softmax(1).float()
        belief = Belief(classes.float(), shares)
        return Estimate((name,), values.float()[:, None], {name: belief})

    def score(self, batch: Batch) -> Scores:
        """Log odds of something against nothing, both as likely beforehand."""
        classes, found = self._shares(batch)
        none = int((classes - nothing(self.task)).abs().argmin())
        logs = found.double().log_softmax(1)
        rest = torch.cat([logs[:, :none], logs[:, none + 1 :]], 1).logsumexp(1)
        return Scores((rest - logs[:, none] - math.log(len(classes) - 1)).float())


def expected(classes: Tensor, logits: Tensor) -> Tensor:
    """The mean of the best value and its two neighbours, weighed by their shares, `[N]`."""
    best = logits.argmax(1)[:, None]
    near = (torch.arange(len(classes), device=logits.device) - best).abs() <= 1
    shares = logits.double().masked_fill(~near, -torch.inf).softmax(1)
    return (shares * classes).sum(1)
