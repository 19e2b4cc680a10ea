"""Detectors of one manipulation each: SVM, CNN, and Bayar and Stamm's network."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from forensics.plugin import Batch, Detector, ForensicsError, Scores, decision, option
from forensics_srmcnn import bayar, feature, network, wide
from forensics_srmcnn.tasks import TASKS

_TOGETHER = 1 << 20  # pixels at a time
_EDGE = 0.99  # of the pixels at 0 or 255


@dataclass(frozen=True)
class Manipulated(Detector):
    """Log odds, or margins, of 'altered' by the part of a strength."""

    task: str
    strength: str = option("any", "any, or one of the paper's strengths: a part each")

    def __post_init__(self) -> None:
        there = ("any", *TASKS[self.task].strengths())
        if self.strength not in there:
            raise ForensicsError(
                f"strength of {self.task} is {', '.join(there[:-1])} or {there[-1]}, "
                f"not {self.strength}"
            )

    def score(self, batch: Batch) -> Scores:
        planes = feature.plane(batch)
        height, width = planes.shape[1:]
        parts = planes.split(max(1, _TOGETHER // (height * width)))
        values = torch.cat([self.decide(part) for part in parts]).float()
        reasons = blank(planes)
        empty = torch.tensor([reason is not None for reason in reasons], device=values.device)
        return Scores(values.masked_fill(empty, torch.nan), reasons)

    @abstractmethod
    def decide(self, planes: Tensor) -> Tensor:
        """Scores `[N]` of uint8 `[N, H, W]`."""


@dataclass(frozen=True)
class Svm(Manipulated):
    """The hand-made feature and a linear SVM."""

    def decide(self, planes: Tensor) -> Tensor:
        logits = self.network(self.strength, decision, planes.device)(
            feature.rooted(feature.histograms(planes))
        )
        return logits[:, 1] - logits[:, 0]


@dataclass(frozen=True)
class Wide(Manipulated):
    """The wider feature and a small network."""

    def decide(self, planes: Tensor) -> Tensor:
        logits = self.network(self.strength, wide.stored, planes.device)(wide.features(planes))
        return logits[:, 1] - logits[:, 0]


@dataclass(frozen=True)
class Cnn(Manipulated):
    """The feature as a network, fine-tuned."""

    def decide(self, planes: Tensor) -> Tensor:
        return _logits(self.network(self.strength, network.stored, planes.device), planes)


@dataclass(frozen=True)
class Bayar(Manipulated):
    """Bayar and Stamm's network."""

    def decide(self, planes: Tensor) -> Tensor:
        return _logits(self.network(self.strength, bayar.stored, planes.device), planes)


def _logits(net: torch.nn.Module, planes: Tensor) -> Tensor:
    # One by one: a convolution of a batch may sum in another order than that of a single patch.
    return torch.cat([net(plane[None, None].float()) for plane in planes])


Reason = Literal["constant", "saturated"]


def blank(planes: Tensor) -> tuple[Reason | None, ...]:
    """Why nothing can be said of uint8 `[N, H, W]`: all pixels equal, or 99 % of them 0 or 255."""
    flat = planes.flatten(1)
    constant = (flat.amax(1) == flat.amin(1)).tolist()
    edge = ((flat == 0) | (flat == 255)).float().mean(1)
    saturated = (edge >= _EDGE).tolist()
    found: list[Reason | None] = []
    for same, white in zip(constant, saturated, strict=True):
        found.append("saturated" if white else "constant" if same else None)
    return tuple(found)
