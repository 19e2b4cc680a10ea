"""Scores of two sides, and the error curves that every threshold metric is read from.

Higher means altered. Of U distinct scores in increasing order, the *cut* j (0..U) calls altered
every patch with the j-th score or a higher one: all patches at 0, none at U. The cuts are all
decisions that a threshold can make on these scores, so ties need no rule of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forensics.metrics.intervals import Floats, Integers, ratio


@dataclass(frozen=True, eq=False)
class Scored:
    """The scores of one side. NaN is a patch without an answer: no metric counts it.

    scores: float `[n]`, higher means altered.
    photographs: `[n]`, the photograph of each patch: integers or texts.
    positions: int64 `[n, 2]`, where the patch lies in it; only `asr`, which pairs, needs them.
    """

    scores: NDArray[np.floating]
    photographs: NDArray[np.generic]
    positions: Integers | None = None

    def __post_init__(self) -> None:
        shapes = [self.scores.shape, self.photographs.shape]
        if self.positions is not None:
            shapes.append(self.positions.shape[:1])
        if len(set(shapes)) > 1 or self.scores.ndim != 1:
            raise ValueError(f"scores, photographs and positions do not match: {shapes}")

    def __getitem__(self, index: NDArray[np.bool_] | Integers) -> Scored:
        """Some of the patches."""
        positions = None if self.positions is None else self.positions[index]
        return Scored(self.scores[index], self.photographs[index], positions)

    def answered(self) -> Scored:
        """The patches with a score."""
        return self[~np.isnan(self.scores)]


@dataclass(frozen=True, eq=False)
class Sides:
    """Both sides with photographs numbered from 0 and scores ranked in one list.

    values: the U distinct scores of both sides, increasing; photographs: how many there are.
    scores, owners, ranks: for (pristine, altered), `[n]`: the scores, the photograph's number,
        and the place in `values`.
    """

    values: Floats
    photographs: int
    scores: tuple[Floats, Floats]
    owners: tuple[Integers, Integers]
    ranks: tuple[Integers, Integers]

    @classmethod
    def of(cls, pristine: Scored, altered: Scored) -> Sides:
        """The two sides without their NaN; either may turn out empty."""
        a, b = pristine.answered(), altered.answered()
        scores = np.concatenate([a.scores, b.scores]).astype(np.float64)
        values, ranks = np.unique(scores, return_inverse=True)
        names, owners = np.unique(
            np.concatenate([a.photographs, b.photographs]), return_inverse=True
        )
        n = len(a.scores)
        return cls(
            values,
            len(names),
            (scores[:n], scores[n:]),
            (owners[:n], owners[n:]),
            (ranks[:n], ranks[n:]),
        )

    def empty(self) -> str | None:
        """Why nothing can be measured, or None."""
        for scores, name in zip(self.scores, ("pristine", "altered"), strict=True):
            if not len(scores):
                return f"no {name} patch has a score"
        return None

    def curves(self, weights: Floats) -> Curves:
        """The curves for each row of photographs' weights, `[R, photographs]`."""
        return Curves(self._below(0, weights), self._below(1, weights))

    def _below(self, side: int, weights: Floats) -> Floats:
        order = np.argsort(self.ranks[side], kind="stable")
        running = np.zeros((len(weights), len(order) + 1))
        np.cumsum(weights[:, self.owners[side][order]], axis=1, out=running[:, 1:])
        cuts = np.arange(len(self.values) + 1)
        return running[:, np.searchsorted(self.ranks[side][order], cuts)]


@dataclass(frozen=True, eq=False)
class Curves:
    """pristine, altered: float64 `[R, U + 1]`, the weight of each side below each cut."""

    pristine: Floats
    altered: Floats

    def excess(self) -> Floats:
        """(FA + MD - 1) P A at each cut, `[R, U + 1]`, where false alarms FA and missed
        detections MD are shares and P, A the sides' weights. Whole weights make it exact, so
        that equal errors compare equal."""
        return self.altered * self.pristine[:, -1:] - self.pristine * self.altered[:, -1:]

    def _product(self) -> Floats:
        return self.pristine[:, -1] * self.altered[:, -1]


def auc(curves: Curves) -> Floats:
    """The area under the ROC curve, `[R]`: the chance that an altered patch scores above a
    pristine one, a tie counted half (Hanley and McNeil, 1982). NaN where a side has no weight."""
    middle = (curves.pristine[:, :-1] + curves.pristine[:, 1:]) / 2
    area = (np.diff(curves.altered, axis=1) * middle).sum(axis=1)
    return ratio(area, curves._product())


def pe(curves: Curves) -> Floats:
    """The minimum decision error, `[R]`: the least (FA + MD) / 2 over all cuts, 0..0.5."""
    return (1 + ratio(curves.excess().min(axis=1), curves._product())) / 2


def pe_any(curves: Curves) -> Floats:
    """The lesser of `pe` and of the same with lower = altered, `[R]`."""
    # Calling the other side of a cut altered turns FA + MD into 2 - (FA + MD).
    largest = np.abs(curves.excess()).max(axis=1)
    return (1 - ratio(largest, curves._product())) / 2


def tpr_at_fpr(curves: Curves, fpr: float) -> Floats:
    """The largest share of altered patches detected with at most the false alarm rate `fpr`,
    `[R]`."""
    lowest = lowest_cut(curves.pristine, fpr)
    detected = curves.altered[:, -1] - curves.altered[np.arange(len(lowest)), lowest]
    return np.where(curves.pristine[:, -1] > 0, ratio(detected, curves.altered[:, -1]), np.nan)


def lowest_cut(below: Floats, fpr: float) -> Integers:
    """The lowest cut at or above which lies at most the share `fpr` of the weight, `[R]`, for
    the weights below each cut, `[R, U + 1]`."""
    total = below[:, -1:]
    # Weights are whole numbers: the margin only takes up the rounding of fpr * total.
    allowed = fpr * total + 1e-6
    return (total - below <= allowed).argmax(axis=1)
