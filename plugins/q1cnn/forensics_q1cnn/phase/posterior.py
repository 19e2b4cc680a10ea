"""From scores of phases and tables to probabilities, and from these to an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from forensics import device
from forensics.errors import ForensicsError
from forensics.models.interfaces import Belief, Estimate
from forensics_q1cnn.phase.features import Luma, features
from forensics_q1cnn.phase.network import PhaseNetwork
from forensics_q1cnn.tables import NAMES, STEPS

Decode = Literal["argmax", "expectation", "table"]
DECODES: tuple[Decode, ...] = get_args(Decode)


def check_decode(model: str, decode: str) -> None:
    """Raises ForensicsError for what is no `Decode`."""
    if decode not in DECODES:
        raise ForensicsError(f"{model} decodes by argmax, expectation or table, not {decode}")


def check_aligned(model: str, aligned: float) -> None:
    """Raises ForensicsError for what is no probability."""
    if not 0 <= aligned <= 1:
        raise ForensicsError(
            f"{model} takes for aligned a probability from 0 to 1, not {aligned:g}"
        )


# How often both JPEGs have one grid in training: so often beside once in 64 crops.
AGAIN = 21
_TRAINED = (1 + AGAIN) / (64 + AGAIN)
# How probable that is beforehand, where nobody says. Most files that are saved again were not
# cropped, so more than where all shifts are alike; so much costs nothing where they are: on `val`,
# in the mean of second qualities 65 to 95, .682 of the steps at any shift with 1 in 64 and with .1,
# .670 with .5; where the grids agree .664, .712 and .748.
ALIGNED = 0.1
ALIKE = 1 / 64
# Patches on 64 phases: what stays in a processor's caches, and what keeps a GPU at work.
_TOGETHER, _TOGETHER_ON_GPU = 8, 64


# Windows of one picture err alike: n of them say less than n times what one does. Chosen on `val`.
_ALIKE = 0.6


def tempered(windows: int) -> float:
    """How often the sum of what so many windows of one picture say counts."""
    return float(windows**-_ALIKE)


@dataclass(frozen=True, eq=False)
class Scores:
    """What the network says of N images, float32; of several windows of one, the sums.

    tables: `[N, 64, T]`, of phases and listed tables, as if all phases were equally frequent;
    steps: `[N, 64, 15, most]`, of phases and single steps, counted from 1, -inf where there is
    none; single: `[N]`, of no first JPEG.
    """

    tables: Tensor
    steps: Tensor
    single: Tensor

    def __add__(self, other: Scores) -> Scores:
        return Scores(
            self.tables + other.tables, self.steps + other.steps, self.single + other.single
        )


@dataclass(frozen=True, eq=False)
class Posterior:
    """double: float32 `[N, 64, T]`, of phase and table, given that there was a first JPEG with one
    of the tables; they sum to 1. tables: int64 `[T, 64]`, zig-zag order."""

    double: Tensor
    tables: Tensor

    @classmethod
    def of(cls, scores: Scores, tables: Tensor, aligned: float, windows: int = 1) -> Posterior:
        """aligned: how probable it is beforehand that both JPEGs have one grid, the 63 other shifts
        being alike; windows: of how many the scores are sums."""
        told = tempered(windows) * scores.tables
        return cls.of_logs(told + phases_beforehand(aligned, tables.device), tables)

    @classmethod
    def of_logs(cls, logs: Tensor, tables: Tensor) -> Posterior:
        """From `Scores.tables`, -inf where a phase is ruled out."""
        return cls(logs.flatten(1).softmax(1).view_as(logs), tables)

    def phases(self) -> Tensor:
        """float32 `[N, 64]`: 8 row + column of where the first grid begins in the image."""
        return self.double.sum(2)

    def steps(self, index: int) -> Tensor:
        """float32 `[N, cap + 1]`: of every step at a place in zig-zag order, counted from 0."""
        column = self.tables[:, index]
        of_tables = self.double.sum(1)
        found = of_tables.new_zeros(len(of_tables), int(column.max()) + 1)
        return found.index_add(1, column, of_tables)

    def estimate(self, decode: Decode) -> Estimate:
        """The 15 steps and the crop (r, c) with the probabilities of each."""
        phases = self.phases()
        shift = crop(phases.argmax(1)).float()
        crops = phases.unflatten(1, (8, 8))[:, _CROP][:, :, _CROP]
        # No step is 0.
        shares = {name: self.steps(i)[:, 1:] for i, name in enumerate(NAMES)}
        beliefs = {name: Belief(_counted(1, one), one) for name, one in shares.items()}
        shares = {"r": crops.sum(2), "c": crops.sum(1)}
        beliefs |= {name: Belief(_counted(0, one), one) for name, one in shares.items()}
        values = torch.cat([self.estimates(decode), shift], 1)
        return Estimate(tuple(beliefs), values, beliefs)

    def estimates(self, decode: Decode) -> Tensor:
        """float32 `[N, 15]`: the most probable step of each frequency, its expectation, or the
        steps of the most probable table."""
        if decode == "table":
            return self.tables[self.double.sum(1).argmax(1), :STEPS].float()
        every = [self.steps(i) for i in range(STEPS)]
        if decode == "argmax":
            return torch.stack([p.argmax(1) for p in every], 1).float()
        values = [torch.arange(p.shape[1], dtype=p.dtype, device=p.device) for p in every]
        return torch.stack([p @ v for p, v in zip(every, values, strict=True)], 1)


def _counted(first: int, shares: Tensor) -> Tensor:
    """The values that the columns stand for, from the first on, float32."""
    return torch.arange(first, first + shares.shape[1], device=shares.device).float()


# The crop by which a grid comes to begin at 0..7, and the other way round.
_CROP = torch.tensor([0, 7, 6, 5, 4, 3, 2, 1])


def crop(phase: Tensor) -> Tensor:
    """The crop (r, c) by which the first grid comes to begin at a phase: int64 `[...]` ->
    `[..., 2]`."""
    there = _CROP.to(phase.device)
    return torch.stack([there[phase // 8], there[phase % 8]], -1)


def phases_beforehand(aligned: float, on: torch.device) -> Tensor:
    """float32 `[64, 1]`: log-probabilities of phases where the second JPEG's own grid has so
    much."""
    found = torch.full((64, 1), (1 - aligned) / 63, device=on)
    found[0] = aligned
    return found.log()


def towards_alike(on: torch.device) -> Tensor:
    """What takes from a patch's scores how often the two grids agree in training, `[64, 1]`: all
    phases are equally frequent, as where any crop may lie between both JPEGs. Scores of several
    patches add up only then."""
    return phases_beforehand(ALIKE, on) - phases_beforehand(_TRAINED, on)


def every_phase(network: PhaseNetwork, seen: Luma, index: Tensor) -> Scores:
    """The network's scores of patches. index: `[T, 64]`, of `PhaseNetwork.index`."""
    on = index.device
    phases, alike = torch.arange(64, device=on)[None], towards_alike(on)

    def work(images: slice) -> tuple[Tensor, Tensor, Tensor]:
        part = seen[images]
        every = phases.expand(len(part), 64)
        hidden = network.hidden(features(part, every[:, :1]), features(part, every[:, 1:]))
        tables = network.scores(hidden, index) + alike
        return tables, network.steps(hidden), network.single(hidden)

    together = _TOGETHER if on.type == "cpu" else _TOGETHER_ON_GPU
    found = device.side_by_side(work, len(seen), together, on)
    return Scores(*(torch.cat(those) for those in zip(*found, strict=True)))
