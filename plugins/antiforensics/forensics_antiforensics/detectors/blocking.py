"""K_F, K_U1 and K_U2: pixels across block borders against pixels elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from forensics.batch import Batch
from forensics.models.interfaces import Detector, Scores, option
from forensics_antiforensics.detectors.luma import luma, scores

_BINS = 2 * 255 + 1  # |a - b - c + d| of 8-bit values


def _crossing(planes: Tensor, corner: int) -> Tensor:
    """|a - b - c + d| of the 2 x 2 pixels from (corner, corner) of each block; int32 `[N, count]`.

    The last row and column of blocks are left out.
    """
    rows, columns = planes.shape[1] - 8, planes.shape[2] - 8
    at = [
        planes[:, corner + y : corner + y + rows : 8, corner + x : corner + x + columns : 8]
        for y in (0, 1)
        for x in (0, 1)
    ]
    return (at[0] - at[1] - at[2] + at[3]).abs().flatten(1)


def _histograms(values: Tensor) -> Tensor:
    """int64 `[N, 511]`: how often each value occurs in each row of `[N, count]`."""
    counts = torch.zeros(len(values), _BINS, dtype=torch.int64, device=values.device)
    return counts.scatter_add_(1, values.long(), torch.ones_like(values, dtype=torch.int64))


@dataclass(frozen=True)
class KF(Detector):
    """Blocking signature of Z. Fan and R. L. de Queiroz ("Identification of bitmap compression
    history: JPEG detection and quantizer estimation", IEEE Trans. Image Processing, 2003, section
    II), the paper's K_F.

    Z1 = |x(3,3) - x(3,4) - x(4,3) + x(4,4)| in the middle of each block, Z2 the same at the corner
    between four blocks (pixels 7 and 8); h1, h2 their normalised histograms in whole numbers, the
    last row and column of blocks left out: K_F = sum |h1 - h2|.

    score: batch of N patches -> float32 `[N]` in 0..2, higher = compressed. Natural images are
    above 0 by sampling noise, which grows as patches shrink.
    """

    def score(self, batch: Batch) -> Scores:
        planes = luma(batch)
        centre, corner = _crossing(planes, 3), _crossing(planes, 7)
        apart = (_histograms(centre) - _histograms(corner)).abs().sum(1)
        return scores(apart.double() / centre.shape[1], planes)


def _border_sums(planes: Tensor, power: int) -> tuple[Tensor, int]:
    """Sum of |third difference|**power across the horizontal borders, int64 `[N]`, and their
    length."""
    height, width = planes.shape[1:]
    count = (height - 2) // 8
    a, b, c, d = (planes[:, k : k + 8 * count : 8] for k in (6, 7, 8, 9))
    difference = (a - 3 * b + 3 * c - d).abs().long()
    return (difference**power).sum((1, 2)), count * width


def _blockiness(planes: Tensor, power: int) -> tuple[Tensor, int]:
    """B_p before it is divided, int64 `[N]`, and what it is divided by."""
    horizontal, rows = _border_sums(planes, power)
    vertical, columns = _border_sums(planes.transpose(1, 2), power)
    return horizontal + vertical, rows + columns


@dataclass(frozen=True)
class _GradientAwareBlockiness(Detector):
    """The signed (B - B') / B' depends less on how busy the image is than |B - B'| and separates
    better, but it is not the published feature."""

    relative: bool = option(
        False, "the signed difference divided by the shifted image's blockiness"
    )

    power: ClassVar[int]

    def score(self, batch: Batch) -> Scores:
        planes = luma(batch)
        total, length = _blockiness(planes, self.power)
        shifted_total, shifted_length = _blockiness(planes[:, 4:, 4:], self.power)
        here, shifted = total.double() / length, shifted_total.double() / shifted_length
        if not self.relative:
            return scores((here - shifted).abs(), planes)
        # 1 / length is the least B' that is not 0: blocks flat inside score high, not infinite.
        ratio = (here - shifted) / shifted.clamp(min=1 / shifted_length)
        return scores(ratio, planes, (total > 0) | (shifted_total > 0), "no gradients")


@dataclass(frozen=True)
class KU1(_GradientAwareBlockiness):
    """Gradient-aware blockiness with the norm p = 1, by C. Ullerich and A. Westfeld ("Weaknesses
    of MB2", IWDW 2007), as W. Fan et al. use it against JPEG anti-forensics (ICASSP 2013): the
    paper's K_U^1.

    B_p = mean of |x(8i-1) - 3 x(8i) + 3 x(8i+1) - x(8i+2)|**p, rows counted from 1, over the
    horizontal block borders and all columns and likewise over the vertical ones; B'_p the same of
    the image without its first 4 rows and columns: K_U^p = |B_p - B'_p|. With `relative` the
    signed (B_p - B'_p) / B'_p, which is not the published feature.

    score: batch of N patches -> float32 `[N]`, higher = compressed; in grey levels to the power
    p, from 0 (`relative`: from -1, without unit; NaN where both B are 0).
    """

    power: ClassVar[int] = 1


@dataclass(frozen=True)
class KU2(_GradientAwareBlockiness):
    """Gradient-aware blockiness with p = 2, otherwise as `KU1`: the paper's K_U^2."""

    power: ClassVar[int] = 2
