"""What models are shown of a state: patches of tiles, or of whole files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import torch
from torch import Tensor

from forensics import random
from forensics.batch import Batch
from forensics.bench.positions import Position
from forensics.traces import crop


class View(Protocol):
    """From a state (all tiles of a group, or one file) to the patches at `positions`."""

    @property
    def positions(self) -> Sequence[Position]:
        """(y, x) of every patch."""

    def cut(self, state: Batch) -> Batch:
        """The patches as a model sees them."""

    def pixels(self, state: Batch) -> Tensor:
        """The same as bare pixels, uint8 `[N, C, H, W]`."""

    def mask(self, state: Batch) -> Tensor:
        """The spliced pixels of the patches, bool `[N, H, W]`, for metrics."""

    def batch(self, size: int) -> int:
        """How many patches a model gets at once, where `size` is that of tiles."""


@dataclass(frozen=True)
class TileView:
    """The patches in the middle of tiles, by `traces.crop`."""

    positions: Sequence[Position]
    patch: int
    input: Literal["pixels", "jpeg"]

    def cut(self, state: Batch) -> Batch:
        return crop.cut(state, _margin(state), self.patch, self.input)

    def pixels(self, state: Batch) -> Tensor:
        first = _margin(state)
        end = first + self.patch
        return state.pixels[:, :, first:end, first:end]

    def mask(self, state: Batch) -> Tensor:
        return crop.mask(state, _margin(state), self.patch)

    def batch(self, size: int) -> int:
        return size


def _margin(state: Batch) -> int:
    """How many pixels a state has around its patches."""
    return 0 if state.window is None else state.window[0]


@dataclass(frozen=True)
class FileView:
    """Patches of `patch` pixels of a state that is one file, or (0) the whole file. Models get the
    file as it is, a JPEG or pixels: nothing is simulated."""

    positions: Sequence[Position]
    patch: int
    seed: int

    def cut(self, state: Batch) -> Batch:
        if not self.patch:
            return replace(state, mask=None)
        side, name = self.patch, state.photographs[0]
        keys = [random.key(self.seed, name, y, x) for y, x in self.positions]
        parts = [state.cut(y, x, side, side) for y, x in self.positions]
        return replace(
            Batch.cat(parts),
            keys=torch.tensor(keys, device=state.device),
            positions=torch.tensor(self.positions, device=state.device),
            mask=None,
        )

    def pixels(self, state: Batch) -> Tensor:
        return self.cut(state).pixels

    def mask(self, state: Batch) -> Tensor:
        if state.mask is None:
            sides = (self.patch, self.patch) if self.patch else state.size
            return torch.zeros(len(self.positions), *sides, dtype=torch.bool, device=state.device)
        if not self.patch:
            return state.mask
        side = self.patch
        return torch.cat([state.mask[:, y : y + side, x : x + side] for y, x in self.positions])

    def batch(self, size: int) -> int:
        return size if self.patch else 1
