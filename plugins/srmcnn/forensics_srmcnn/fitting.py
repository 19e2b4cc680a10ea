"""How a small network on the wider feature is fitted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from forensics.nn import Perceptron
from forensics.plugin import Batch, Example, FittedRecipe, Phase
from forensics.training.classes import Classification
from forensics_srmcnn import wide

_RATE, _DECAY, _BATCH = 1e-3, 0.05, 256
_WARM = 100  # steps
_LEAST = 1e-3  # added to the deviation of a value: bins that are hardly ever met


def perceptron(
    features: Tensor, labels: Tensor, classes: Sequence[float], hidden: int, epochs: int
) -> Perceptron:
    """A network of float32 `[M, K]` that tells int64 `[M]` apart, every class counted as much as
    the others: AdamW on batches of 256, the rate falling to 0."""
    network = wide.perceptron(features.mean(0), features.std(0) + _LEAST, hidden, len(classes))
    network.register_buffer("classes", torch.tensor(classes, dtype=torch.float64))
    seen = torch.bincount(labels, minlength=len(classes)).clamp(min=1)
    weights = len(labels) / (len(classes) * seen).float()
    generator = torch.Generator().manual_seed(0)
    optimiser = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=_DECAY)
    steps = epochs * -(-len(features) // _BATCH)
    with torch.enable_grad():
        network.train()
        for step in range(steps):
            rate = _RATE * min(1.0, (step + 1) / _WARM) * (1 - step / steps)
            optimiser.param_groups[0]["lr"] = rate
            chosen = torch.randint(len(features), (_BATCH,), generator=generator)
            optimiser.zero_grad()
            answers = network(features[chosen])
            functional.cross_entropy(answers, labels[chosen], weights).backward()
            optimiser.step()
    return network.eval()


class WideRecipe(Classification, FittedRecipe):
    """Collects the wider feature of all crops; the network is fitted to them at the end. A frozen
    dataclass says the trace, the part, the draws, and these."""

    hidden: int
    epochs: int
    phases: ClassVar[tuple[Phase, ...]] = (Phase(share=1, crop=128, batch=36),)
    validations: ClassVar[int] = 1

    def inputs(self, batch: Batch) -> Tensor:
        return wide.inputs(batch)

    def rows(self, example: Example) -> tuple[Tensor, Tensor]:
        return self.cases(example)

    def fit(self, features: Tensor, labels: Tensor) -> nn.Module:
        return perceptron(features, labels, self.classes, self.hidden, self.epochs)
