"""Model II: a constrained convolution, the FFT of what it leaves, dense layers; all learnt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from forensics.nn.constrained import ConstrainedConv2d
from forensics.plugin import (
    Batch,
    Detector,
    Example,
    ForensicsError,
    NetworkRecipe,
    Phase,
    Progress,
    Scores,
    Start,
    Trace,
    option,
)
from forensics_resampling.detectors import STRIDE, blank
from forensics_resampling.networks import HIDDEN, mirrored_labels
from forensics_resampling.patches import flat, gray, windows
from forensics_resampling.recipes import SIDE, figures, weighted
from forensics_resampling.traces import TASKS, labels, mixture

_SIZE = 5
# Where the kernels begin, beside three that are drawn as the authors do: differences of a higher
# order than training finds on its own. Cubic interpolation and JPEGs leave periods in these.
_BIHARMONIC = (
    (0, 0, 1, 0, 0),
    (0, 2, -8, 2, 0),
    (1, -8, 20, -8, 1),
    (0, 2, -8, 2, 0),
    (0, 0, 1, 0, 0),
)
_FOURTH = (1.0, -4.0, 6.0, -4.0, 1.0)
_DRAWN = 3
_TOGETHER = 64  # windows: what stays in a processor's caches
_TINY = 1e-3  # grey levels: keeps the slope of the root finite


class ConstrainedNetwork(nn.Module):
    """Logits `[N, 6]` of gray windows of 64 x 64, float32 `[N, 64, 64]` of 0..255.

    Root of the magnitude of some prediction errors; with `fft` (int64 `[]`, stored with the
    weights) the root of the magnitude of its spectrum, without its mean; two hidden layers.
    """

    def __init__(self, fft: Tensor, kernels: int) -> None:
        super().__init__()
        self.register_buffer("fft", fft)
        self.errors = ConstrainedConv2d(1, kernels, _SIZE)
        inner = SIDE - _SIZE + 1
        count = kernels * (SIDE * (SIDE // 2 + 1) if int(fft) else inner * inner)
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
    return ConstrainedNetwork(state["fft"], len(state["errors.free"]))


def differences() -> Tensor:
    """The kernels of `_BIHARMONIC` and of fourth differences across and down, as the free values of
    `ConstrainedConv2d`, `[3, 1, 24]`."""
    fourth = torch.zeros(_SIZE, _SIZE)
    fourth[_SIZE // 2] = torch.tensor(_FOURTH)
    every = torch.stack([torch.tensor(_BIHARMONIC, dtype=torch.float32), fourth, fourth.T])
    middle = _SIZE * _SIZE // 2
    flat = every.flatten(1) / -every.flatten(1)[:, middle : middle + 1]
    return torch.cat([flat[:, :middle], flat[:, middle + 1 :]], 1)[:, None]


def grown(state: Mapping[str, Tensor], like: ConstrainedNetwork) -> dict[str, Tensor]:
    """The weights of a network of fewer kernels with those of `like` behind them; what follows
    takes no notice of these yet, so that its answers are the same."""
    own, first = like.state_dict(), len(state["errors.free"])
    found = dict(state)
    found["errors.free"] = torch.cat([state["errors.free"], own["errors.free"][first:]])
    for name in ("weight", "bias", "running_mean", "running_var"):
        found[f"layers.0.{name}"] = own[f"layers.0.{name}"].clone()
        found[f"layers.0.{name}"][: len(state[f"layers.0.{name}"])] = state[f"layers.0.{name}"]
    weight = state["layers.1.weight"]
    found["layers.1.weight"] = torch.zeros_like(own["layers.1.weight"])
    found["layers.1.weight"][:, : weight.shape[1]] = weight
    return found


@dataclass(frozen=True)
class ConstrainedDetector(Detector):
    """The log odds of a characteristic by Model II; of a patch larger than 64 x 64 their mean over
    windows that are 32 pixels apart."""

    task: str

    def score(self, batch: Batch) -> Scores:
        seen = gray(batch)
        network = self.network("six", constrained_network, batch.device)
        assert isinstance(network, ConstrainedNetwork)

        def look() -> Tensor:
            cut = windows(seen, SIDE, STRIDE)
            parts = cut.flatten(0, 1).split(_TOGETHER)
            logits = torch.cat([network.both(part) for part in parts])
            return logits.view(*cut.shape[:2], -1).mean(1)

        logits = batch.once(("radonfft", network), look)  # all six at once
        return blank(logits[:, TASKS.index(self.task)], flat(seen))


@dataclass(frozen=True)
class ConstrainedRecipe(NetworkRecipe):
    """Model II, of patches that are never seen twice."""

    fft: bool = option(True, "the FFT inside of the network, or none")
    kernels: int = option(6, "of the constrained convolution: 3 are drawn, 3 differences")

    part: ClassVar[str] = "six"
    phases: ClassVar[tuple[Phase, ...]] = (Phase(1.0, SIDE, 128, 1e-3),)
    validation_crop: ClassVar[int] = SIDE
    validation_crops: ClassVar[int] = 1600
    validations: ClassVar[int] = 3
    averaging: ClassVar[float] = 0.99
    decay: ClassVar[float] = 1e-2
    limits: ClassVar[tuple[str, ...]] = (
        "patches of 64 x 64 that end as a JPEG of 60..100, on its grid, after one affine warp "
        "without antialiasing",
        "labels are the drawn parameters, which other parameters can imitate",
    )

    def __post_init__(self) -> None:
        if self.kernels not in (_DRAWN, 2 * _DRAWN):
            raise ForensicsError(f"kernels is {_DRAWN} or {2 * _DRAWN}, not {self.kernels}")

    @property
    def trace(self) -> Trace:
        return mixture()

    def draws(self) -> dict[str, list[int]]:
        return {}  # the trace draws everything

    def network(self) -> nn.Module:
        network = ConstrainedNetwork(torch.tensor(int(self.fft)), self.kernels)
        if self.kernels > _DRAWN:
            network.errors.free.data[_DRAWN:] = differences()
        return network

    def begun(self) -> nn.Module:
        if not self.start:
            return self.network()
        network, begin = self.network(), Start.of(self.start, self.part)
        assert isinstance(network, ConstrainedNetwork)
        if len(begin.state["errors.free"]) < self.kernels:
            begin = replace(begin, state=grown(begin.state, network))
        return begin.load(network)

    def loss(
        self, network: nn.Module, example: Example, progress: Progress
    ) -> tuple[Tensor, dict[str, float]]:
        seen, truth = gray(example.sides["altered"]), labels(example.values)
        # A half turn changes no characteristic, a mirror swaps two.
        seen = seen.flip(1, 2) if progress.step % 4 > 1 else seen
        if progress.step % 2:
            seen, truth = seen.flip(2), mirrored_labels(truth)
        return weighted(network(seen), truth), {}

    def validate(self, network: nn.Module, examples: Iterable[Example]) -> dict[str, float]:
        assert isinstance(network, ConstrainedNetwork)
        rows = [(network.both(gray(e.sides["altered"])), labels(e.values)) for e in examples]
        return figures(*(torch.cat(column) for column in zip(*rows, strict=True)))
