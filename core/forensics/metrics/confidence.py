"""Whether the probabilities that an estimator states can be believed.

A reliability diagram holds the stated probability of answers against the share that is right. The
entropy of the stated distribution serves as a confidence: are the most certain answers right more
often? Intervals are 95 %, of 1,000 resamples of photographs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from forensics.metrics.intervals import Floats, Integers, Value, estimate, ratio, totals
from forensics.models.interfaces import Belief

BINS = 10
# The shares of patches, the most certain ones first, whose accuracy is given.
COVERAGES = (80, 50)
_PACKED = np.dtype([("answer", "<f4"), ("entropy", "<f4"), ("mean", "<f4")])


@dataclass(frozen=True, eq=False)
class Stated:
    """The probabilities stated with n answers, float64 `[n]` each, NaN where none were. answer: of
    the answer itself; entropy: of the distribution, in bits; mean: its expectation."""

    answer: Floats
    entropy: Floats
    mean: Floats

    @classmethod
    def unpack(cls, packed: Sequence[bytes | None]) -> Stated:
        """The inverse of `pack`; None stands for an answer without probabilities."""
        blank = np.full(3, np.nan, np.float32).tobytes()
        rows = np.frombuffer(b"".join(one or blank for one in packed), _PACKED)
        return cls(*(rows[name].astype(np.float64) for name in ("answer", "entropy", "mean")))

    def __getitem__(self, index: NDArray[np.bool_]) -> Stated:
        return Stated(self.answer[index], self.entropy[index], self.mean[index])


def pack(values: Tensor, belief: Belief) -> list[bytes]:
    """12 bytes for each of N answers, `[N]`. The probability of an answer is that of the stated
    value nearest to it; 0 where it lies further out than all of them, by more than half of the
    distance to the next."""
    stated, order = belief.values.double().sort()
    shares = belief.shares.double()[:, order]
    reach = stated.diff() / 2
    given = values.double()
    nearest = torch.bucketize(given, stated[:-1] + reach)
    low, high = stated[0] - reach[:1].sum(), stated[-1] + reach[-1:].sum()
    known = (given >= low) & (given <= high)
    answer = shares.gather(1, nearest[:, None])[:, 0] * known
    entropy = -torch.xlogy(shares, shares).sum(1) / np.log(2)
    mean = shares @ stated
    rows = np.zeros(len(values), _PACKED)
    for name, column in (("answer", answer), ("entropy", entropy), ("mean", mean)):
        rows[name] = column.cpu().numpy()
    return [row.tobytes() for row in rows]


@dataclass(frozen=True, eq=False)
class Believed:
    """Answers that come with a probability, `[n]` each, of all targets together. stated: the
    probability; right: whether the answer is the truth; photographs: numbered from 0."""

    stated: Floats
    right: NDArray[np.bool_]
    photographs: Integers


def reliability(believed: Believed, photographs: int, seed: int) -> dict[str, Value]:
    """The reliability diagram in `BINS` bins of equal width, each closed at its upper end and named
    by its ends in per cent: `right:90-100` is the share of right answers in the bin,
    `stated:90-100` their mean probability, `share:90-100` the share of all answers in the bin."""
    bins = _binned(believed, photographs)

    def statistic(weights: Floats) -> Floats:
        counts, right, stated = (weights @ part for part in bins)  # [R, BINS]
        share = ratio(counts, np.broadcast_to(counts.sum(1, keepdims=True), counts.shape))
        return np.concatenate([ratio(right, counts), ratio(stated, counts), share], axis=1).T

    values = estimate(statistic, photographs, seed, width=3 * BINS)
    ends = [100 * number // BINS for number in range(BINS + 1)]
    names = [f"{what}:{a}-{b}" for what in ("right", "stated", "share") for a, b in pairwise(ends)]
    return dict(zip(names, map(_reasoned, values), strict=True))


def _reasoned(value: Value) -> Value:
    if value.value is None or np.isnan(value.value):
        return Value(None, reason="no answer in this bin")
    return value


def calibration_error(believed: Believed, photographs: int, seed: int) -> Value:
    """The expected calibration error (Guo, Pleiss, Sun and Weinberger, "On calibration of modern
    neural networks", 2017, eq. 3): the distance between stated probability and share of right
    answers, averaged over the bins with their numbers of answers as weights."""
    bins = _binned(believed, photographs)

    def statistic(weights: Floats) -> Floats:
        counts, right, stated = (weights @ part for part in bins)
        return ratio(np.abs(right - stated).sum(1), counts.sum(1))[None]

    return estimate(statistic, photographs, seed, width=3 * BINS)[0]


def _binned(believed: Believed, photographs: int) -> list[Floats]:
    """By photograph and bin, `[photographs, BINS]`: answers, right ones, sums of probabilities."""
    edges = np.linspace(0, 1, BINS + 1)[1:-1]
    places = believed.photographs * BINS + np.searchsorted(edges, believed.stated)
    columns = (np.ones(len(places)), believed.right.astype(np.float64), believed.stated)
    return [totals(each, places, photographs * BINS).reshape(photographs, BINS) for each in columns]


def covered(
    entropy: Floats, accuracy: Floats, owners: Integers, photographs: int, seed: int
) -> dict[str, Value]:
    """`accuracy_80` and `accuracy_50`: mean accuracy of the 80 % and the 50 % of patches with the
    least entropy; the patch on the border counts in part. All `[n]`; owners: the photograph of
    each patch."""
    order = np.argsort(entropy, kind="stable")
    values, owners = accuracy[order], owners[order]

    def statistic(weights: Floats) -> Floats:
        weight = weights[:, owners]
        until = np.cumsum(weight, axis=1)
        rows = []
        for percent in COVERAGES:
            wanted = until[:, -1:] * percent / 100
            taken = np.clip(wanted - (until - weight), 0, weight)
            rows.append(ratio(taken @ values, taken.sum(1)))
        return np.stack(rows)

    figures = estimate(statistic, photographs, seed, width=4 * len(values))
    return {f"accuracy_{n}": value for n, value in zip(COVERAGES, figures, strict=True)}
