"""`mpernet-TASK`: the paper's network, and how it is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from forensics.plugin import (
    Batch,
    ClassifierRecipe,
    Detector,
    Estimate,
    Estimator,
    Phase,
    Progress,
    Scores,
    Trace,
    option,
)
from forensics.training.augmentation import Augmentation, Orientation
from forensics.training.camera import Camera
from forensics_mpernet.network import MPeRNet, stored
from forensics_mpernet.tasks import WHICH_TRAINED, drawn, nothing, target_of, trained_on

# The L2 penalty of .01 on the weights of one layer: its gradient is .02 of them.
_DECAY = 0.02


@dataclass(frozen=True)
class MPeR(Estimator, Detector):
    """The likeliest of the values that it was trained on; as a detector, the log odds of any."""

    task: str

    def _logs(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        network = self.network("net", stored, batch.device)
        assert isinstance(network.classes, torch.Tensor)
        luma = batch.luma()[:, None]
        # One at a time, so that an answer does not depend on its batch.
        logits = torch.cat([network(luma[i : i + 1]) for i in range(len(luma))])
        return network.classes, logits.double().log_softmax(1)

    def estimate(self, batch: Batch) -> Estimate:
        classes, logs = self._logs(batch)
        values = classes[logs.argmax(1)].float()
        luma = batch.luma().flatten(1)
        flat = luma.amax(1) == luma.amin(1)
        reasons = tuple("one grey level everywhere" if one else None for one in flat.tolist())
        values = torch.where(flat, torch.nan, values)
        return Estimate((target_of(self.task).name,), values[:, None], reasons=reasons)

    def score(self, batch: Batch) -> Scores:
        classes, logs = self._logs(batch)
        none = int((classes - nothing(self.task)).abs().argmin())
        rest = torch.cat([logs[:, :none], logs[:, none + 1 :]], 1).logsumexp(1)
        return Scores((rest - logs[:, none]).float())


@dataclass(frozen=True, kw_only=True)
class MPeRRecipe(ClassifierRecipe):
    """As the paper trains it (section IV-B): Adamax, 1e-3 for two thirds of the time, then 1e-4,
    and an L2 penalty on the first dense layer alone.

    It is convolutional up to its mean, so that crops are small first; the last ones are of
    128 x 128, as 256 x 256 before a halving are 512 of the photograph.
    """

    task: str
    lowest: int = option(50, "least quality of the last JPEG")
    highest: int = option(90, "greatest")

    part: ClassVar[str] = "net"
    autocast: ClassVar[bool] = True
    averaging: ClassVar[float] = 0.99
    augmentations: ClassVar[tuple[Augmentation, ...]] = (Orientation(), Camera(0.12))
    validation_crops: ClassVar[int] = 110
    validations: ClassVar[int] = 5
    limits: ClassVar[tuple[str, ...]] = ("one manipulation, of the listed values, between JPEGs",)

    @property
    def phases(self) -> tuple[Phase, ...]:  # type: ignore[override]
        """Crops of all kinds come from each place, so that fewer places are as many crops."""
        kinds = len(WHICH_TRAINED.sides) - 1 if self.task == "which" else 1
        return (
            Phase(share=0.5, crop=64, batch=-(-32 // kinds), rate=1e-3),
            Phase(share=0.17, crop=128, batch=-(-16 // kinds), rate=1e-3),
            Phase(share=0.33, crop=128, batch=-(-16 // kinds), rate=1e-4),
        )

    @property
    def trace(self) -> Trace:
        return trained_on(self.task)

    @property
    def target(self) -> str:  # type: ignore[override]
        return target_of(self.task).name

    def draws(self) -> Mapping[Any, Any]:
        return drawn(self.task, range(self.lowest, self.highest + 1))

    def build(self, classes: int) -> nn.Module:
        return MPeRNet(classes)

    def optimiser(self, network: nn.Module, rate: float) -> torch.optim.Optimizer:
        assert isinstance(network, MPeRNet)
        decayed = network.first.weight
        rest = [value for value in network.parameters() if value is not decayed]
        groups = [{"params": rest}, {"params": [decayed], "weight_decay": _DECAY}]
        return torch.optim.Adamax(groups, lr=rate)

    def schedule(self, progress: Progress) -> float:
        return 1.0
