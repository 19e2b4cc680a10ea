"""What the statistical methods look at: the first 15 luma frequencies on any grid, in parts that
bound the memory."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from forensics.jpeg import ZIGZAG
from forensics.jpeg.coefficients import Jpeg
from forensics.nn import phase_dct
from forensics_q1cnn.phase.features import Luma
from forensics_q1cnn.phase.noise import deviation, second_rounding
from forensics_q1cnn.tables import CAPS, STEPS

PLACES = ZIGZAG[:STEPS]  # in natural order
MOST = max(CAPS)
_SAMPLES = 1 << 20  # pixels at a time


def parts(jpeg: Jpeg) -> Iterator[Luma]:
    """The luma of a few images at a time."""
    seen = Luma.of(jpeg)
    count = max(1, _SAMPLES // seen.planes[0].numel())
    for start in range(0, len(seen), count):
        yield seen[start : start + count]


def levels(seen: Luma) -> Tensor:
    """int64 `[N, 15, blocks]`: what the file holds, before dequantisation."""
    return seen.levels[:, :, PLACES].long().transpose(1, 2).contiguous()


def second_steps(seen: Luma) -> Tensor:
    """int64 `[N, 15]`."""
    return seen.steps[:, PLACES].long()


def coefficients(planes: Tensor, phase: int) -> Tensor:
    """float32 `[N, 15, blocks]`: DCT coefficients of all whole blocks of the grid that begins at
    row `phase // 8` and column `phase % 8`. planes: of `Luma`."""
    blocks = phase_dct(planes, phase // 8, phase % 8).flatten(3).flatten(1, 2)
    return blocks[:, :, PLACES].transpose(1, 2).contiguous()


def spread(seen: Luma) -> Tensor:
    """float32 `[N, 64, 15]`: the s.d. of coefficients around the first lattice on each phase."""
    phases = torch.arange(64, device=seen.planes.device).expand(len(seen), 64)
    variance = second_rounding(seen.levels, seen.steps)
    return deviation(variance, phases, seen.rounding)[:, :, PLACES]


def candidates(device: torch.device) -> tuple[Tensor, Tensor]:
    """The first steps that may have been: float32 `[MOST]`, from 1 on, and which of them each
    frequency knows, bool `[15, MOST]`."""
    steps = torch.arange(1, MOST + 1, device=device)
    return steps.float(), steps <= torch.tensor(CAPS, device=device)[:, None]


def crops(phases: Tensor) -> Tensor:
    """float32 `[N, 2]`: the (r, c) by which a crop makes a grid begin at these phases, `[N]`."""
    return torch.stack([(8 - phases // 8) % 8, (8 - phases % 8) % 8], 1).float()
