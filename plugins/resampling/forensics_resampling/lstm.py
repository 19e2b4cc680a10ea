"""The second pipeline: an LSTM over the blocks of a patch, of its p-map or of its pixels."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from forensics import progress
from forensics.plugin import (
    Batch,
    ClassifierRecipe,
    Detector,
    Draw,
    Example,
    ForensicsError,
    Heatmap,
    Localizer,
    Phase,
    Scores,
    Trace,
    option,
)
from forensics_resampling import pmaps
from forensics_resampling.detectors import STRIDE, blank
from forensics_resampling.patches import flat, gray, windows
from forensics_resampling.traces import DOWN, TURN, UP

SIDE, _BLOCK = 64, 8
_HIDDEN, _LAYERS = 256, 3
_TOGETHER = 128  # windows at once
ORDERS = ("raster", "hilbert")


def seen(gray: Tensor, pixels: bool) -> Tensor:
    """What the network is shown of an image, float32 `[N, H, W]` of gray `[N, H, W]`: its linear
    p-map, whose missing border is 1/2 (Section 3.3), or its pixels, both of about unit size."""
    if pixels:
        return (gray - 128) / 64
    return 4 * (pad(pmaps.linear(gray), (1, 1, 1, 1), value=0.5) - 0.5)


@functools.cache
def blocks(order: str) -> tuple[int, ...]:
    """The 64 blocks of a patch, numbered row by row, in the order in which they are read. Along
    Hilbert's curve every block is a neighbour of the one before."""
    side = SIDE // _BLOCK
    if order == "raster":
        return tuple(range(side * side))
    return tuple(_hilbert(step, side) for step in range(side * side))


def _hilbert(step: int, side: int) -> int:
    """The block at a step of the curve (H. S. Warren, Hacker's Delight, Section 16-1)."""
    x = y = 0
    size = 1
    while size < side:
        right, up = step // 2 % 2, (step ^ (step // 2)) % 2
        if up == 0:
            if right:
                x, y = size - 1 - x, size - 1 - y
            x, y = y, x
        x, y, step = x + size * right, y + size * up, step // 4
        size *= 2
    return side * y + x


class BlockLSTM(nn.Module):
    """Logits `[N, 2]` of `seen` patches `[N, 64, 64]`: 64 blocks of 8 x 8 values, each less the
    patch's mean, three layers of 256. order: of the blocks, int64 `[64]`; pixels: int64 `[]`."""

    def __init__(self, order: Tensor, pixels: Tensor) -> None:
        super().__init__()
        self.register_buffer("order", order)
        self.register_buffer("pixels", pixels)
        self.lstm = nn.LSTM(_BLOCK * _BLOCK, _HIDDEN, _LAYERS, batch_first=True)
        self.last = nn.Linear(_HIDDEN, 2)

    order: Tensor
    pixels: Tensor

    def forward(self, patches: Tensor) -> Tensor:
        centred = patches - patches.mean((1, 2), keepdim=True)
        cut = windows(centred, _BLOCK, _BLOCK)[:, self.order].flatten(2)
        logits: Tensor = self.last(self.lstm(cut)[0][:, -1])
        return logits


def block_lstm(state: Mapping[str, Tensor]) -> BlockLSTM:
    """Of the kind of these weights."""
    return BlockLSTM(state["order"], state["pixels"])


@dataclass(frozen=True)
class LSTM(Detector, Localizer):
    """Log odds of a patch that holds pixels from elsewhere; of a larger one the highest of windows
    that are 32 pixels apart. As a localizer the log odds of windows 32 apart, over one p-map; the
    image's score is the highest."""

    order: str = option("raster", "of the blocks: raster or hilbert, each with weights of its own")

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise ForensicsError(f"order is {' or '.join(ORDERS)}, not {self.order}")

    def score(self, batch: Batch) -> Scores:
        shown = gray(batch)
        odds = self._odds(shown, batch, STRIDE)
        return blank(odds.flatten(1).amax(1), flat(shown))

    def localize(self, batch: Batch) -> Heatmap:
        shown = gray(batch)
        odds, empty = self._odds(shown, batch, _MAP_STRIDE), flat(shown)
        scores = blank(odds.flatten(1).amax(1), empty)
        odds = torch.where(empty[:, None, None], torch.nan, odds)
        return Heatmap(
            odds,
            _MAP_STRIDE,
            SIDE // 2,
            scores.values,
            scores.reasons,
            unit="log odds",
            scale=(-6.0, 6.0),
        )

    def _odds(self, shown: Tensor, batch: Batch, stride: int) -> Tensor:
        """Log odds `[N, h, w]` of all windows."""
        network = self.network(self.order, block_lstm, batch.device)
        assert isinstance(network, BlockLSTM)
        found = seen(shown, bool(network.pixels))
        rows = []
        tops = range(0, shown.shape[1] - SIDE + 1, stride)
        for done, top in enumerate(tops, 1):
            cut = windows(found[:, top : top + SIDE], SIDE, stride)
            logits = torch.cat([network(some) for some in cut.flatten(0, 1).split(_TOGETHER)])
            rows.append((logits[:, 1] - logits[:, 0]).view(cut.shape[:2]))
            progress.tell(done, len(tops))
        return torch.stack(rows, 1)


_MAP_STRIDE = 32
_MAP = "affine({f},{d},0,order={o})"


def _draw() -> Draw:
    """Enlarged, reduced or turned, a third each."""
    steps = range(24)
    scales = [(low + (high - low) * k / 23, 0.0) for low, high in (UP, DOWN) for k in steps]
    turns = [(1.0, s * (TURN[0] + (TURN[1] - TURN[0]) * k / 23)) for k in steps for s in (1, -1)]
    maps = [*scales, *turns[::2]]
    return Draw(
        ("f", "d", "o"), tuple((round(f, 4), round(d, 4), o) for f, d in maps for o in (1, 3))
    )


TRACE = Trace(
    "resampling-splices",
    (
        ("pristine", "maybe(0.5,jpeg({q2}))"),
        ("boundary", f"splice({_MAP}) maybe(0.5,jpeg({{q2}}))"),
        ("inside", f"{_MAP} maybe(0.5,jpeg({{q2}}))"),
    ),
    ((),),
    "pixels",
    (),
    (_draw(), Draw(("q2",), tuple((q,) for q in range(75, 101)))),
)


@dataclass(frozen=True)
class LSTMRecipe(ClassifierRecipe):
    """Patches with the boundary of a resampled region, patches inside of one, and others, by
    cross-entropy."""

    pixels: bool
    order: str = option("raster", "of the blocks: raster or hilbert")

    trace: ClassVar[Trace] = TRACE
    phases: ClassVar[tuple[Phase, ...]] = (Phase(1.0, SIDE, 24, 2e-3),)
    chosen_by: ClassVar[str] = "auc"
    validation_crop: ClassVar[int] = SIDE
    validation_crops: ClassVar[int] = 220
    validations: ClassVar[int] = 6
    averaging: ClassVar[float] = 0.99

    @property
    def part(self) -> str:
        return self.order

    @property
    def classes(self) -> tuple[float, ...]:
        return (0.0, 1.0)

    def draws(self) -> dict[str, list[int]]:
        return {}  # the trace draws everything

    def build(self, classes: int) -> nn.Module:
        return BlockLSTM(torch.tensor(blocks(self.order)), torch.tensor(int(self.pixels)))

    def inputs(self, batch: Batch) -> Tensor:
        return seen(gray(batch), self.pixels)

    def labels(self, example: Example, side: str) -> Tensor:
        batch = example.sides[side]
        return torch.full((len(batch),), int(side != "pristine"), device=batch.device)
