"""The metrics of an estimator on one cell: what it says of each patch against the truth.

By name, and the mean over names that are of one sort (`group`), such as the steps of one table.
Intervals are 95 %, of 1,000 resamples of photographs, the same for all names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forensics.metrics import confidence
from forensics.metrics.confidence import Believed, Stated
from forensics.metrics.intervals import Floats, Integers, Value, estimate, ratio, totals
from forensics.traces.trace import Target

# What float32 leaves of a value such as 0.85, relative to its size.
_ROUNDING = 1e-6

# (true class, answer, patches)
Confusion = Sequence[tuple[float | str, float | str, int]]


@dataclass(frozen=True, eq=False)
class Estimated:
    """The answers of one name. values, true: float `[n]`, a value of NaN is a patch without an
    answer, which no metric counts; photographs: `[n]`; pristine: bool `[n]`, patches to which
    nothing was done, for which `true` is the value that says so; stated: how probable the answers
    were said to be. Several names are about the same patches in the same order."""

    values: NDArray[np.floating]
    true: NDArray[np.floating]
    photographs: NDArray[np.generic]
    pristine: NDArray[np.bool_]
    stated: Stated | None = None

    def answered(self) -> Estimated:
        """The patches with an answer."""
        there = ~np.isnan(self.values)
        return Estimated(
            self.values[there],
            self.true[there],
            self.photographs[there],
            self.pristine[there],
            None if self.stated is None else self.stated[there],
        )


def group(answered: Sequence[Target]) -> list[Target]:
    """Which of the names that were answered the headline is a mean of: those of the kind and unit
    that the first of them has."""
    return [truth for truth in answered if _sort(truth) == _sort(answered[0])]


def _sort(truth: Target) -> tuple[str, str]:
    return truth.kind, truth.unit


def right(truth: Target, values: Floats, true: Floats) -> NDArray[np.bool_]:
    """Whether answers are within the truth's tolerance. Steps and classes with words are whole
    numbers, so there an answer counts as the nearest one."""
    if truth.kind == "step" or truth.classes:
        values = np.round(values)
    return np.abs(values - true) <= truth.tolerance + _ROUNDING * np.maximum(1, np.abs(true))


def estimator_metrics(
    asked: Sequence[Target], answers: Mapping[str, Estimated], seed: int
) -> dict[str, Value]:
    """All metrics of a cell by name: first the means over the names of `group`, then `NAME:q1`
    of every name that was answered, in their order. asked: what the model may have answered.

    `accuracy`: the share of altered patches whose answer is `right`; where the truth's classes
    have words, being untouched is one of them, and pristine patches count too. `mse`, `mae`: the
    mean squared and absolute error on altered patches, n/a for classes with words.
    `mse_expectation`: that of the mean under the stated probabilities, which they make the least.
    `false_estimates`: of the pristine patches, the share that is not found to be so. Then, of the
    altered patches and over the names of `group`: `ece`, the expected calibration error, and
    `accuracy_80` and `accuracy_50`, the accuracy on the patches with the least entropy, added up
    over the names. `answered`: the share of altered patches, of those that have a truth, that all
    others are of; of `NAME:q1` also where it was never answered. What cannot be computed is a
    `Value` with a reason.
    """
    found = {name: one.answered() for name, one in answers.items()}
    photographs = np.unique(np.concatenate([one.photographs for one in found.values()]))
    shares = {f"answered:{t.name}": Value(_share_answered(answers[t.name])) for t in asked}
    if not len(photographs):
        none = Value(None, reason="no patch has an answer")
        return dict.fromkeys(_METRICS + _BELIEF, none) | {"answered": Value(0.0)} | shares
    answered = [truth for truth in asked if len(found[truth.name].values)]
    sums = {truth.name: _sums(truth, found[truth.name], photographs) for truth in answered}
    headline = [truth.name for truth in group(answered)]

    def statistic(weights: Floats) -> Floats:
        single = {name: _ratios(weights, above, below) for name, (above, below) in sums.items()}
        mean = np.mean([single[name] for name in headline], axis=0)
        return np.concatenate([mean, *single.values()])

    values = iter(estimate(statistic, len(photographs), seed))
    metrics = {
        f"{metric}{of}": _reasoned(metric, next(values), truth)
        for of, truth in [("", answered[0]), *((f":{truth.name}", truth) for truth in answered)]
        for metric in _METRICS
    }
    alike = [t for t in asked if _sort(t) == _sort(answered[0])]
    share = np.mean([shares[f"answered:{truth.name}"].value for truth in alike])
    metrics |= {"answered": Value(float(share))} | shares
    return metrics | _belief([truth for truth in answered if truth.name in headline], answers, seed)


def reliability(
    answered: Sequence[Target], answers: Mapping[str, Estimated], seed: int
) -> dict[str, Value] | None:
    """The reliability diagram of `confidence.reliability`, of all names of `group` together; None
    where no patch has a probability for each of them."""
    those = [answers[truth.name] for truth in group(answered)]
    there, photographs = _believed(those)
    if not there.any():
        return None
    return confidence.reliability(_together(those, there, photographs), len(photographs), seed)


def _belief(
    headline: Sequence[Target], answers: Mapping[str, Estimated], seed: int
) -> dict[str, Value]:
    """The metrics of `_BELIEF`."""
    those = [answers[truth.name] for truth in headline]
    there, photographs = _believed(those)
    if not there.any():
        return {name: Value(None, reason=_SILENT) for name in _BELIEF}
    together = _together(those, there, photographs)
    entropy = np.sum([one.stated.entropy[there] for one in those if one.stated], axis=0)
    hits = [
        right(truth, one.values[there].astype(float), one.true[there].astype(float))
        for truth, one in zip(headline, those, strict=True)
    ]
    owners = np.searchsorted(photographs, those[0].photographs[there])
    n = len(photographs)
    return {
        "ece": confidence.calibration_error(together, n, seed),
        **confidence.covered(entropy, np.mean(hits, axis=0), owners, n, seed),
    }


def _believed(
    those: Sequence[Estimated],
) -> tuple[NDArray[np.bool_], NDArray[np.generic]]:
    """Which altered patches have an answer with a probability for every name, and the photographs
    that they are of."""
    there = ~those[0].pristine
    for one in those:
        there &= False if one.stated is None else ~np.isnan(one.stated.answer + one.values)
    return there, np.unique(those[0].photographs[there])


def _together(
    those: Sequence[Estimated], there: NDArray[np.bool_], photographs: NDArray[np.generic]
) -> Believed:
    owners = np.searchsorted(photographs, those[0].photographs[there])
    return Believed(
        np.concatenate([one.stated.answer[there] for one in those if one.stated]),
        np.concatenate([np.round(one.values[there]) == one.true[there] for one in those]),
        np.tile(owners, len(those)),
    )


def confusion(truth: Target, answers: Estimated) -> Confusion | None:
    """How often each class was taken for which: (true, answer, patches), in the order of the
    classes; None where the truth is no class. Classes with words are named by them."""
    if truth.kind != "class":
        return None
    there = answers.answered()
    counted: Counter[tuple[float | str, float | str]] = Counter()
    for true, given in sorted(zip(there.true.tolist(), there.values.tolist(), strict=True)):
        counted[_word(truth, true), _word(truth, given)] += 1
    return [(true, given, count) for (true, given), count in counted.items()]


def _word(truth: Target, value: float) -> float | str:
    if not truth.classes:
        return float(f"{value:.6g}")
    number = round(value)
    return truth.classes[number] if 0 <= number < len(truth.classes) else "other"


_METRICS = ("accuracy", "mse", "mae", "mse_expectation", "false_estimates")
_BELIEF = ("ece", *(f"accuracy_{percent}" for percent in confidence.COVERAGES))
_SILENT = "it states no probabilities"


def _sums(truth: Target, one: Estimated, photographs: NDArray[np.generic]) -> tuple[Floats, Floats]:
    """Sums and counts of every metric in each photograph, float64 `[5, photographs]` each."""
    owners: Integers = np.searchsorted(photographs, one.photographs)
    values, true = one.values.astype(np.float64), one.true.astype(np.float64)
    hits, errors = right(truth, values, true), np.abs(values - true)
    altered = ~one.pristine
    judged = altered | bool(truth.classes)
    measured = altered & (not truth.classes)
    mean = np.full_like(values, np.nan) if one.stated is None else one.stated.mean
    stated = measured & ~np.isnan(mean)
    rows = [
        (hits * judged, judged),
        (errors**2 * measured, measured),
        (errors * measured, measured),
        (np.where(stated, mean - true, 0) ** 2, stated),
        (~hits * one.pristine, one.pristine),
    ]
    above, below = (
        np.stack([totals(row[side].astype(np.float64), owners, len(photographs)) for row in rows])
        for side in (0, 1)
    )
    return above, below


def _share_answered(one: Estimated) -> float:
    """The share of altered patches with a truth that have an answer; 1 where there are none."""
    due = ~one.pristine & ~np.isnan(one.true)
    return float((~np.isnan(one.values[due])).mean()) if due.any() else 1.0


def _ratios(weights: Floats, above: Floats, below: Floats) -> Floats:
    """`[5, R]` of weights `[R, photographs]`."""
    return ratio(above @ weights.T, below @ weights.T)


def _reasoned(metric: str, value: Value, truth: Target) -> Value:
    """n/a with the reason where there was nothing to measure."""
    if value.value is not None and not np.isnan(value.value):
        return value
    if metric in ("mse", "mae", "mse_expectation") and truth.classes:
        return Value(None, reason="classes have no distance")
    if metric == "mse_expectation":
        return Value(None, reason=_SILENT)
    if metric == "false_estimates":
        return Value(None, reason="no pristine patch has an answer")
    return Value(None, reason="no altered patch has an answer")
