"""Fitting a scale to the scores of both sides of a trace.

N photographs support no likelihood ratio (LR) above N + 1 or below 1/(N + 1). Therefore a patch
counts (N + 1)/(N + 2) for its own side and 1/(N + 2) for the other (Platt, 1999, Probabilistic
outputs for support vector machines, section 2.2, with photographs in the place of examples, since
patches of one photograph are not independent). No LR is infinite, and sides that do not overlap can
be fitted. Both sides weigh the same, so that posterior odds are likelihood ratios.
"""

from __future__ import annotations

import numpy as np

from forensics.calibration.scale import Scale
from forensics.metrics.calibration import pool
from forensics.metrics.crossfit import deals
from forensics.metrics.curves import Scored, Sides
from forensics.metrics.intervals import Floats

METHODS = ("logistic", "isotonic")


def fit(sides: Sides, method: str) -> Scale:
    """The scale of finite scores of both sides.

    method: `"logistic"`, a line from scores to natural log LR by logistic regression; or
    `"isotonic"`, pool adjacent violators, linear between the scores. For both the direction is the
    sign of the logistic slope. The threshold has the least decision error at equal priors in that
    direction and lies in the middle between two scores; among several it is the one whose LR is
    nearest to 1.
    """
    slope, intercept = _line(sides)
    higher = slope >= 0
    limit = np.log10(sides.photographs + 1)
    if method == "isotonic":
        scores, ratios = _steps(sides, higher)
    elif slope == 0:
        scores, ratios = sides.values[:1], np.zeros(1)
    else:
        ends = np.array([-limit, limit] if higher else [limit, -limit])
        scores, ratios = (ends * np.log(10.0) - intercept) / slope, ends
    ratios = np.clip(ratios, -limit, limit)
    threshold = _threshold(sides, higher, scores, ratios)
    return Scale(tuple(scores.tolist()), tuple(ratios.tolist()), threshold, higher)


def held_out(
    pristine: Scored, altered: Scored, method: str, seed: int
) -> tuple[Scored, Scored, tuple[np.ndarray, np.ndarray]]:
    """The log10 LR of every patch, and whether it is called altered, by a scale that was fitted
    without the patch's photograph: 6 folds by photograph, one for each photograph below 6.

    Raises ValueError where the other photographs of a fold lack one side.
    """
    names, numbers = np.unique(
        np.concatenate([pristine.photographs, altered.photographs]), return_inverse=True
    )
    folds = next(deals(len(names), seed))[numbers]
    conditions = (pristine, altered)
    fold = (folds[: len(pristine.scores)], folds[len(pristine.scores) :])
    ratios = tuple(np.full(len(f), np.nan) for f in fold)
    called = tuple(np.zeros(len(f), bool) for f in fold)
    for number in range(folds.max() + 1):
        others = Sides.of(*(p[f != number] for p, f in zip(conditions, fold, strict=True)))
        if others.empty():
            raise ValueError(others.empty())
        scale = fit(others, method)
        for side, condition in enumerate(conditions):
            out = fold[side] == number
            ratios[side][out] = scale.ratios(condition.scores[out])
            called[side][out] = scale.called(condition.scores[out])
    return (
        Scored(ratios[0], pristine.photographs),
        Scored(ratios[1], altered.photographs),
        (called[0], called[1]),
    )


def _shares(sides: Sides) -> tuple[Floats, Floats]:
    """The weight of each distinct score for pristine and for altered, `[U]`; each adds up to 1."""
    own = (sides.photographs + 1) / (sides.photographs + 2)
    counts = [np.bincount(ranks, minlength=len(sides.values)) for ranks in sides.ranks]
    pristine, altered = (count / count.sum() for count in counts)
    return own * pristine + (1 - own) * altered, own * altered + (1 - own) * pristine


def _line(sides: Sides) -> tuple[float, float]:
    """Slope and intercept of the natural log LR."""
    from sklearn.linear_model import LogisticRegression

    # Scores of some detectors are near 1e5, of others near 1e-2: the solver wants neither.
    centre, spread = float(sides.values.mean()), float(sides.values.std()) or 1.0
    x = ((sides.values - centre) / spread)[:, None]
    labels = np.repeat([0, 1], len(x))
    model = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000)
    weights = np.concatenate(_shares(sides)) * sum(map(len, sides.scores))
    model.fit(np.concatenate([x, x]), labels, sample_weight=weights)
    slope = float(model.coef_[0, 0]) / spread
    return slope, float(model.intercept_[0]) - slope * centre


def _steps(sides: Sides, higher: bool) -> tuple[Floats, Floats]:
    """Scores and log10 LR by pool adjacent violators: the ends of its levels."""
    turn = slice(None, None, 1 if higher else -1)
    posterior = pool(*(share[turn] for share in _shares(sides)))[turn]
    ratios = np.log10(posterior) - np.log10(1.0 - posterior)
    inner = np.zeros(len(ratios), bool)
    inner[1:-1] = (ratios[1:-1] == ratios[:-2]) & (ratios[1:-1] == ratios[2:])
    return sides.values[~inner], ratios[~inner]


def _threshold(sides: Sides, higher: bool, scores: Floats, ratios: Floats) -> float:
    """In the middle of the gap of least error; of equal ones, where log10 LR is nearest to 0."""
    excess = sides.curves(np.ones((1, sides.photographs))).excess()[0]
    cuts = np.flatnonzero(excess == (excess.min() if higher else excess.max()))
    beyond = np.nextafter(sides.values[-1], np.inf)
    lower = np.concatenate([sides.values[:1], sides.values])[cuts]
    upper = np.append(sides.values, beyond)[cuts]
    # At an end the cut is beside the last score: there is no gap to be in the middle of.
    middle = np.where(cuts == len(sides.values), beyond, lower / 2 + upper / 2)
    return float(middle[np.abs(np.interp(middle, scores, ratios)).argmin()])
