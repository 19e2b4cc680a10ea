"""How good likelihood ratios are: Cllr and its parts, Tippett data, right decisions.

A likelihood ratio (LR) says how much more probable a score is among altered patches than among
pristine ones; here all ratios are log10 LR. Intervals are 95 %, of 1,000 resamples of photographs,
the same on both sides.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from forensics.metrics.curves import Curves, Scored, Sides
from forensics.metrics.intervals import Floats, Value, estimate, ratio, totals

NAMES = ("accuracy", "cllr", "cllr_min", "cllr_cal")


def calibration_metrics(
    pristine: Scored,
    altered: Scored,
    called: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    seed: int,
) -> dict[str, Value]:
    """The metrics of calibrated answers by name, in the order of `NAMES`.

    pristine, altered: their scores are log10 LR, NaN where there is none; called: for both, bool
    `[n]`, whether the patch was called altered.

    - `accuracy`: the share of right decisions, both sides of equal weight.
    - `cllr`: the log-likelihood-ratio cost in bits (Brümmer and du Preez, 2006, Application-
      independent evaluation of speaker detection, eq. 37): 0 is perfect, 1 is what LR = 1
      everywhere costs, and misleading ratios cost more.
    - `cllr_min`: Cllr after the best monotone calibration, by pool adjacent violators on these
      very patches; `cllr_cal`: the rest of Cllr, lost by calibration.

    A side without an answer gives `Value`s with a reason, never an exception.
    """
    sides = Sides.of(pristine, altered)
    reason = sides.empty()
    if reason is not None:
        return {name: Value(None, reason=reason) for name in NAMES}
    kept = [c[~np.isnan(s.scores)] for c, s in zip(called, (pristine, altered), strict=True)]
    right = (~kept[0], kept[1])
    costs = tuple(bits(s, bool(side)) for side, s in enumerate(sides.scores))

    def statistic(weights: Floats) -> Floats:
        cost = _mean_of_sides(sides, costs, weights)
        least = cllr_min(sides.curves(weights))
        return np.stack([_mean_of_sides(sides, right, weights), cost, least, cost - least])

    values = estimate(statistic, sides.photographs, seed, width=len(sides.values) + 1)
    return dict(zip(NAMES, values, strict=True))


def _mean_of_sides(
    sides: Sides, values: tuple[NDArray[np.generic], ...], weights: Floats
) -> Floats:
    """The mean over both sides of the mean of `values` `[n]` in each, `[R]`."""
    means = []
    for owners, each in zip(sides.owners, values, strict=True):
        above = totals(each.astype(np.float64), owners, sides.photographs)
        below = totals(np.ones(len(owners)), owners, sides.photographs)
        means.append(ratio(weights @ above, weights @ below))
    return (means[0] + means[1]) / 2


def bits(log10_lr: Floats, altered: bool) -> Floats:
    """What each ratio costs at equal priors: log2(1 + 1 / LR) of an altered patch, log2(1 + LR)
    of a pristine one; Cllr is the mean over both sides."""
    natural = log10_lr * np.log(10.0)
    return np.logaddexp(0.0, -natural if altered else natural) / np.log(2.0)


def pool(pristine: Floats, altered: Floats) -> Floats:
    """The posterior of altered at equal priors for U increasing scores, `[U]`: the share of
    `altered` in `altered + pristine`, made non-decreasing by pool adjacent violators (Brümmer and
    du Preez, 2006, section 5). pristine, altered: weights of the scores, each side adding up to 1,
    no score without any."""
    weight = pristine + altered
    pooled: Floats = isotonic_regression(altered / weight, weights=weight).x
    return np.clip(pooled, 0.0, 1.0)


def cllr_min(curves: Curves) -> Floats:
    """Cllr after pool adjacent violators, `[R]`: the same for every increasing map of the scores.
    NaN where a side has no weight."""
    shares = [
        ratio(np.diff(below, axis=1), np.broadcast_to(below[:, -1:], below[:, 1:].shape))
        for below in (curves.pristine, curves.altered)
    ]
    costs = np.full(len(curves.pristine), np.nan)
    for row, (pristine, altered) in enumerate(zip(*shares, strict=True)):
        present = pristine + altered > 0
        if np.isnan(pristine).any() or np.isnan(altered).any():
            continue
        p, a = pristine[present], altered[present]
        posterior = pool(p, a)
        # A block that holds one side alone is perfect: its 0 times log 0 is 0.
        cost = _times_log(a, posterior) + _times_log(p, 1.0 - posterior)
        costs[row] = 0.0 - cost.sum() / 2
    return costs


def _times_log(factor: Floats, value: Floats) -> Floats:
    return factor * np.log2(value, out=np.zeros_like(value), where=factor > 0)


def tippett(pristine: Scored, altered: Scored) -> dict[str, list[float]]:
    """The data of a Tippett plot: `log10_lr`, every distinct value, increasing; `pristine` and
    `altered`, the shares of each side with a ratio at least as large. Misleading evidence is the
    share of the pristine above 0, and of the altered below it. Both sides need an answer."""
    sides = Sides.of(pristine, altered)
    curves = sides.curves(np.ones((1, sides.photographs)))
    shares = {
        name: (1.0 - below[0, :-1] / below[0, -1]).tolist()
        for name, below in (("pristine", curves.pristine), ("altered", curves.altered))
    }
    return {"log10_lr": sides.values.tolist(), **shares}
