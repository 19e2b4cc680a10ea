"""Model II: a constrained convolution, the FFT of what it leaves, dense layers; all learnt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from forensics.nn.constrained import ConstrainedConv2d
from forensics.plugin import (
    Batch,
    Detector,
    Example,
    NetworkRecipe,
    Phase,
    Progress,
    Scores,
    Trace,
    option,
)
from forensics_resampling.detectors import STRIDE, blank
from forensics_resampling.networks import HIDDEN, mirrored_labels
from forensics_resampling.patches import flat, gray, windows
from forensics_resampling.recipes import SIDE, figures, weighted
from forensics_resampling.traces import TASKS, labels, mixture

_KERNELS, _SIZE = 3, 5
_TINY = 1e-3  # grey levels: keeps the slope of the root finite


class ConstrainedNetwork(nn.Module):
    """Logits `[N, 6]` of gray windows of 64 x 64, float32 `[N, 64, 64]` of 0..255.

    Root of the magnitude of three prediction errors; with `fft` (int64 `[]`, stored with the
    weights) the root of the magnitude of its spectrum, without its mean; two hidden layers.
    """

    def __init__(self, fft: Tensor) -> None:
        super().__init__()
        self.register_buffer("fft", fft)
        self.errors = ConstrainedConv2d(1, _KERNELS, _SIZE)
        inner = SIDE - _SIZE + 1
        count = _KERNELS * (SIDE * (SIDE // 2 + 1) if int(fft) else inner * inner)
        self.layers = nn.Sequential(
            nn.BatchNorm1d(count),
            nn.Linear(count, HIDDEN),
            nn.ReLU(),
            nn.Dropout(0.4),
            nn.Linear(HIDDEN, HIDDEN),
            nn.ReLU(),
            nn.Dropout(0.4),
            nn.Linear(HIDDEN, len(TASKS)),
        )

    fft: Tensor

    def forward(self, patches: Tensor) -> Tensor:
        error = self.errors(patches[:, None])
        # (e² + t²)^(1/4): the root of |e|, smooth at 0.
        error = (error.square() + _TINY).sqrt().sqrt()
        if int(self.fft):
            error = error - error.mean((2, 3), keepdim=True)
            found = torch.fft.rfft2(error, s=(SIDE, SIDE))
            error = (found.real.square() + found.imag.square() + _TINY).sqrt().sqrt()
        logits: Tensor = self.layers(error.flatten(1))
        return logits

    def both(self, patches: Tensor) -> Tensor:
        """The mean of what is said of the windows and of their mirror images."""
        return (self(patches) + mirrored_labels(self(patches.flip(2)))) / 2


def constrained_network(state: Mapping[str, Tensor]) -> ConstrainedNetwork:
    """Of the kind of these weights."""
    return ConstrainedNetwork(state["fft"])


@dataclass(frozen=True)
class ConstrainedDetector(Detector):
    """The log odds of a characteristic by Model II; of a patch larger than 64 x 64 their mean over
    windows that are 32 pixels apart."""

    task: str

    def score(self, batch: Batch) -> Scores:
        seen = gray(batch)
        network = self.network("six", constrained_network, batch.device)
        assert isinstance(network, ConstrainedNetwork)
        cut = windows(seen, SIDE, STRIDE)
        logits = network.both(cut.flatten(0, 1)).view(*cut.shape[:2], -1).mean(1)
        return blank(logits[:, TASKS.index(self.task)], flat(seen))


@dataclass(frozen=True)
class ConstrainedRecipe(NetworkRecipe):
    """Model II, of patches that are never seen twice."""

    fft: bool = option(True, "the FFT inside of the network, or none")

    part: ClassVar[str] = "six"
    phases: ClassVar[tuple[Phase, ...]] = (Phase(1.0, SIDE, 128, 1e-3),)
    validation_crop: ClassVar[int] = SIDE
    validation_crops: ClassVar[int] = 2400
    validations: ClassVar[int] = 5
    averaging: ClassVar[float] = 0.999
    decay: ClassVar[float] = 1e-2

    @property
    def trace(self) -> Trace:
        return mixture()

    def draws(self) -> dict[str, list[int]]:
        return {}  # the trace draws everything

    def network(self) -> nn.Module:
        return ConstrainedNetwork(torch.tensor(int(self.fft)))

    def loss(
        self, network: nn.Module, example: Example, progress: Progress
    ) -> tuple[Tensor, dict[str, float]]:
        logits = network(gray(example.sides["altered"]))
        return weighted(logits, labels(example.values)), {}

    def validate(self, network: nn.Module, examples: Iterable[Example]) -> dict[str, float]:
        assert isinstance(network, ConstrainedNetwork)
        rows = [(network.both(gray(e.sides["altered"])), labels(e.values)) for e in examples]
        return figures(*(torch.cat(column) for column in zip(*rows, strict=True)))
