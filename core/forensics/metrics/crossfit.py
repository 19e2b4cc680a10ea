"""Cross-fitted errors: threshold and direction are chosen on other photographs.

A shuffle deals the photographs into folds. For each fold the threshold is chosen on the other
folds, so a shuffle judges every patch once. Intervals resample photographs over the held-out
errors; the threshold is not chosen again.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from forensics.metrics.curves import Scored, Sides, lowest_cut
from forensics.metrics.intervals import Floats, Integers, Value, estimate, ratio, totals

FOLDS = 6
SHUFFLES = 10
ASR_FPR = 0.05


def deals(photographs: int, seed: int) -> Iterator[Integers]:
    """The fold of each photograph, int64 `[photographs]`, for each shuffle: 6 folds of equal
    size (within one) x 10 shuffles, leave-one-out, once, below 6 photographs."""
    if photographs < FOLDS:
        yield np.arange(photographs)
        return
    generator = np.random.default_rng(seed)
    for _ in range(SHUFFLES):
        yield generator.permutation(photographs) % FOLDS


def _others(folds: Integers) -> Floats:
    """Weights `[folds, photographs]`: 1 for the photographs that are not in the fold."""
    return (np.arange(folds.max() + 1)[:, None] != folds).astype(np.float64)


def pe_cv(pristine: Scored, altered: Scored, seed: int) -> Value:
    """(FA + MD) / 2, with the direction and threshold of least error on other photographs.

    0.5 is blind; chance may bring it above. 6 folds by photograph x 10 shuffles (leave one
    photograph out below 6), n/a with fewer than 2 photographs, and where no fold leaves both
    sides to choose on.
    """
    sides = Sides.of(pristine, altered)
    reason = sides.empty()
    if reason is None and sides.photographs < 2:
        reason = "needs 2 photographs"
    if reason is not None:
        return Value(None, reason=reason)
    owned = _owned(sides, seed)
    if owned is None:
        return Value(None, reason=_ONE_SIDED)

    def statistic(weights: Floats) -> Floats:
        return _error(weights, owned)[None]

    return estimate(statistic, sides.photographs, seed)[0]


def pe_cv_difference(
    first: tuple[Scored, Scored], second: tuple[Scored, Scored], seed: int
) -> Value:
    """`pe_cv` of the first less that of the second, of two detectors of the same patches: below 0
    the first is better. The same resampled photographs for both, so the interval is that of the
    difference. Each is (pristine, altered). Raises ValueError where the photographs differ."""
    both = [Sides.of(*sides) for sides in (first, second)]
    for one, other in zip(both[0].owners, both[1].owners, strict=True):
        if not np.array_equal(one, other):
            raise ValueError("the patches of both detectors are not the same")
    reason = both[0].empty() or ("needs 2 photographs" if both[0].photographs < 2 else None)
    if reason is not None:
        return Value(None, reason=reason)
    ours, theirs = (_owned(sides, seed) for sides in both)
    if ours is None or theirs is None:
        return Value(None, reason=_ONE_SIDED)

    def statistic(weights: Floats) -> Floats:
        return (_error(weights, ours) - _error(weights, theirs))[None]

    return estimate(statistic, both[0].photographs, seed)[0]


_ONE_SIDED = "other photographs do not have both sides"
Owned = list[tuple[Floats, Floats]]


def _owned(sides: Sides, seed: int) -> Owned | None:
    """For each side the held-out errors and the patches of every photograph; None where no fold
    leaves both sides to choose on."""
    owned = []
    for owners, (errors, judged) in zip(sides.owners, _held_out(sides, seed), strict=True):
        seen = judged > 0
        if not seen.any():
            return None
        mean = errors[seen] / judged[seen]
        counts = np.ones_like(mean)
        mine = owners[seen]
        owned.append(
            (totals(mean, mine, sides.photographs), totals(counts, mine, sides.photographs))
        )
    return owned


def _error(weights: Floats, owned: Owned) -> Floats:
    """The mean of false alarms and misses for each row of photographs' weights."""
    alarms, misses = (ratio(weights @ errors, weights @ counts) for errors, counts in owned)
    return (alarms + misses) / 2


def _held_out(sides: Sides, seed: int) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """For (pristine, altered): in how many shuffles each patch was judged wrongly, and in how
    many it was judged at all, float64 `[n]` each."""
    errors = tuple(np.zeros(len(owners)) for owners in sides.owners)
    judged = tuple(np.zeros(len(owners)) for owners in sides.owners)
    for folds in deals(sides.photographs, seed):
        cuts, upward, possible = _decisions(sides, _others(folds))
        for side, (owners, ranks) in enumerate(zip(sides.owners, sides.ranks, strict=True)):
            fold = folds[owners]
            called_altered = (ranks >= cuts[fold]) == upward[fold]
            errors[side][:] += (called_altered != bool(side)) & possible[fold]
            judged[side][:] += possible[fold]
    return (errors[0], judged[0]), (errors[1], judged[1])


def _decisions(sides: Sides, weights: Floats) -> tuple[Integers, np.ndarray, np.ndarray]:
    """For each row of weights: the cut of least error, whether above it is altered (else below),
    and whether both sides have weight, so that there was something to choose on."""
    curves = sides.curves(weights)
    excess = curves.excess()
    upward = -excess.min(axis=1) >= excess.max(axis=1)
    row = np.arange(len(weights))
    first = np.where(upward, excess.argmin(axis=1), excess.argmax(axis=1))
    below = curves.pristine + curves.altered
    # Scores without weight are not known here: cuts between the same two known scores are one
    # decision, and its threshold lies in the middle of the two, not beside either.
    last = (below <= below[row, first][:, None]).sum(axis=1) - 1
    inside = (first > 0) & (last < len(sides.values))
    lower = sides.values[np.where(inside, first - 1, 0)]
    upper = sides.values[np.where(inside, last, 0)]
    with np.errstate(invalid="ignore"):
        middle = lower / 2 + upper / 2
    # Where infinities or rounding leave no middle, the cut stays just above the lower score.
    cuts = np.where(middle > lower, np.searchsorted(sides.values, middle), first)
    at_an_end = np.where(first > 0, len(sides.values), 0)
    cuts = np.where(inside, cuts, at_an_end)
    possible = (curves.pristine[:, -1] > 0) & (curves.altered[:, -1] > 0)
    return cuts, upward, possible


def asr(pristine: Scored, clean: Scored, attacked: Scored, seed: int) -> Value:
    """Attack success rate: share of the detected altered patches that the attack hides.

    A patch is detected where its score exceeds the threshold at which at most 5 % of the pristine
    patches of other photographs are false alarms (folds as in `pe_cv`). `clean` and `attacked` are
    the same patches without and with the attack, paired by photograph and position; patches without
    both scores are left out. n/a with fewer than 40 pristine patches or 2 photographs, and where
    nothing is detected before the attack.
    """
    pristine = pristine.answered()
    clean, attacked = _pairs(clean.answered(), attacked.answered())
    names, numbers = np.unique(
        np.concatenate([pristine.photographs, clean.photographs]), return_inverse=True
    )
    n = len(pristine.scores)
    reason = None
    if not len(clean.scores):
        reason = "no patch has a score both clean and attacked"
    elif n < 2 / ASR_FPR:
        reason = f"needs {2 / ASR_FPR:.0f} pristine patches"
    elif len(names) < 2:
        reason = "needs 2 photographs"
    if reason is not None:
        return Value(None, reason=reason)

    owners = numbers[n:]
    # Only pristine scores set the threshold: a one-sided `Sides`.
    known = Sides.of(pristine, clean[np.zeros(0, np.int64)])
    detected, hidden = np.zeros(len(names)), np.zeros(len(names))
    present = np.unique(numbers[:n])
    for folds in deals(len(names), seed):
        below = known.curves(_others(folds)[:, present]).pristine
        possible = below[:, -1] > 0
        # Above the score under the lowest cut; the cut is 0 only where nothing has weight.
        limit = known.values[np.maximum(lowest_cut(below, ASR_FPR) - 1, 0)]
        fold = folds[owners]
        hit = (clean.scores > limit[fold]) & possible[fold]
        detected += totals(hit.astype(np.float64), owners, len(names))
        lost = hit & (attacked.scores <= limit[fold])
        hidden += totals(lost.astype(np.float64), owners, len(names))
    if not detected.any():
        return Value(None, reason="no altered patch is detected before the attack")
    return estimate(lambda w: ratio(w @ hidden, w @ detected)[None], len(names), seed)[0]


def _pairs(first: Scored, second: Scored) -> tuple[Scored, Scored]:
    """The patches that are in both, in one order. Raises ValueError where positions are missing
    or a place occurs twice."""
    places = []
    for side in (first, second):
        if side.positions is None:
            raise ValueError("patches are paired by position: give positions to both sides")
        names, places_yx = side.photographs.tolist(), side.positions.tolist()
        index = {(name, *yx): i for i, (name, yx) in enumerate(zip(names, places_yx, strict=True))}
        if len(index) < len(names):
            raise ValueError("two patches of one side lie at the same position")
        places.append(index)
    shared = [place for place in places[0] if place in places[1]]
    chosen = [np.array([index[place] for place in shared], np.int64) for index in places]
    return first[chosen[0]], second[chosen[1]]
