"""`q1galvan`: what no first step but one could have left, where both JPEGs have one grid."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from forensics.batch import Batch
from forensics.models.interfaces import Estimate, Estimator, option
from forensics_q1cnn.baselines import answers
from forensics_q1cnn.baselines.answers import Missing
from forensics_q1cnn.baselines.blocks import candidates, coefficients, levels, parts, second_steps
from forensics_q1cnn.baselines.mixture import first_best
from forensics_q1cnn.phase.features import Luma
from forensics_q1cnn.tables import STEPS

_RECUT = 8 * 4 + 4
_SMALL = 0.2  # of the next bin: so few were split off it by rounding
_TOLERANCE = 0.1  # second steps: errors that differ by less are the same
_DIFFERENT = 2  # levels beside 0 that must occur


@dataclass(frozen=True)
class Galvan(Estimator):
    """The first 15 luma steps of a JPEG whose second steps are smaller and on the same grid, after
    F. Galvan, G. Puglisi, A. R. Bruna and S. Battiato, "First quantization matrix estimation from
    double compressed JPEG images" (IEEE Trans. Information Forensics and Security, 2014).

    Small bins of a frequency's histogram beside a large one go into it. Candidates are the steps q
    above the second, q2, with the least mean of |q2 round(q round(c / q) / q2) - c| over the
    dequantised coefficients c. Among them the one is taken with which the image, re-cut 4 pixels
    off the grid and quantised by q and q2, has the nearest histogram.

    Where fewer than two levels beside 0 occur, or no step above q2 is known, there is no answer.
    missing: `none` leaves it at that; `argmax`, `median` or `expectation` say there what
    `q1constant` says, so that accuracies count all patches as those of other methods do.
    """

    missing: Missing = option("none", answers.ABOUT)

    def __post_init__(self) -> None:
        answers.check("q1galvan", self.missing)

    def estimate(self, batch: Batch) -> Estimate:
        assert batch.jpeg is not None
        steps = torch.cat([_steps(seen) for seen in parts(batch.jpeg)])
        second = batch.jpeg.tables[:, 0].flatten(1)
        why = "too few levels, or none above the second step"
        return answers.estimate(steps, None, second, self.missing, why)


def _steps(seen: Luma) -> Tensor:
    """float32 `[N, 15]`, NaN where there is no answer."""
    first, known = candidates(seen.planes.device)
    n, again = levels(seen).abs(), coefficients(seen.planes, _RECUT).abs()
    second = second_steps(seen).float()
    found = []
    for i in range(STEPS):  # one at a time, for the memory of large images
        q2 = second[:, i, None]
        tidy = cleaned(n[:, i])
        errors = error(tidy * q2, first, q2)
        errors = errors.masked_fill((first <= q2) | ~known[i], float("inf"))
        near = errors <= errors.amin(1, keepdim=True) + _TOLERANCE * q2
        simulated = _again(again[:, i, None], first[:, None], q2[..., None])
        bins = 1 + int(torch.maximum(tidy.max(), simulated.max()))
        measured = histogram(tidy, bins)
        distances = (histogram(simulated, bins) - measured[:, None]).abs().sum(2)
        possible = near & errors.isfinite()
        best = first_best(-distances.masked_fill(~possible, float("inf")))
        enough = (measured[:, 1:] > 0).sum(1) >= _DIFFERENT
        there = enough & possible.any(1)
        found.append(torch.where(there, first[best], float("nan")))
    return torch.stack(found, 1)


def cleaned(levels: Tensor) -> Tensor:
    """Levels |n|, int64 `[N, blocks]`, with those of small bins moved into the larger neighbour.
    The bin of 0, which is large whatever was done, takes none in."""
    bins = int(levels.max()) + 2
    counts = torch.nn.functional.pad(histogram(levels, bins) * levels.shape[1], (1, 1))
    counts[:, 1] = 0  # of level 0
    below, here, above = counts[:, :-2], counts[:, 1:-1], counts[:, 2:]
    small = here <= _SMALL * torch.maximum(below, above)
    move = torch.where(below >= above, -1, 1) * small
    move[:, 0] = 0
    return levels + move.gather(1, levels)


def error(c: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Mean distance of coefficients `[N, blocks]` from what a first step would have left, `[N, Q]`
    for first steps `[Q]` and second steps `[N, 1]`."""
    c = c[:, None]
    left = second[..., None] * _again(c, first[:, None], second[..., None])
    return (left - c).abs().mean(2)


def _again(c: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Levels, int64, of coefficients after both quantisations."""
    return (first * (c / first).round() / second).round().long()


def histogram(levels: Tensor, bins: int) -> Tensor:
    """float32 `[..., bins]` of int64 `[..., blocks]`; sums to 1."""
    share = torch.full(levels.shape, 1 / levels.shape[-1], device=levels.device)
    found = share.new_zeros(*levels.shape[:-1], bins)
    return found.scatter_add_(-1, levels, share)
