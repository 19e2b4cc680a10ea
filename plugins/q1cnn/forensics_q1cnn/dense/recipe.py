"""How the networks are trained: one for each second quality, all first qualities, any shift."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from forensics.errors import ForensicsError
from forensics.models.interfaces import option
from forensics.traces.draws import Draws
from forensics.training import Example, NetworkRecipe, Phase, Progress
from forensics_q1cnn.dense import decoding, losses
from forensics_q1cnn.dense.entries import PART
from forensics_q1cnn.dense.network import PATCH, DenseNet40, shown, table, windows
from forensics_q1cnn.tables import CAPS

# The paper's first qualities beside each second one, and its nine for L against L_r.
FIRST = {90: tuple(range(60, 99)), 80: tuple(range(55, 99))}
NINE = (60, 65, 70, 75, 80, 85, 90, 95, 98)


@dataclass(frozen=True)
class DenseRecipe(NetworkRecipe):
    """What all of them share. second: the second quality; nine: of nine first qualities, where the
    paper compares its losses; rgb: colours, as printed, in place of luma."""

    second: int
    nine: bool
    rate: float = option(2e-3, "learning rate at the start")
    rgb: bool = option(False, "colours, as printed, in place of luma")

    trace: ClassVar[str] = "q1"
    color: ClassVar[bool] = True
    part: ClassVar[str] = PART
    validations: ClassVar[int] = 3
    validation_crop: ClassVar[int] = PATCH
    validation_crops: ClassVar[int] = 195
    averaging: ClassVar[float] = 0.99
    limits: ClassVar[tuple[str, ...]] = ("First steps above those of quality 50 have no class.",)

    @property
    def phases(self) -> tuple[Phase, ...]:
        return (
            Phase(0.55, 32, 24, self.rate),
            Phase(0.4, PATCH, 12, self.rate),
            # Nothing moves but running means and variances, towards those of many photographs.
            Phase(0.05, PATCH, 24, 0.0),
        )

    @property
    def first(self) -> tuple[int, ...]:
        return NINE if self.nine else FIRST[self.second]

    def draws(self) -> Draws:
        return {"q1": self.first, "q2": [self.second]}

    def network(self) -> nn.Module:
        biases = self.biases()
        return DenseNet40(len(biases), 3 if self.rgb else 1).begin(biases)

    def optimiser(self, network: nn.Module, rate: float) -> torch.optim.Optimizer:
        return torch.optim.Adam(network.parameters(), lr=rate, fused=True)

    def loss(
        self, network: nn.Module, example: Example, progress: Progress
    ) -> tuple[Tensor, dict[str, float]]:
        assert isinstance(network, DenseNet40)
        patches, steps = _patches(
            example, network.first.in_channels, self.phases[progress.phase].crop
        )
        patches = patches.contiguous(memory_format=torch.channels_last)
        with torch.autocast(patches.device.type, torch.bfloat16):
            outputs = network(patches)
        loss = self.measured(outputs, steps).mean()
        with torch.no_grad():
            right = (self.said(outputs) == steps).float().mean()
        return loss, {"accuracy": right.item()}

    def validate(self, network: nn.Module, examples: Iterable[Example]) -> dict[str, float]:
        """Accuracy and squared error of the 15 steps."""
        assert isinstance(network, DenseNet40)
        right, apart = [], []
        for example in examples:
            patches, steps = _patches(example, network.first.in_channels, PATCH)
            error = self.said(network(patches)) - steps
            right.append((error == 0).float().mean(1))
            apart.append(error.square().mean(1))
        accuracy, mse = (torch.cat(those).mean().item() for those in (right, apart))
        return {"objective": accuracy, "accuracy": accuracy, "mse": mse}

    @abstractmethod
    def biases(self) -> Tensor:
        """Of the last layer, to begin with: what the first qualities alone say of the steps."""

    @abstractmethod
    def measured(self, outputs: Tensor, steps: Tensor) -> Tensor:
        """The loss of each patch, `[N]`."""

    @abstractmethod
    def said(self, outputs: Tensor) -> Tensor:
        """The steps that the outputs stand for, `[N, 15]`."""


def _patches(example: Example, channels: int, side: int) -> tuple[Tensor, Tensor]:
    """The crops cut into patches, and the first steps of each, int64 `[N, 15]`."""
    cut = windows(shown(example.sides["altered"], channels), side)
    true = table(example.values["q1"]).to(cut.device)
    return cut.flatten(0, 1), true.repeat_interleave(cut.shape[1], 0)


def _chosen(known: dict[str, losses.Loss], option: str, name: str) -> losses.Loss:
    if name not in known:
        raise ForensicsError(f"{option} is one of {', '.join(known)}, not {name}")
    return known[name]


@dataclass(frozen=True)
class BlocksRecipe(DenseRecipe):
    """15 soft-max blocks under L_r. distance: `squared`, as in the authors' code; `absolute`, as
    printed; `none`, which is L."""

    distance: str = option("squared", "squared, absolute or none")

    def __post_init__(self) -> None:
        _chosen(losses.CLASSIFICATION, "distance", self.distance)

    def biases(self) -> Tensor:
        columns = zip(table(torch.tensor(self.first)).unbind(1), CAPS, strict=True)
        counts = [torch.bincount(column, minlength=cap + 1)[1:] + 0.5 for column, cap in columns]
        return torch.cat([(count / count.sum()).log() for count in counts])

    def measured(self, outputs: Tensor, steps: Tensor) -> Tensor:
        return losses.CLASSIFICATION[self.distance](outputs, steps)

    def said(self, outputs: Tensor) -> Tensor:
        return decoding.most_probable(decoding.blocks(outputs))


@dataclass(frozen=True)
class RegressionRecipe(DenseRecipe):
    """15 real numbers. error: `logcosh` or `squared`."""

    error: str = option("logcosh", "logcosh or squared")

    def __post_init__(self) -> None:
        _chosen(losses.REGRESSION, "error", self.error)

    def biases(self) -> Tensor:
        return table(torch.tensor(self.first)).float().mean(0)

    def measured(self, outputs: Tensor, steps: Tensor) -> Tensor:
        return losses.REGRESSION[self.error](outputs, steps)

    def said(self, outputs: Tensor) -> Tensor:
        return decoding.rounded(outputs)
