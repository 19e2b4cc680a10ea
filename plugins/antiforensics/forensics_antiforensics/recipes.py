"""How the three attackers are trained."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from forensics import random
from forensics.errors import ForensicsError
from forensics.models.interfaces import option
from forensics.traces.draws import Draws
from forensics.training import Example, NetworkRecipe, Phase, Progress, Start, warm_cosine
from forensics_antiforensics import judging
from forensics_antiforensics.losses import matched, paper
from forensics_antiforensics.networks import AFCNN, Matched, Restorer
from forensics_antiforensics.networks.residual import mixed
from forensics_antiforensics.pair import Pair

QUALITIES = (50, 60, 70, 80, 90)
_MIXED = "bfloat16 in the residual blocks: faster where the processor has it"


def _part(quality: int) -> str:
    if quality not in QUALITIES:
        raise ForensicsError(f"there is no part for quality {quality}; take 50, 60, 70, 80 or 90")
    return f"q{quality}"


@dataclass(frozen=True)
class DitherRecipe(NetworkRecipe):
    """The control's restorer: mean squared error, a quality of 40..95 drawn for each crop."""

    autocast: bool = option(False, _MIXED)

    trace: ClassVar[str] = "jpeg"
    phases: ClassVar[tuple[Phase, ...]] = (Phase(1.0, 96, 16, 1.5e-3),)
    validations: ClassVar[int] = 10
    part: ClassVar[str] = "restorer"

    def draws(self) -> Draws:
        return {"q": range(40, 96)}

    def network(self) -> nn.Module:
        return mixed(Restorer()) if self.autocast else Restorer()

    def schedule(self, progress: Progress) -> float:
        return warm_cosine(progress.within, least=0.02, warm_up=0.03)

    def loss(
        self, network: nn.Module, example: Example, progress: Progress
    ) -> tuple[Tensor, dict[str, float]]:
        pair = Pair.of(example)
        left = (network(pair.luma, pair.steps) - pair.target).square().mean((1, 2))
        before = (pair.luma - pair.target).square().mean((1, 2))
        # Coarse qualities rule the first sum; the second counts each crop's share of its own error.
        loss = (left / before.mean()).mean() + (left / before.clamp(min=0.1)).mean()
        return loss, {"mse": left.mean().item()}

    def validate(self, network: nn.Module, examples: Iterable[Example]) -> dict[str, float]:
        pairs = [Pair.of(example) for example in examples]
        gains = [judging.gain(network(pair.luma, pair.steps), pair) for pair in pairs]
        gain = torch.cat(gains).mean().item()
        return {"objective": gain, "gain": gain}


@dataclass(frozen=True)
class AFCNNRecipe(NetworkRecipe):
    """The paper's losses, after a phase of the reconstruction loss alone.

    Adam as in the paper, at a higher rate that falls along a cosine, for far fewer steps; alpha
    moves ten times as fast as the rest.
    """

    quality: int = option(60, "the JPEG quality of the part: 50, 60, 70, 80 or 90")
    autocast: bool = option(False, _MIXED)

    trace: ClassVar[str] = "jpeg"
    phases: ClassVar[tuple[Phase, ...]] = (Phase(0.2, 64, 16, 5e-4), Phase(0.8, 160, 3, 4e-4))
    validations: ClassVar[int] = 4
    validation_crop: ClassVar[int] = 256
    validation_crops: ClassVar[int] = 44

    @property
    def part(self) -> str:
        return _part(self.quality)

    def draws(self) -> Draws:
        return {"q": [self.quality]}

    def network(self) -> nn.Module:
        return mixed(AFCNN()) if self.autocast else AFCNN()

    def optimiser(self, network: nn.Module, rate: float) -> torch.optim.Optimizer:
        assert isinstance(network, AFCNN)
        groups = [
            {"params": network.trunk.parameters(), "lr": rate},
            {"params": [network.alpha], "lr": 10 * rate},
        ]
        return torch.optim.Adam(groups)

    def schedule(self, progress: Progress) -> float:
        return warm_cosine(progress.within, least=0.02, warm_up=0.03)

    def loss(
        self, network: nn.Module, example: Example, progress: Progress
    ) -> tuple[Tensor, dict[str, float]]:
        assert isinstance(network, AFCNN)
        pair = Pair.of(example)
        restored, final = network.both(pair.luma, pair.steps)
        if progress.phase == 0:
            loss = ((restored - pair.target) / 255).square().mean()
            return loss, {"reconstruction": loss.item()}
        terms = paper.losses(restored, final, pair.luma, pair.target)
        return terms.total, {
            "reconstruction": terms.reconstruction.item(),
            "histogram": terms.histogram.item(),
            "deblocking": terms.deblocking.item(),
            "alpha": network.alpha.item(),
        }

    def validate(self, network: nn.Module, examples: Iterable[Example]) -> dict[str, float]:
        figures = judging.figures(lambda pair: network(pair.luma, pair.steps), examples)
        # No detector may be left that finds the attack as surely as the JPEG.
        figures["objective"] += min(figures[name] for name in judging.DETECTORS)
        return figures


@dataclass(frozen=True)
class MatchedRecipe(NetworkRecipe):
    """The matched losses, from the control's restorer or from other parts."""

    quality: int = option(60, "the JPEG quality of the part: 50, 60, 70, 80 or 90")
    weight: float = option(3.0, "of the statistics against the MSE")
    rate: float = option(8e-4, "learning rate")
    autocast: bool = option(False, _MIXED)

    trace: ClassVar[str] = "jpeg"
    validations: ClassVar[int] = 5
    validation_crop: ClassVar[int] = 256
    validation_crops: ClassVar[int] = 66

    @property
    def phases(self) -> tuple[Phase, ...]:
        return (Phase(1.0, 160, 12, self.rate),)

    @property
    def part(self) -> str:
        return _part(self.quality)

    def draws(self) -> Draws:
        return {"q": [self.quality]}

    def network(self) -> nn.Module:
        network = Matched()
        if not self.start:
            network.start_from(Start.of("ddcn-dither").state)
        return mixed(network) if self.autocast else network

    def schedule(self, progress: Progress) -> float:
        return warm_cosine(progress.within, least=0.02, warm_up=0.03)

    def loss(
        self, network: nn.Module, example: Example, progress: Progress
    ) -> tuple[Tensor, dict[str, float]]:
        pair = Pair.of(example)
        output = _attacked(network, pair)
        terms = matched.losses(output, pair.luma, pair.target, pair.steps[0], self.quality)
        parts = {"mse": terms.mse, "coefficients": terms.coefficients, **terms.statistics}
        return terms.total(self.weight), {name: part.item() for name, part in parts.items()}

    def validate(self, network: nn.Module, examples: Iterable[Example]) -> dict[str, float]:
        return judging.figures(lambda pair: _attacked(network, pair), examples)


def _attacked(network: nn.Module, pair: Pair) -> Tensor:
    shape = (Matched.NOISE, *pair.luma.shape[1:])
    plane = network(pair.luma, pair.steps, random.normal(pair.keys, "afcnn-matched", shape))
    assert isinstance(plane, Tensor)
    return plane
