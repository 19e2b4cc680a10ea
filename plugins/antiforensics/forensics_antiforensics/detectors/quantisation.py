"""K_F^Q: how many of the 64 subbands look quantised, by maximum likelihood."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from forensics.batch import Batch
from forensics.models.interfaces import Detector, Scores
from forensics_antiforensics.detectors.luma import coefficients, luma, scores

_DEVIATION = math.sqrt(1 / 12)
_SPREAD = (2.0, 1.307, 1.414, 1.307, 2.0, 1.307, 1.414, 1.307)
# How far the rounding of pixels can move a coefficient, one bound a subband.
_BOUNDS = tuple(a * b for a in _SPREAD for b in _SPREAD)
_IMPOSSIBLE = -100.0
_FAR = 4  # residuals from here on are impossible in every subband: the largest bound is 4
_PEAK = 1100  # above every rounded coefficient of 8-bit pixels (1024, in the first subband)
_PIECE = 1 << 20  # entries of the largest tensor that is made at once


def _log_weight(step: int, bound: float, residual: int) -> float:
    """w(i): log-likelihood of a residual where coefficients are multiples of `step`."""
    total, possible = 0.0, False
    for j in range(-_FAR, _FAR + 1):
        if abs(residual) + abs(j) * step <= bound - 0.5:
            possible = True
            # In the lower tail of the normal distribution, where differences keep their digits.
            x = -abs(residual + j * step)
            upper, lower = ((x + half) / _DEVIATION for half in (0.5, -0.5))
            total += (math.erfc(-upper / math.sqrt(2)) - math.erfc(-lower / math.sqrt(2))) / 2
    return math.log(math.sqrt(2 * math.pi / 12) * total) if possible else _IMPOSSIBLE


@cache
def _log_weights() -> Tensor:
    """float64 `[64, 4, 5]`: subband, step 1, 2, 3, from 4 on, |residual| 0, 1, 2, 3, from 4 on."""
    return torch.tensor(
        [[[_log_weight(q, b, i) for i in range(_FAR + 1)] for q in range(1, 5)] for b in _BOUNDS],
        dtype=torch.float64,
    )


@cache
def _candidates() -> tuple[Tensor, Tensor]:
    """The steps to try for each peak Q0: all divisors of Q0 - 1, Q0 and Q0 + 1.

    Returns those of all peaks in one row, int64, and where those of each peak begin, int64
    `[2 * _PEAK + 2]`; a peak of 0 has none.
    """
    divisors: list[set[int]] = [set() for _ in range(2 * _PEAK + 2)]
    for d in range(1, len(divisors)):
        for multiple in range(d, len(divisors), d):
            divisors[multiple].add(d)
    lists: list[list[int]] = [[]]
    for q in range(1, 2 * _PEAK + 1):
        lists.append(sorted(divisors[q - 1] | divisors[q] | divisors[q + 1]))
    starts = torch.tensor([0, *map(len, lists)]).cumsum(0)
    return torch.tensor([d for some in lists for d in some]), starts


def _modes_and_peaks(levels: Tensor, usable: Tensor) -> tuple[Tensor, Tensor]:
    """The most frequent level of each subband, and Q0, counted from it (0: there is none).

    levels: int64 `[N, 64, M]`; usable: bool `[N, M]`. Returns int64 `[N, 64]` twice.
    """
    n, subbands, _ = levels.shape
    device = levels.device
    counts = torch.zeros(n, subbands, 2 * _PEAK + 1, dtype=torch.int32, device=device)
    ones = usable.to(torch.int32)[:, None].expand_as(levels)
    counts.scatter_add_(2, levels + _PEAK, ones)
    modes = counts.argmax(2) - _PEAK
    bounds = torch.tensor([math.floor(b) for b in _BOUNDS], device=device)
    places = torch.arange(-_PEAK, _PEAK + 1, device=device)
    counts.masked_fill_(places <= (modes + bounds)[..., None], 0)
    # argmax promises the first of equal counts on every device; max does not.
    peaks = counts.argmax(2, keepdim=True)
    found = counts.gather(2, peaks)[..., 0] > 0
    return modes, torch.where(found, peaks[..., 0] - _PEAK - modes, 0)


def _steps(levels: Tensor, usable: Tensor) -> Tensor:
    """The most likely step of each subband, int64 `[N, 64]`, 0 = undetermined."""
    modes, peaks = _modes_and_peaks(levels, usable)
    device = levels.device
    shift = torch.zeros_like(modes)
    shift[:, 0] = modes[:, 0]
    rows = (levels - shift[..., None]).flatten(0, 1).to(torch.float32)
    all_steps, starts = (t.to(device) for t in _candidates())
    peaks = peaks.flatten()
    many = starts[peaks + 1] - starts[peaks]
    # One line for each row and each step to try; the lists are of different lengths.
    row = torch.repeat_interleave(torch.arange(len(peaks), device=device), many)
    first = many.cumsum(0) - many
    place = torch.arange(len(row), device=device) - first[row]
    step = all_steps[starts[peaks[row]] + place]
    likelihood = torch.empty(len(row), dtype=torch.float64, device=device)
    piece = max(1, _PIECE // rows.shape[1])
    for part in (slice(i, i + piece) for i in range(0, len(row), piece)):
        likelihood[part] = _likelihood(rows, usable, row[part], step[part])
    width = int(many.max()) if len(row) else 1
    table = torch.full((len(peaks), width), -torch.inf, dtype=torch.float64, device=device)
    table[row, place] = likelihood
    best = table.argmax(1)
    chosen = all_steps[(starts[peaks] + best).clamp(max=len(all_steps) - 1)]
    return torch.where(peaks > 0, chosen, 0).view_as(modes)


def _likelihood(rows: Tensor, usable: Tensor, row: Tensor, step: Tensor) -> Tensor:
    """Log-likelihood of `step` in `row` (int64 `[T]` both), float64 `[T]`.

    rows: float32 `[N * 64, M]`, whole numbers; usable: bool `[N, M]`.
    """
    here, q = rows[row], step[:, None].to(torch.float32)
    residual = (here - q * torch.round(here / q)).abs_()
    residual.masked_fill_(~usable[row // 64], -1)
    counts = [(residual == i).sum(1) for i in range(_FAR)]
    total = usable.sum(1)[row // 64]
    counts.append(total - counts[0] - counts[1] - counts[2] - counts[3])
    weights = _log_weights().to(row.device)[row % 64, step.clamp(max=4) - 1]
    likelihood = total * torch.log(step.double())
    for i, count in enumerate(counts):
        likelihood = likelihood + count * weights[:, i]
    return likelihood


@dataclass(frozen=True)
class KQF(Detector):
    """Number of subbands with a quantisation step above 1, estimated by maximum likelihood after
    Z. Fan and R. L. de Queiroz ("Identification of bitmap compression history: JPEG detection and
    quantizer estimation", IEEE Trans. Image Processing, 2003, section III), the paper's K_F^Q.

    Blocks that are constant or hold a 0 or 255 are left out. Y are the rounded DCT coefficients
    of a subband, in the first shifted so that the most frequent is 0. B bounds what the rounding
    of pixels does to a coefficient. Q0 is the most frequent value more than floor(B) above the
    most frequent of all; without one the step is undetermined and not counted. Of the divisors Q
    of Q0 - 1, Q0 and Q0 + 1 the step is the one with the largest sum over blocks of
    w(Y - Q round(Y / Q)) + log Q, where, with s**2 = 1/12 and over all j with
    |i| + |j| Q <= B - 0.5,
    w(i) = log(sqrt(2 pi / 12) sum_j [Phi((i + j Q + .5) / s) - Phi((i + j Q - .5) / s)]),
    and -100 where there is no such j.

    score: batch of N patches -> float32 `[N]`, whole numbers 0..64, higher = compressed; NaN
    where no block is left.
    """

    def score(self, batch: Batch) -> Scores:
        planes = luma(batch)
        cells = planes.unflatten(1, (-1, 8)).unflatten(3, (-1, 8))
        low, high = cells.amin((2, 4)), cells.amax((2, 4))
        usable = ((low > 0) & (high < 255) & (low < high)).flatten(1)
        values = coefficients(planes)
        # Halves away from zero: half to even would itself leave a comb of step 2.
        levels = (values.sign() * (values.abs() + 0.5).floor()).long().transpose(1, 2).contiguous()
        piece = max(1, _PIECE // (64 * max(2 * _PEAK, levels.shape[2])))
        parts = zip(levels.split(piece), usable.split(piece), strict=True)
        counts = torch.cat([(_steps(some, those) > 1).sum(1) for some, those in parts])
        return scores(counts, planes, usable.any(1), "every block is flat or holds a 0 or 255")
