"""The paper's network and its rivals, one class and one recipe for all tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from forensics.plugin import Batch, ClassifierRecipe, Phase, Progress, Trace, option
from forensics.training.augmentation import Augmentation, Orientation
from forensics.training.camera import Camera
from forensics_mpernet.answers import Answering, windows
from forensics_mpernet.network import MPeRNet
from forensics_mpernet.rivals import CnnRfe, DualNet, MISLnet
from forensics_mpernet.tasks import WHICH_TRAINED, drawn, target_of, trained_on

NETWORKS: Mapping[str, type[nn.Module]] = {
    "mpernet": MPeRNet,
    "mislnet": MISLnet,
    "cnnrfe": CnnRfe,
    "dualnet": DualNet,
}
# The L2 penalty of .01 on the weights of one layer: its gradient is .02 of them.
_DECAY = 0.02


@dataclass(frozen=True)
class Trained(Answering):
    """One network for each task, of a kind of `NETWORKS`; the mean over the windows."""

    by: str = field(kw_only=True)

    def logits(self, batch: Batch) -> tuple[Tensor, Tensor]:
        def stored(state: Mapping[str, Tensor]) -> nn.Module:
            return NETWORKS[self.by](len(state["classes"]))

        network = self.network("net", stored, batch.device)
        assert isinstance(network.classes, Tensor)
        luma = windows(batch.luma())
        # One at a time, so that an answer does not depend on its batch.
        found = [network(one[None, None]) for one in luma.flatten(0, 1)]
        logits = torch.cat(found).unflatten(0, luma.shape[:2])
        return network.classes, logits.double().mean(1).float()


@dataclass(frozen=True, kw_only=True)
class TrainedRecipe(ClassifierRecipe):
    """As the paper trains its network (section III-C): Adamax, 1e-3 for two thirds of the time,
    then 1e-4, and an L2 penalty on the first dense layer alone; MISLnet by stochastic gradients as
    its authors do.

    All are convolutional up to a mean, so that crops are small first.
    """

    task: str
    by: str
    lowest: int = option(50, "least quality of the last JPEG")
    highest: int = option(90, "greatest")

    part: ClassVar[str] = "net"
    autocast: ClassVar[bool] = True
    mirrored: ClassVar[bool] = True
    averaging: ClassVar[float] = 0.99
    augmentations: ClassVar[tuple[Augmentation, ...]] = (Orientation(), Camera(0.12))
    validation_crops: ClassVar[int] = 66
    validations: ClassVar[int] = 2
    limits: ClassVar[tuple[str, ...]] = ("one manipulation, of the listed values, between JPEGs",)

    @property
    def phases(self) -> tuple[Phase, ...]:  # type: ignore[override]
        """Crops of all kinds come from each place, so that fewer places are as many crops."""
        kinds = len(WHICH_TRAINED.sides) - 1 if self.task == "which" else 1
        stages = ((0.5, 64, 32, 1e-3), (0.17, 128, 16, 1e-3), (0.18, 128, 16, 1e-4))
        last = (0.15, 256, 8, 1e-4)
        return tuple(
            Phase(share, crop, -(-crops // kinds), rate)
            for share, crop, crops, rate in (*stages, last)
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
        return NETWORKS[self.by](classes)

    def optimiser(self, network: nn.Module, rate: float) -> torch.optim.Optimizer:
        if isinstance(network, MISLnet):
            return torch.optim.SGD(network.parameters(), rate, momentum=0.95, weight_decay=5e-4)
        if not isinstance(network, MPeRNet):
            return torch.optim.Adamax(network.parameters(), lr=rate)
        decayed = network.first.weight
        rest = [value for value in network.parameters() if value is not decayed]
        groups = [{"params": rest}, {"params": [decayed], "weight_decay": _DECAY}]
        return torch.optim.Adamax(groups, lr=rate)

    def constrain(self, network: nn.Module) -> None:
        if isinstance(network, MISLnet):
            network.constrain()

    def schedule(self, progress: Progress) -> float:
        return 1.0
