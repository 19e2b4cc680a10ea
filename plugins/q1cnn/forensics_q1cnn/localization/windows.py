"""Windows of 64 x 64 at multiples of 8 pixels on the second JPEG's grid: what `q1phase` says of
each, with the work that they have in common done once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from forensics import device
from forensics.jpeg import ZIGZAG
from forensics_q1cnn.localization import sliding
from forensics_q1cnn.phase.counting import BINS, COSINES, PERIODIC
from forensics_q1cnn.phase.features import (
    CONDITIONS,
    SCALE,
    TELLING,
    Features,
    Luma,
    condition,
    extreme,
    features,
)
from forensics_q1cnn.phase.network import PhaseNetwork
from forensics_q1cnn.phase.noise import deviation, rounding_error
from forensics_q1cnn.phase.posterior import towards_alike

SIDE = 64  # of a window, in pixels
STRIDE = 8
_BLOCKS = SIDE // STRIDE
_DOWN, _ACROSS = 8, 8  # windows of a tile: few, so that few phases occur in one
_TOGETHER = 512  # windows times phases: what stays in a processor's caches


@dataclass(frozen=True)
class Tile:
    """A rectangle of windows, counted in windows."""

    top: int
    left: int
    down: int
    across: int

    def __len__(self) -> int:
        return self.down * self.across

    @property
    def slices(self) -> tuple[slice, slice]:
        """Its place in a tensor `[rows, columns]` of all windows."""
        return slice(self.top, self.top + self.down), slice(self.left, self.left + self.across)

    def cut(self, seen: Luma) -> Luma:
        """What its windows cover of the only image."""
        more = _BLOCKS - 1
        corner, size = (self.top, self.left), (self.down + more, self.across + more)
        return seen.cut(*(STRIDE * blocks for blocks in (*corner, *size)))


def grid(seen: Luma) -> tuple[int, int]:
    """How many windows there are down and across."""
    height, width = seen.planes.shape[1:]
    return (height - SIDE) // STRIDE + 1, (width - SIDE) // STRIDE + 1


def tiles(rows: int, columns: int) -> Iterator[Tile]:
    """A grid of windows in rectangles."""
    for top in range(0, rows, _DOWN):
        for left in range(0, columns, _ACROSS):
            yield Tile(top, left, min(_DOWN, rows - top), min(_ACROSS, columns - left))


def logs(network: PhaseNetwork, part: Luma, across: int, phases: Tensor, index: Tensor) -> Tensor:
    """What `Scores.tables` are of a tile's windows, row by row, `[N, 64, T]`; -inf on the phases
    other than 0 and these, int64 `[P]`."""
    own = tile_features(part, across, phases.new_zeros(1))
    aligned = network.scores_of(own, index, aligned=True)
    found = aligned.new_full((len(aligned), 64, len(index)), -torch.inf)
    found[:, :1] = aligned
    most = max(1, _TOGETHER // len(aligned))
    for some in phases.split(most) if len(phases) else ():
        found[:, some] = network.scores_of(tile_features(part, across, some), index, aligned=False)
    return found + towards_alike(found.device)


def tile_features(part: Luma, across: int, phases: Tensor) -> Features:
    """`features` of all windows of a tile, row by row, on the same phases, int64 `[P]`."""
    if not device.compiled(part.planes):
        windows = apart(part)
        return features(windows, phases.expand(len(windows), -1))
    size = part.planes.shape[1:]
    n, p = (size[0] - 56) // 8 * across, len(phases)
    counts = part.planes.new_empty(64, n, p, BINS + CONDITIONS)
    waves = part.planes.new_empty(PERIODIC, n, p, COSINES)
    squares = part.planes.new_empty(64, n, p)
    plane, order = part.planes[0].contiguous().numpy(), ZIGZAG.numpy()

    def work(chosen: slice) -> None:
        made = (each[:, :, chosen].numpy() for each in (counts, waves, squares))
        limits = np.float32(SCALE), np.float32(TELLING)
        sliding.count(plane, across, phases[chosen].numpy(), order, *limits, *made)

    device.parallel_for(work, p, n * 64)
    zeros = _sums((part.levels.unflatten(1, (-1, size[1] // 8))[0] == 0).int())
    phases = phases.expand(n, p)
    spread = deviation(rounding_error(zeros, 64, part.steps), phases, part.rounding)
    steps = part.steps.expand(n, -1)
    extremes = _sums(avg_pool2d(extreme(part.planes), STRIDE)[0][..., None])[:, 0] / _BLOCKS**2
    condition(counts[..., BINS:], squares, spread, steps, phases, (SIDE, SIDE), extremes)
    return Features(counts, waves)


def apart(part: Luma, every: int = 1) -> Luma:
    """The windows of a tile as patches of their own, row by row, or each so many-th along both
    axes."""
    planes = part.planes[0]
    for axis in (0, 1):
        planes = planes.unfold(axis, SIDE, every * STRIDE)
    planes = planes.flatten(0, 1)
    levels = part.levels.unflatten(1, (-1, part.planes.shape[2] // 8))[0]
    blocks = levels.unfold(0, _BLOCKS, every).unfold(1, _BLOCKS, every)  # [down, across, 64, 8, 8]
    blocks = blocks.flatten(0, 1).flatten(2).transpose(1, 2)
    return Luma(planes, blocks, part.steps.expand(len(planes), -1), part.rounding)


def _sums(blocks: Tensor) -> Tensor:
    """`[rows, columns, C]` of blocks -> their sums in each window, `[N, C]`."""
    counted = blocks.unfold(0, _BLOCKS, 1).sum(-1).unfold(1, _BLOCKS, 1).sum(-1)
    return counted.flatten(0, 1)
