"""How `q1phase` is trained: all second qualities at once, any first table, and none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from forensics import random
from forensics.jpeg import ZIGZAG
from forensics.models.interfaces import option
from forensics.traces.draws import Draws
from forensics.training.augmentation import Augmentation, Burnout, Contrast, Exposure, Orientation
from forensics.training.recipe import Example, NetworkRecipe, Phase, Progress
from forensics.training.schedules import warm_cosine
from forensics_q1cnn import tables
from forensics_q1cnn.phase.features import Features, Luma, features
from forensics_q1cnn.phase.network import QUALITIES, PhaseNetwork, libjpeg_tables
from forensics_q1cnn.phase.posterior import AGAIN, ALIGNED, Posterior, every_phase
from forensics_q1cnn.tables import STEPS

SIDE = 64  # of a patch; a crop holds several
SMALLER = 4  # one batch in so many has smaller patches
OTHERS = 15  # phases beside the true one and the second JPEG's own
_FACTORISED = 0.06  # weight of the loss of phase and steps without a list of tables
_INVENTED = range(tables.FIRST_INVENTED, tables.FIRST_INVENTED + 51 * 200)
# Second tables: those of qualities 60 to 98, 80 and 90 more often, and invented ones like them.
SECOND = [*range(60, 99)] * 100 + [90] * 1000 + [80] * 600
SECOND += [number for number in _INVENTED[::4] if 10 <= number % 51 <= 48]


def shifts() -> list[tuple[int, int]]:
    """The crops between both JPEGs, and `AGAIN` times none."""
    return [(r, c) for r in range(8) for c in range(8)] + [(0, 0)] * AGAIN


@dataclass(frozen=True, eq=False)
class Patches:
    """The patches of crops, with their truth: features on phase 0 and on P others, the true one
    first where it is not 0; place: of the true phase among them, 0 or 1; first: int64 `[N, 64]`,
    the first table, zig-zag order; single: bool `[N]`, no first JPEG."""

    own: Features
    others: Features
    place: Tensor
    first: Tensor
    single: Tensor


def patches(example: Example, step: int) -> Patches:
    """Cuts the crops into patches and draws the phases that they are looked at on."""
    batch = example.sides["altered"]
    assert batch.jpeg is not None
    per_side = batch.size[0] // SIDE
    whole = Luma.of(batch.jpeg)
    size = patch_size(step)
    corners = [(SIDE * y, SIDE * x) for y in range(per_side) for x in range(per_side)]
    seen = Luma.cat([whole.cut(*corner, *size) for corner in corners])
    many = per_side**2
    numbers = example.values["t"].repeat(many)
    row, column = (((8 - example.values[name]) % 8).repeat(many) for name in ("r", "c"))
    phase = torch.where(numbers == tables.NONE, 0, 8 * row + column).to(batch.device)
    others = _others(phase, step)
    made = [features(seen, phases) for phases in (torch.zeros_like(phase)[:, None], others)]
    first = tables.tables(numbers, 1)[:, 0].flatten(1)[:, ZIGZAG].long().to(batch.device)
    single = (numbers == tables.NONE).to(batch.device)
    return Patches(made[0], made[1], (phase != 0).long(), first, single)


def patch_size(step: int) -> tuple[int, int]:
    """Height and width of the patches of a step: mostly whole, else what windows of a larger
    image may have."""
    drawn = random.integers(torch.tensor([step]), "size", 1 << 20, (3,))[0]
    if int(drawn[0]) % SMALLER:
        return SIDE, SIDE
    height, width = (SIDE // 2 + 8 * (int(one) % 5) for one in drawn[1:])
    return height, width


def _others(phase: Tensor, step: int) -> Tensor:
    """int64 `[N, OTHERS + 1]`: different phases from 1..63, the true one first if it is not 0."""
    keys = torch.arange(len(phase), device=phase.device) + step * len(phase)
    drawn = random.bits(keys, "phases", (63,)).argsort(1) + 1
    true_last = (drawn == phase[:, None]).long().argsort(dim=1, stable=True)
    drawn = drawn.gather(1, true_last)[:, : OTHERS + 1]
    drawn[:, 0] = torch.where(phase > 0, phase, drawn[:, 0])
    return drawn


@dataclass(frozen=True)
class PhaseRecipe(NetworkRecipe):
    """Minus the log-posterior of the true phase and table among 16 phases and a list of tables:
    libjpeg's, and one a crop that is either the true one or an invented one to be told from it."""

    hidden: int = option(64, "units a frequency")
    rate: float = option(2e-3, "learning rate at the start")

    trace: ClassVar[str] = "q1-tables"
    color: ClassVar[bool] = True
    gray_every: ClassVar[int] = 4
    part: ClassVar[str] = "phase"
    validations: ClassVar[int] = 12
    validation_crop: ClassVar[int] = SIDE
    validation_crops: ClassVar[int] = 768
    averaging: ClassVar[float] = 0.998
    # Skies are rare among photographs that are published, and burnt-out ones more so. Without more
    # of them a network is sure of coarse steps where all that it sees is zeros.
    augmentations: ClassVar[tuple[Augmentation, ...]] = (
        Orientation(),
        Contrast(0.02, share=0.2),
        Burnout(0.02, share=0.15),
        Exposure(4, share=0.25),
    )
    limits: ClassVar[tuple[str, ...]] = (
        "First steps above those of quality 50 have no class.",
        "Trained on photographs that are mostly reduced; flat patches say less.",
    )

    @property
    def phases(self) -> tuple[Phase, ...]:
        return (Phase(1.0, 2 * SIDE, 16, self.rate),)

    def draws(self) -> Draws:
        first = [*QUALITIES] * 160 + [tables.NONE] * 800 + [*_INVENTED[::8]]
        first += [*tables.numbers_from(tables.FIRST_CAMERA)] * 12
        return {"t": first, "u": SECOND, ("r", "c"): shifts()}

    def network(self) -> nn.Module:
        return PhaseNetwork(self.hidden)

    def schedule(self, progress: Progress) -> float:
        return warm_cosine(progress.within, warm_up=0.01)

    def loss(
        self, network: nn.Module, example: Example, progress: Progress
    ) -> tuple[Tensor, dict[str, float]]:
        assert isinstance(network, PhaseNetwork)
        seen = patches(example, progress.step)
        crops = len(example.values["t"])
        beside = _beside(seen.first[:crops], progress.step)
        listed = torch.cat([libjpeg_tables().to(beside.device), beside])
        with torch.autocast(seen.first.device.type, torch.bfloat16):
            hidden = network.hidden(seen.own, seen.others)
            scores = network.scores(hidden, network.index(listed)).float()
            single = network.single(hidden).float()
        scores = scores + _standing_for(seen.place, scores.shape[1])[..., None]
        listed_loss = _listed_loss(scores, single, seen, listed)
        # Of phase 0 and the first of the others, among which the true one is.
        steps = network.steps((hidden[0].float(), hidden[1][:, :, :1].float()))
        steps = steps[torch.arange(len(steps)), seen.place]
        factorised = _factorised_loss(scores, steps, seen, network.index(seen.first))
        parts = {"listed": listed_loss.item(), "factorised": factorised.item()}
        return listed_loss + _FACTORISED * factorised, parts

    def validate(self, network: nn.Module, examples: Iterable[Example]) -> dict[str, float]:
        """The accuracy of the 15 steps where the first table is libjpeg's, and the accuracy of the
        phase there."""
        assert isinstance(network, PhaseNetwork)
        right, phases = [], []
        for example in examples:
            t, r, c = (example.values[name].cpu() for name in ("t", "r", "c"))
            found = _judged(network, example)
            listed = (t >= QUALITIES[0]) & (t <= QUALITIES[-1])
            true = tables.tables(t, 1)[:, 0].flatten(1)[:, ZIGZAG[:STEPS]]
            right.append((found.estimates("argmax").cpu() == true)[listed].float().mean(1))
            row, column = (8 - r) % 8, (8 - c) % 8
            phases.append((found.phases().argmax(1).cpu() == 8 * row + column)[listed].float())
        figures = {"accuracy": right, "phase": phases}
        means = {name: float(torch.cat(those).float().mean()) for name, those in figures.items()}
        return {"objective": means["accuracy"], **means}


def _judged(network: PhaseNetwork, example: Example) -> Posterior:
    """The posterior of each crop."""
    batch = example.sides["altered"]
    assert batch.jpeg is not None
    listed = libjpeg_tables().to(batch.device)
    scores = every_phase(network, Luma.of(batch.jpeg), network.index(listed))
    return Posterior.of(scores, listed, ALIGNED)


def _beside(first: Tensor, step: int) -> Tensor:
    """One more table a crop, int64 `[crops, 64]`: the true one where it is not libjpeg's, else
    an invented one."""
    keys = torch.arange(len(first)) + step * len(first)
    numbers = tables.FIRST_INVENTED + random.integers(keys, "decoy", 1 << 20)
    decoys = tables.tables(numbers, 1)[:, 0].flatten(1)[:, ZIGZAG].long().to(first.device)
    known = (first[:, None] == libjpeg_tables().to(first.device)).all(2).any(1)
    return torch.where(known[:, None], decoys, first)


def _standing_for(place: Tensor, count: int) -> Tensor:
    """`[N, count]`: the logarithm of how many phases each one that was drawn stands for."""
    aligned = place == 0
    drawn = torch.where(aligned, count - 1, count - 2)
    left = torch.where(aligned, 63, 62)
    weights = (left / drawn).log()[:, None].repeat(1, count)
    weights[:, 0] = 0
    weights[~aligned, 1] = 0
    return weights


def _listed_loss(scores: Tensor, single: Tensor, seen: Patches, listed: Tensor) -> Tensor:
    n = len(single)
    true = torch.zeros_like(scores, dtype=torch.bool)
    same = (listed == seen.first[:, None]).all(2)
    true[torch.arange(n), seen.place] = same & ~seen.single[:, None]
    every = torch.cat([scores.flatten(1), single[:, None]], 1)
    right = torch.cat([true.flatten(1), seen.single[:, None]], 1)
    log_true = every.masked_fill(~right, -torch.inf).logsumexp(1)
    return (every.logsumexp(1) - log_true).mean()


def _factorised_loss(scores: Tensor, steps: Tensor, seen: Patches, index: Tensor) -> Tensor:
    of_phase = scores.logsumexp(2)
    phase = of_phase.logsumexp(1) - of_phase.gather(1, seen.place[:, None])[:, 0]
    log_steps = steps.log_softmax(2).gather(2, index[:, :STEPS, None])[..., 0]
    return ((phase - log_steps.sum(1)) * ~seen.single).mean()
