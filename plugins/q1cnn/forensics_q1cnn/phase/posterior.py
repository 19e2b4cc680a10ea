"""From scores of phases and tables to probabilities, and from these to an answer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from forensics_q1cnn.phase.features import Luma, features
from forensics_q1cnn.phase.network import STEPS, PhaseNetwork

Decode = Literal["argmax", "expectation", "table"]
DECODES: tuple[Decode, ...] = get_args(Decode)

# How often, beside the one crop in 64, both JPEGs have one grid in training.
ALIGNED = 0.25
_TRAINED = ALIGNED + (1 - ALIGNED) / 64
# How often they have one grid in the world: that of any crop.
_PRIOR = 1 / 64
# Patches on 64 phases: what stays in a processor's caches, and what keeps a GPU at work.
_TOGETHER, _TOGETHER_ON_GPU = 8, 64


@dataclass(frozen=True, eq=False)
class Scores:
    """What the network says of N images, float32; of several windows of one, the sums.

    tables: `[N, 64, T]`, of phases and listed tables; steps: `[N, 64, 15, most]`, of phases and
    single steps, counted from 1, -inf where there is none; single: `[N]`, of no first JPEG.
    """

    tables: Tensor
    steps: Tensor
    single: Tensor

    def __add__(self, other: Scores) -> Scores:
        return Scores(
            self.tables + other.tables, self.steps + other.steps, self.single + other.single
        )

    def logs(self) -> Tensor:
        """`[N, 64, T]`: the scores of tables where the two grids agree as often as those of any
        crop."""
        return self.tables + towards_the_prior(self.tables.device)


@dataclass(frozen=True, eq=False)
class Posterior:
    """double: float32 `[N, 64, T]`, of phase and table, given that there was a first JPEG with one
    of the tables; they sum to 1. tables: int64 `[T, 64]`, zig-zag order."""

    double: Tensor
    tables: Tensor

    @classmethod
    def of(cls, scores: Scores, tables: Tensor) -> Posterior:
        return cls.of_logs(scores.logs(), tables)

    @classmethod
    def of_logs(cls, logs: Tensor, tables: Tensor) -> Posterior:
        """From `Scores.logs`, -inf where a phase is ruled out."""
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


def crop(phase: Tensor) -> Tensor:
    """The crop (r, c) by which the first grid comes to begin at a phase: int64 `[...]` ->
    `[..., 2]`."""
    return torch.stack([(8 - phase // 8) % 8, (8 - phase % 8) % 8], -1)


def towards_the_prior(device: torch.device) -> Tensor:
    """What turns the odds of the aligned phase in training into those of any crop, `[64, 1]`."""
    change = torch.full((64, 1), math.log((1 - _PRIOR) / (1 - _TRAINED)), device=device)
    change[0] = math.log(_PRIOR / _TRAINED)
    return change


def every_phase(network: PhaseNetwork, seen: Luma, index: Tensor) -> Scores:
    """The network's scores of patches. index: `[T, 64]`, of `PhaseNetwork.index`."""
    found = []
    together = _TOGETHER if index.device.type == "cpu" else _TOGETHER_ON_GPU
    for start in range(0, len(seen), together):
        part = seen[start : start + together]
        phases = torch.arange(64, device=index.device).expand(len(part), 64)
        hidden = network.hidden(features(part, phases[:, :1]), features(part, phases[:, 1:]))
        found.append((network.scores(hidden, index), network.steps(hidden), network.single(hidden)))
    return Scores(*(torch.cat(those) for those in zip(*found, strict=True)))
