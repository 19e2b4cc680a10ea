"""How `mperfast` is trained: features of many crops, then small networks fitted to all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from forensics.nn import Perceptron
from forensics.plugin import Batch, Example, FittedRecipe, Phase, Trace, option
from forensics.training.augmentation import Augmentation, Orientation
from forensics.training.camera import Camera
from forensics_mpernet.answers import LEAST, MOST
from forensics_mpernet.fast import Perceptrons, columns_of
from forensics_mpernet.features import GROUPS, features
from forensics_mpernet.tasks import KINDS, NAMES, WHICH_TRAINED, drawn, values_of

# Every quality, those that are met most twice as often.
_LAST = (*range(46, 99), *range(84, 97))
# The kind and the value of a crop in one number.
_KIND = 16
_SHRUNK, _TRUST = 0.2, 0.2


@dataclass(frozen=True)
class FastRecipe(FittedRecipe):
    """All tasks at once, as the same crop is manipulated in all ways: crops of 256 x 256, whole and
    in windows of 128, after first JPEGs of 95..97 and last ones of 46..98; a third of the
    photographs to which nothing was done was sharpened."""

    hidden: int = option(256, "units of the first hidden layer")
    epochs: int = option(20, "times through all crops")

    part: ClassVar[str] = "net"
    trace: ClassVar[Trace] = WHICH_TRAINED  # type: ignore[assignment]
    phases: ClassVar[tuple[Phase, ...]] = (Phase(share=1, crop=MOST, batch=4),)
    mirrored: ClassVar[bool] = True
    evenly: ClassVar[tuple[str, ...]] = ("k", "g", "n", "f")  # type: ignore[assignment]
    validations: ClassVar[int] = 1
    validation_crop: ClassVar[int] = MOST
    validation_crops: ClassVar[int] = 44
    augmentations: ClassVar[tuple[Augmentation, ...]] = (Orientation(), Camera(0.05))
    limits: ClassVar[tuple[str, ...]] = (
        "asked about other manipulations than those of its task, it answers with one of its values",
    )

    def draws(self) -> Mapping[Any, Any]:
        return drawn("which", _LAST)

    def rows(self, example: Example) -> tuple[Tensor, Tensor]:
        """Of each crop the whole and two windows of 128 x 128."""
        inputs, answers = [], []
        for side, crops in example.sides.items():
            labels = labels_of(side, example)
            last = crops.size[0] - LEAST
            parts = [crops, *(crops.cut(at, at, LEAST, LEAST) for at in (0, last))]
            inputs += [inputs_of(one) for one in parts]
            answers += [labels] * len(parts)
        return torch.cat(inputs), torch.cat(answers)

    def fit(self, features: Tensor, labels: Tensor) -> nn.Module:
        tasks = ("which", *KINDS[1:])
        networks = Perceptrons({task: (self.hidden, len(values_of(task))) for task in tasks})
        for task in tasks:
            kept, places = cases(task, labels)
            network = networks.of[task]
            inputs = features[:, columns_of(task)][kept]
            network.mean.copy_(inputs.mean(0))
            network.scale.copy_(inputs.std(0) + 1e-3)
            network.classes.copy_(torch.tensor(values_of(task), dtype=torch.float64))
            discriminate(network, inputs, places)
            descend(network, inputs, places, self.epochs)
        return networks.eval()

    def validate(self, network: nn.Module, examples: Iterable[Example]) -> dict[str, float]:
        """Of whole crops, by task: accuracy and log-likelihood, each class counted as much as the
        others; the objective is the mean of these."""
        assert isinstance(network, Perceptrons)
        answers, truth = [], []
        for example in examples:
            for side, crops in example.sides.items():
                answers.append(network(inputs_of(crops)))
                truth.append(labels_of(side, example))
        labels, figures = torch.cat(truth).cpu(), {}
        for number, task in enumerate(network.tasks):
            kept, places = cases(task, labels)
            logs = torch.cat([one[number] for one in answers]).double().log_softmax(1).cpu()[kept]
            weights = (1.0 / torch.bincount(places).double())[places]
            weights /= weights.sum()
            figures[f"{task}_accuracy"] = float((weights * (logs.argmax(1) == places)).sum())
            figures[task] = float((weights * logs.gather(1, places[:, None])[:, 0]).sum())
        mean = sum(figures[task] for task in network.tasks) / len(network.tasks)
        return {"objective": mean, **figures}


def inputs_of(batch: Batch) -> Tensor:
    """All features, float32 `[N, K]`."""
    assert batch.jpeg is not None
    return features(batch.luma(), batch.jpeg.tables[:, 0].flatten(1), GROUPS)


def labels_of(side: str, example: Example) -> Tensor:
    """Kind and value of the crops of a side, int64 `[N]`: 0 where nothing was done."""
    if side == "pristine":
        return torch.zeros(len(example.sides[side]), dtype=torch.int64)
    values = torch.tensor(values_of(side), dtype=torch.float64)
    given = example.values[NAMES[side]].cpu().double()
    places = (given[:, None] - values).abs().argmin(1)
    return _KIND * KINDS.index(side) + places


def cases(task: str, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Which rows a task is about, bool `[M]`, and the places of their classes."""
    kinds = labels // _KIND
    if task == "which":
        return torch.ones_like(kinds, dtype=torch.bool), kinds
    kept = (kinds == 0) | (kinds == KINDS.index(task))
    values = values_of(task)
    none = next(place for place, value in enumerate(values) if value in (0, 1))
    places = torch.where(kinds == 0, none, labels % _KIND)
    return kept, places[kept]


@torch.no_grad()
def discriminate(network: Perceptron, features: Tensor, labels: Tensor) -> None:
    """The linear part: a discriminant whose covariance is shrunk by a fifth, every class weighing
    the same, and a fifth of its logits, as it is surer than it should be; both chosen on val."""
    assert network.linear is not None
    inputs = network.standard(features).double()
    means = torch.stack([inputs[labels == k].mean(0) for k in range(int(labels.max()) + 1)])
    weights = (1 / torch.bincount(labels).double())[labels]
    apart = inputs - means[labels]
    spread = (apart * weights[:, None]).T @ apart / weights.sum()
    identity = torch.eye(len(spread), dtype=spread.dtype)
    spread = (1 - _SHRUNK) * spread + _SHRUNK * spread.trace() / len(spread) * identity
    direction = torch.linalg.solve(spread, means.T)
    network.linear.weight.copy_(_TRUST * direction.T)
    network.linear.bias.copy_(_TRUST * -0.5 * (means * direction.T).sum(1))


def descend(network: nn.Module, features: Tensor, labels: Tensor, epochs: int) -> None:
    """AdamW on batches of 128, the rate falling to 0, in place; every class weighs the same."""
    generator = torch.Generator().manual_seed(0)
    rate, batch = 1e-3, 128
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.1)
    counts = torch.bincount(labels).clamp(min=1)
    weights = len(labels) / (len(counts) * counts.float())
    steps = epochs * -(-len(features) // batch)
    with torch.enable_grad():
        network.train()
        for step in range(steps):
            optimiser.param_groups[0]["lr"] = rate * (1 - step / steps)
            chosen = torch.randint(len(features), (batch,), generator=generator)
            optimiser.zero_grad()
            loss = functional.cross_entropy(
                network(features[chosen]), labels[chosen], weights, label_smoothing=0.02
            )
            loss.backward()
            optimiser.step()
