"""The metrics of an estimator on one cell: its answers against the ground truth.

Each target has its metrics. Targets of one kind and unit (`group`), such as the steps of a
quantisation table, have their mean as well. Intervals are 95 %, of 1,000 resamples of photographs,
the same for all targets.
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
from forensics.models.beliefs import SILENT
from forensics.traces.trace import Target

# What float32 leaves of a value such as 0.85, relative to its size.
_ROUNDING = 1e-6

# (true class, answer, how many patches)
Confusion = Sequence[tuple[float | str, float | str, int]]


@dataclass(frozen=True, eq=False)
class Estimated:
    """The answers for one target, over n patches; all targets have the same patches in the same
    order.

    values: float `[n]`, NaN for a patch without an answer, which no metric counts; true: float
    `[n]`, the ground truth, on pristine patches the target's `none`; photographs: `[n]`, the
    photograph of each patch; pristine: bool `[n]`; stated: the probabilities that came with the
    answers.
    """

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
    """The answered targets whose mean is the headline: those of the first one's kind and unit."""
    return [target for target in answered if _sort(target) == _sort(answered[0])]


def _sort(target: Target) -> tuple[str, str]:
    return target.kind, target.unit


def exact(target: Target) -> bool:
    """Whether answers are right or wrong at all: real values without a tolerance have errors."""
    return target.kind != "real" or target.tolerance > 0


def right(target: Target, values: Floats, true: Floats) -> NDArray[np.bool_]:
    """Whether each answer is within the target's tolerance of the truth, bool `[n]`. Steps and
    classes with words are whole numbers: there an answer is rounded first."""
    if target.kind == "step" or target.classes:
        values = np.round(values)
    return np.abs(values - true) <= target.tolerance + _ROUNDING * np.maximum(1, np.abs(true))


def estimator_metrics(
    asked: Sequence[Target], answers: Mapping[str, Estimated], seed: int
) -> dict[str, Value]:
    """All metrics of a cell by name: the means over the targets of `group`, then the same for each
    answered target, as `accuracy:q1`. asked: the targets that the model may answer.

    - `accuracy`: share of altered patches with a right answer (`right`). Where the classes have
      words, 'untouched' is one of them, and pristine patches count too.
    - `mse`, `mae`, `bias`: mean squared, mean absolute and mean error (answer less truth) on
      altered patches; n/a for classes with words.
    - `mse_expectation`: mean squared error of the expectation under the stated probabilities.
    - `false_estimates`: share of pristine patches that are not recognised as pristine.
    - `answered`: share of altered patches with a ground truth that were answered. All metrics
      above are of these patches.

    Real values without a tolerance are neither right nor wrong: what counts right ones is n/a.

    Of the altered patches, over the targets of `group` together:

    - `ece`: expected calibration error.
    - `accuracy_80`, `accuracy_50`: accuracy on the 80 % and the 50 % of patches with the least
      entropy, summed over the targets.

    What cannot be computed is a `Value` with a reason.
    """
    kept = {name: one.answered() for name, one in answers.items()}
    photographs = np.unique(np.concatenate([one.photographs for one in kept.values()]))
    shares = {f"answered:{t.name}": Value(_share_answered(answers[t.name])) for t in asked}
    if not len(photographs):
        none = Value(None, reason="no patch has an answer")
        return dict.fromkeys(_METRICS + _BELIEF, none) | {"answered": Value(0.0)} | shares
    answered = [target for target in asked if len(kept[target.name].values)]
    sums = {target.name: _sums(target, kept[target.name], photographs) for target in answered}
    headline = [target.name for target in group(answered)]

    def statistic(weights: Floats) -> Floats:
        single = {name: _ratios(weights, above, below) for name, (above, below) in sums.items()}
        mean = np.mean([single[name] for name in headline], axis=0)
        return np.concatenate([mean, *single.values()])

    values = iter(estimate(statistic, len(photographs), seed))
    metrics = {
        f"{metric}{of}": _reasoned(metric, next(values), target)
        for of, target in [("", answered[0]), *((f":{target.name}", target) for target in answered)]
        for metric in _METRICS
    }
    alike = [t for t in asked if _sort(t) == _sort(answered[0])]
    share = np.mean([shares[f"answered:{target.name}"].value for target in alike])
    metrics |= {"answered": Value(float(share))} | shares
    believed = [target for target in answered if target.name in headline]
    return metrics | _belief(believed, answers, seed)


def reliability(
    answered: Sequence[Target], answers: Mapping[str, Estimated], seed: int
) -> dict[str, Value] | None:
    """The reliability diagram (`confidence.reliability`) of all targets of `group` together; None
    where no patch has a probability for each of them."""
    headline = [answers[target.name] for target in group(answered)]
    probable, photographs = _believed(headline)
    if not probable.any():
        return None
    return confidence.reliability(
        _together(headline, probable, photographs), len(photographs), seed
    )


def _belief(
    headline: Sequence[Target], answers: Mapping[str, Estimated], seed: int
) -> dict[str, Value]:
    """The metrics of `_BELIEF`."""
    targets = [answers[target.name] for target in headline]
    probable, photographs = _believed(targets)
    if not probable.any():
        return {name: Value(None, reason=SILENT) for name in _BELIEF}
    together = _together(targets, probable, photographs)
    if not all(map(exact, headline)):
        return {name: Value(None, reason=INEXACT) for name in _BELIEF}
    entropy = np.sum([one.stated.entropy[probable] for one in targets if one.stated], axis=0)
    hits = [
        right(target, one.values[probable].astype(float), one.true[probable].astype(float))
        for target, one in zip(headline, targets, strict=True)
    ]
    owners = np.searchsorted(photographs, targets[0].photographs[probable])
    n = len(photographs)
    return {
        "ece": confidence.calibration_error(together, n, seed),
        **confidence.covered(entropy, np.mean(hits, axis=0), owners, n, seed),
    }


def _believed(
    targets: Sequence[Estimated],
) -> tuple[NDArray[np.bool_], NDArray[np.generic]]:
    """Which altered patches have a probable answer for every target, bool `[n]`, and their
    photographs."""
    probable = ~targets[0].pristine
    for one in targets:
        probable &= False if one.stated is None else ~np.isnan(one.stated.answer + one.values)
    return probable, np.unique(targets[0].photographs[probable])


def _together(
    targets: Sequence[Estimated], probable: NDArray[np.bool_], photographs: NDArray[np.generic]
) -> Believed:
    owners = np.searchsorted(photographs, targets[0].photographs[probable])
    # Whole numbers are rounded to, other values are stated as they are.
    hits = [
        (np.round(one.values) == one.true)
        | (np.abs(one.values - one.true) <= _ROUNDING * np.maximum(1, np.abs(one.true)))
        for one in targets
    ]
    return Believed(
        np.concatenate([one.stated.answer[probable] for one in targets if one.stated]),
        np.concatenate([hit[probable] for hit in hits]),
        np.tile(owners, len(targets)),
    )


def confusion(target: Target, answers: Estimated) -> Confusion | None:
    """How many patches of each class got which answer: (true class, answer, patches), in the order
    of the classes; None where the target is no class. Classes with words go by their words."""
    if target.kind != "class":
        return None
    answered = answers.answered()
    counted: Counter[tuple[float | str, float | str]] = Counter()
    for true, answer in sorted(zip(answered.true.tolist(), answered.values.tolist(), strict=True)):
        counted[_word(target, true), _word(target, answer)] += 1
    return [(true, answer, count) for (true, answer), count in counted.items()]


def _word(target: Target, value: float) -> float | str:
    if not target.classes:
        return float(f"{value:.6g}")
    number = round(value)
    return target.classes[number] if 0 <= number < len(target.classes) else "other"


_METRICS = ("accuracy", "mse", "mae", "mse_expectation", "false_estimates", "bias")
# Those that count right answers.
_COUNTED = ("accuracy", "false_estimates")
INEXACT = "a real value without a tolerance has errors only: mae, bias"
_BELIEF = ("ece", *(f"accuracy_{percent}" for percent in confidence.COVERAGES))


def _sums(
    target: Target, one: Estimated, photographs: NDArray[np.generic]
) -> tuple[Floats, Floats]:
    """Sums and counts of every metric by photograph, float64 `[6, photographs]` each."""
    owners: Integers = np.searchsorted(photographs, one.photographs)
    values, true = one.values.astype(np.float64), one.true.astype(np.float64)
    hits, errors = right(target, values, true), np.abs(values - true)
    altered = ~one.pristine
    judged = (altered | bool(target.classes)) & exact(target)
    measured = altered & (not target.classes)
    mean = np.full_like(values, np.nan) if one.stated is None else one.stated.mean
    stated = measured & ~np.isnan(mean)
    rows = [
        (hits * judged, judged),
        (errors**2 * measured, measured),
        (errors * measured, measured),
        (np.where(stated, mean - true, 0) ** 2, stated),
        (~hits * one.pristine, one.pristine & exact(target)),
        ((values - true) * measured, measured),
    ]
    above, below = (
        np.stack([totals(row[side].astype(np.float64), owners, len(photographs)) for row in rows])
        for side in (0, 1)
    )
    return above, below


def _share_answered(one: Estimated) -> float:
    """Share of altered patches with a ground truth that were answered; 1 where there are none."""
    due = ~one.pristine & ~np.isnan(one.true)
    return float((~np.isnan(one.values[due])).mean()) if due.any() else 1.0


def _ratios(weights: Floats, above: Floats, below: Floats) -> Floats:
    """`[6, R]` of weights `[R, photographs]`."""
    return ratio(above @ weights.T, below @ weights.T)


def _reasoned(metric: str, value: Value, target: Target) -> Value:
    """n/a with the reason where there was nothing to measure."""
    if value.value is not None and not np.isnan(value.value):
        return value
    if metric in _COUNTED and not exact(target):
        return Value(None, reason=INEXACT)
    if metric in ("mse", "mae", "mse_expectation", "bias") and target.classes:
        return Value(None, reason="classes have no distance")
    if metric == "mse_expectation":
        return Value(None, reason=SILENT)
    if metric == "false_estimates":
        return Value(None, reason="no pristine patch has an answer")
    return Value(None, reason="no altered patch has an answer")
