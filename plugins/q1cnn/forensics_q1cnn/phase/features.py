"""What the network sees of a patch: histograms of all 64 frequencies on the phases asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from forensics import device
from forensics.jpeg import ZIGZAG, Jpeg, block_idct
from forensics.nn import sliding_dct
from forensics_q1cnn.phase import counting
from forensics_q1cnn.phase.counting import BINS, COSINES, PERIODIC
from forensics_q1cnn.phase.noise import COLOUR, GRAY, deviation, second_rounding

CONDITIONS = 10
SCALE = 0.15  # brings counts and sums of cosines to about 1
# Smaller coefficients say little of a period: they are the zeros of every lattice. Neither a whole
# number, which coefficients of the second grid are, nor just between two halves, where some are.
TELLING = 2.75 - 2**-13
# |luma - 128| from which on colours are mostly clipped, or too dark to show much.
_EXTREME = 112


@dataclass(frozen=True, eq=False)
class Features:
    """N patches on P phases each. counts: float32 `[64, N, P, 77]`, histogram and conditions by
    frequency in zig-zag order; waves: `[6, N, P, 23]`, cosine sums of the first six."""

    counts: Tensor
    waves: Tensor


@dataclass(frozen=True, eq=False)
class Luma:
    """What is used of N JPEGs. planes: the decoded luma without rounding or clipping, less 128,
    float32 `[N, 8 by, 8 bx]`; levels: int16 `[N, blocks, 64]` and steps: int32 `[N, 64]`, natural
    order; rounding: the variance that rounding the image before to integers adds."""

    planes: Tensor
    levels: Tensor
    steps: Tensor
    rounding: float

    @classmethod
    def of(cls, jpeg: Jpeg) -> Luma:
        levels, steps = jpeg.coefficients[0], jpeg.tables[:, 0]
        planes = block_idct(levels.float() * steps[:, None, None])
        rounding = GRAY if len(jpeg.coefficients) == 1 else COLOUR
        return cls(planes, levels.flatten(1, 2).flatten(2), steps.flatten(1), rounding)

    @classmethod
    def cat(cls, parts: Sequence[Luma]) -> Luma:
        """One of several of the same size and the same kind, gray or colour."""
        planes, levels, steps = (
            torch.cat([getattr(part, name) for part in parts])
            for name in ("planes", "levels", "steps")
        )
        return cls(planes, levels, steps, parts[0].rounding)

    def joined(self) -> Luma:
        """All of these, of one file, as one image below one another."""
        planes, levels = (part.flatten(0, 1)[None] for part in (self.planes, self.levels))
        return Luma(planes, levels, self.steps[:1], self.rounding)

    def __len__(self) -> int:
        return len(self.planes)

    def __getitem__(self, part: slice) -> Luma:
        return Luma(self.planes[part], self.levels[part], self.steps[part], self.rounding)

    def cut(self, top: int, left: int, height: int, width: int) -> Luma:
        """The window with this corner and size, all of them multiples of 8."""
        down, across = (side // 8 for side in self.planes.shape[1:])
        blocks = self.levels.unflatten(1, (down, across))
        rows, columns = slice(top // 8, (top + height) // 8), slice(left // 8, (left + width) // 8)
        planes = self.planes[:, top : top + height, left : left + width]
        return Luma(planes, blocks[:, rows, columns].flatten(1, 2), self.steps, self.rounding)


def features(seen: Luma, phases: Tensor) -> Features:
    """Features of patches on these phases, int64 `[N, P]`: 8 row + column of where the first
    JPEG's grid begins in the patch."""
    planes, steps = seen.planes, seen.steps
    if device.compiled(planes):
        counts, waves, squares = _compiled(planes, phases)
    else:
        counts, waves, squares = _on_tensors(planes, phases)
    variance = second_rounding(seen.levels, steps)
    size = planes.shape[1], planes.shape[2]
    spread = deviation(variance, phases, seen.rounding)
    extremes = extreme(planes).mean((1, 2))
    condition(counts[..., BINS:], squares, spread, steps, phases, size, extremes)
    return Features(counts, waves)


def extreme(planes: Tensor) -> Tensor:
    """Which pixels are black or white, or nearly: 1 where they are, else 0, float32."""
    return (planes.abs() >= _EXTREME).float()


def condition(
    given: Tensor,
    squares: Tensor,
    spread: Tensor,
    steps: Tensor,
    phases: Tensor,
    size: tuple[int, int],
    extremes: Tensor,
) -> None:
    """Fill in what the network is told beside histograms, `[64, N, P, CONDITIONS]`.

    squares: the mean of x squared, `[64, N, P]`; spread: s.d. around the first lattice,
    `[N, P, 64]` in natural order; size: of the patches in pixels; extremes: the share of `extreme`
    pixels, `[N]`. Frequencies are counted one by one, as if they were independent: the last two
    conditions tell each of them where none knows much.
    """
    order = ZIGZAG.to(spread.device)
    spread = spread[..., order].movedim(2, 0)
    q = steps[:, order].T[..., None].float()
    down, across = phases // 8, phases % 8
    blocks = ((size[0] - down) // 8) * ((size[1] - across) // 8)
    given[..., 0] = spread.log()
    given[..., 1] = 0.3 * (squares + 0.05).log()
    given[..., 2] = q.log()
    given[..., 3] = down == 0
    given[..., 4] = across == 0
    given[..., 5] = 1 / spread
    given[..., 6] = 4 / q
    given[..., 7] = blocks / 64
    given[..., 8] = extremes[:, None]
    given[..., 9] = 0.3 * (squares[1:].mean(0) + 0.05).log()


def _compiled(planes: Tensor, phases: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    n, p = phases.shape
    counts = planes.new_empty(64, n, p, BINS + CONDITIONS)
    waves = planes.new_empty(PERIODIC, n, p, COSINES)
    squares = planes.new_empty(64, n, p)
    given = planes.contiguous().numpy(), phases.contiguous().numpy()
    order = ZIGZAG.numpy()
    scales = np.float32(SCALE), np.float32(TELLING)

    def work(part: slice) -> None:
        made = counts[:, part].numpy(), waves[:, part].numpy(), squares[:, part].numpy()
        counting.count(given[0][part], given[1][part], order, *scales, *made)

    device.parallel_for(work, n, p * 64 * 64)
    return counts, waves, squares


def _on_tensors(planes: Tensor, phases: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The same for any device, a phase at a time."""
    n, p = phases.shape
    counts = planes.new_zeros(64, n, p, BINS + CONDITIONS)
    waves = planes.new_zeros(PERIODIC, n, p, COSINES)
    squares = planes.new_zeros(64, n, p)
    # [64, N, windows down, windows across], zig-zag order
    every = sliding_dct(planes).flatten(3)[..., ZIGZAG.to(planes.device)].movedim(3, 0).abs()
    bins = torch.from_numpy(counting.BIN).long().to(planes.device)
    periods = torch.from_numpy(counting.PERIODS).to(planes.device)
    for phase in phases.unique().tolist():
        patch, place = (phases == phase).nonzero(as_tuple=True)
        x = every[:, patch, phase // 8 :: 8, phase % 8 :: 8].flatten(2)
        squares[:, patch, place] = x.square().mean(2)
        index = bins[(x * 2 + counting.ROUNDED).long().clamp(max=len(bins) - 1)]
        found = x.new_zeros(*x.shape[:2], BINS).scatter_add_(2, index, torch.ones_like(x))
        found[0] = 0  # the lattice of the DC shows in its cosines alone
        counts[:, patch, place, :BINS] = SCALE * found
        low = x[:PERIODIC]
        telling = (low > TELLING).float()
        telling[0] = 1
        cosines = torch.cos(2 * torch.pi * low[..., None] / periods) * telling[..., None]
        waves[:, patch, place] = SCALE * cosines.sum(2)
    return counts, waves, squares
