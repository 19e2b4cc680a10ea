"""How `mperfast` is trained: features of many crops, then a small network fitted to all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from forensics.plugin import Batch, Example, FittedRecipe, Phase, Trace, option
from forensics.training.augmentation import Augmentation, Orientation
from forensics.training.camera import Camera
from forensics.training.classes import Classification
from forensics_mpernet.answers import LEAST, MOST
from forensics_mpernet.fast import Perceptron
from forensics_mpernet.features import features
from forensics_mpernet.tasks import drawn, groups_of, target_of, trained_on

_LAST = tuple(range(46, 99))


@dataclass(frozen=True)
class FastRecipe(Classification, FittedRecipe):
    """Crops of 256 x 256, whole and in windows of 128, after first JPEGs of 95..97 and last ones of
    46..98; a third of the photographs to which nothing was done was sharpened."""

    task: str
    hidden: int = option(256, "units of the first hidden layer")
    epochs: int = option(20, "times through all crops")

    part: ClassVar[str] = "net"
    mirrored: ClassVar[bool] = True
    validations: ClassVar[int] = 1
    validation_crops: ClassVar[int] = 220
    augmentations: ClassVar[tuple[Augmentation, ...]] = (Orientation(), Camera(0.08))
    limits: ClassVar[tuple[str, ...]] = (
        "asked about other manipulations than those of its task, it answers with one of its values",
    )

    @property
    def phases(self) -> tuple[Phase, ...]:  # type: ignore[override]
        """Of crops of all kinds from each place, fewer places."""
        return (Phase(share=1, crop=MOST, batch=6 if self.task == "which" else 22),)

    @property
    def trace(self) -> Trace:
        return trained_on(self.task)

    @property
    def target(self) -> str:  # type: ignore[override]
        return target_of(self.task).name

    def draws(self) -> Mapping:  # type: ignore[type-arg]
        return drawn(self.task, _LAST)

    def inputs(self, batch: Batch) -> Tensor:
        assert batch.jpeg is not None
        return features(batch.luma(), batch.jpeg.tables[:, 0].flatten(1), groups_of(self.task))

    def rows(self, example: Example) -> tuple[Tensor, Tensor]:
        """Of each crop the whole and two windows of 128 x 128. Of the pristine side as many crops
        as each other class has: features take time."""
        found = {side: self.labels(example, side) for side in example.sides}
        labels = {side: label for side, label in found.items() if label is not None}
        others = sum(len(label) for side, label in labels.items() if side != "pristine")
        kept = {"pristine": max(1, round(others / (len(self.classes) - 1)))}
        inputs, answers = [], []
        for side, label in labels.items():
            part = slice(kept.get(side))
            crops = example.sides[side][part]
            last = crops.size[0] - LEAST
            windows = [crops.cut(corner, corner, LEAST, LEAST) for corner in {0, last}]
            inputs += [self.inputs(one) for one in ([crops] if last else []) + windows]
            answers += [label[part]] * (len(windows) + bool(last))
        return torch.cat(inputs), torch.cat(answers)

    def fit(self, features: Tensor, labels: Tensor) -> nn.Module:
        network = Perceptron(
            features.mean(0), features.std(0) + 1e-3, self.hidden, len(self.classes)
        )
        network.register_buffer("classes", torch.tensor(self.classes, dtype=torch.float64))
        descend(network, features, labels, self.epochs)
        return network.eval()


def descend(network: nn.Module, features: Tensor, labels: Tensor, epochs: int) -> None:
    """AdamW on batches of 128, the rate falling to 0, in place."""
    generator = torch.Generator().manual_seed(0)
    rate, batch = 1e-3, 128
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.1)
    steps = epochs * -(-len(features) // batch)
    with torch.enable_grad():
        network.train()
        for step in range(steps):
            optimiser.param_groups[0]["lr"] = rate * (1 - step / steps)
            chosen = torch.randint(len(features), (batch,), generator=generator)
            optimiser.zero_grad()
            loss = functional.cross_entropy(
                network(features[chosen]), labels[chosen], label_smoothing=0.02
            )
            loss.backward()
            optimiser.step()
