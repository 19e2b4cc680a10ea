"""`q1dalmia`: the spacing of the comb that the first JPEG left on a grid of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from forensics.batch import Batch
from forensics.models.interfaces import Estimate, Estimator, option
from forensics_q1cnn.baselines import answers, combs
from forensics_q1cnn.baselines.answers import Missing
from forensics_q1cnn.baselines.blocks import candidates, coefficients, crops, parts, spread
from forensics_q1cnn.baselines.mixture import first_best
from forensics_q1cnn.phase.features import Luma
from forensics_q1cnn.tables import STEPS

_BIN = 0.5
_SMOOTHED = 0.6  # s.d. of the blur
_TAIL = 4  # standard deviations
_RESOLVED = 2.0  # a comb shows where its spacing is so many times the blur
_TELLING = 2.75  # smaller coefficients are the zeros of every comb
_KEPT = 0.9  # of the best fit: among spacings that fit so well the largest is the comb's


@dataclass(frozen=True)
class Dalmia(Estimator):
    """The first 15 luma steps and the crop (r, c) where the second JPEG has another grid, after
    the idea of N. Dalmia and M. Okade.

    On the grid of the first JPEG coefficients lie around multiples of the first step. The grid is
    the one of the 63 shifted ones on which cosines of the period of a step stand out most from
    those on all; there, the local maxima of the smoothed histogram of |x| are kept, and the step
    is the largest spacing whose multiples they lie at.

    Where coefficients lie no nearer to the comb than chance has them lie, there is no answer.
    missing: `none` leaves it at that; `argmax`, `median` or `expectation` say there what
    `q1constant` says, so that accuracies count all patches as those of other methods do.
    """

    missing: Missing = option("none", answers.ABOUT)

    def __post_init__(self) -> None:
        answers.check("q1dalmia", self.missing)

    def estimate(self, batch: Batch) -> Estimate:
        assert batch.jpeg is not None
        found = [_estimate(seen) for seen in parts(batch.jpeg)]
        steps, phases = (torch.cat(each) for each in zip(*found, strict=True))
        second = batch.jpeg.tables[:, 0].flatten(1)
        return answers.estimate(steps, crops(phases), second, self.missing, "no comb stands out")


def _estimate(seen: Luma) -> tuple[Tensor, Tensor]:
    """Steps `[N, 15]`, NaN where there is no answer, and phases, int64 `[N]`."""
    blurred = spread(seen)
    phases = grid(seen.planes, blurred)
    steps = seen.planes.new_empty(len(seen), STEPS)
    for phase in phases.unique().tolist():
        rows = phases == phase
        x = coefficients(seen.planes[rows], phase)
        s = blurred[rows, phase]
        spacings = [spacing(peaks(x[:, i], s[:, i]), s[:, i], i) for i in range(STEPS)]
        steps[rows] = _standing_out(x, torch.stack(spacings, 1))
    return steps, phases


def grid(planes: Tensor, blurred: Tensor) -> Tensor:
    """The phase of the first JPEG's grid, int64 `[N]`, 1..63. blurred: of `spread`."""
    steps, known = candidates(planes.device)
    means, blocks = [], []
    for phase in range(1, 64):
        x = coefficients(planes, phase)
        means.append(combs.waves(x)[..., 0])
        blocks.append(x.shape[2])
    found = torch.stack(means, 1)
    shown = known & (steps >= _RESOLVED * blurred[:, 1:, :, None])
    beyond = ((found - combs.usual(means)[:, None]) * shown).amax(3)
    # A mean over so many blocks, of chance alone, has a variance of 1 / (2 blocks).
    strengths = beyond.square().sum(2) * torch.tensor(blocks, device=planes.device)
    return first_best(strengths) + 1


def peaks(x: Tensor, blurred: Tensor) -> Tensor:
    """The histogram of |x| in bins of half a unit, smoothed, at its local maxima; 0 elsewhere.
    x: float32 `[N, blocks]`; blurred: `[N]`. Returns float32 `[N, bins]`."""
    places = (x.abs() / _BIN).round().long()
    bins = int(places.max()) + 2
    counts = x.new_zeros(len(x), bins).scatter_add_(1, places, torch.ones_like(x))
    counts[:, 0] *= 2  # as the others, once it is mirrored
    deviations = _SMOOTHED * blurred[:, None] / _BIN
    reach = min(math.ceil(_TAIL * float(deviations.max())), bins - 1)
    offset = torch.arange(-reach, reach + 1, device=x.device) / deviations
    kernel = torch.exp(-offset.square() / 2) * (offset.abs() <= _TAIL)
    both = torch.cat([counts[:, 1 : reach + 1].flip(1), counts, counts[:, :reach] * 0], 1)
    smooth = functional.conv1d(both[None], kernel[:, None], groups=len(x))[0]
    below = torch.cat([smooth[:, 1:2], smooth[:, :-1]], 1)
    above = functional.pad(smooth[:, 1:], (0, 1))
    return smooth * ((smooth > below) & (smooth >= above))


def spacing(peaks: Tensor, blurred: Tensor, frequency: int) -> Tensor:
    """The largest spacing, float32 `[N]`, at whose multiples the peaks lie nearly as well as at
    those of any; NaN where there are not two. frequency: 0..14, which says what steps it knows."""
    steps, known = candidates(peaks.device)
    positions = _BIN * torch.arange(peaks.shape[1], device=peaks.device)
    weights = peaks * (positions > _TELLING)
    fit = weights @ torch.cos(2 * torch.pi * positions[:, None] / steps)
    shown = known[frequency] & (steps >= _RESOLVED * blurred[:, None])
    fit = fit.masked_fill(~shown, float("-inf"))
    near = (fit >= _KEPT * fit.amax(1, keepdim=True)) & (fit > 0)
    two = (peaks > 0).sum(1) >= 2
    return torch.where(two & near.any(1), (near * steps).amax(1), float("nan"))


def _standing_out(x: Tensor, steps: Tensor) -> Tensor:
    """The steps `[N, 15]`, NaN where the sum of the cosines of coefficients `[N, 15, blocks]` is
    less than one s.d. above that of coefficients that lie anywhere."""
    telling = x.abs() > _TELLING
    sums = (torch.cos(2 * torch.pi * x / steps[..., None]) * telling).sum(2)
    chance = (telling.sum(2) / 2).sqrt()
    return torch.where((sums > chance) & (chance > 0), steps, float("nan"))
