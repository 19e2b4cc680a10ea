"""From the rows of a cell to its metrics, by the kind of its model."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from forensics import random
from forensics.bench.conditions import ESTIMATE, HEAT, SCORE, Cell, Condition, Plan
from forensics.bench.store import Rows
from forensics.metrics.confidence import Stated
from forensics.metrics.detection import Scored, detector_metrics
from forensics.metrics.estimation import (
    Confusion,
    Estimated,
    confusion,
    estimator_metrics,
    group,
    reliability,
)
from forensics.metrics.intervals import Floats, Value
from forensics.metrics.localization import Mapped, localizer_metrics
from forensics.metrics.mask_histogram import MaskHistogram
from forensics.models.selection import Model

Stored = Mapping[str, Rows]


@dataclass(frozen=True)
class Column:
    """The n rows of one name of some conditions. values: float `[n]`; photographs: int `[n]`,
    numbers in the plan; positions: int64 `[n, 3]`, y, x and the number of the condition; reasons:
    why a value is missing; evidence: packed histograms of maps or stated probabilities."""

    values: np.ndarray
    photographs: np.ndarray
    positions: np.ndarray
    reasons: tuple[str | None, ...]
    evidence: tuple[bytes | None, ...]

    def scored(self) -> Scored:
        """As the metrics of detectors take them."""
        return Scored(self.values, self.photographs, self.positions)


@dataclass(frozen=True)
class Figures:
    """The figures of a cell. n, n_pristine: altered and pristine patches with an answer; reasons:
    patches of all sides without one, by reason; photographs: how many the n come from; names: the
    targets whose mean an estimator's headline is; confusion: by target; reliability: the diagram
    of its probabilities; reason: why there are no figures; sides: a detector's scores, pristine
    and altered."""

    n: int = 0
    n_pristine: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    photographs: int = 0
    metrics: Mapping[str, Value] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    confusion: Mapping[str, Confusion] | None = None
    reliability: Mapping[str, Value] | None = None
    reason: str | None = None
    sides: tuple[Scored, Scored] | None = None


class Calibrations(Protocol):
    """Calibrations of detectors, applied to scores when a run is summarised. The rows know nothing
    of them; `calibration.applying.StoredCards` is one."""

    def metrics(
        self, plan: Plan, model: Model, trace: str, pristine: Scored, altered: Scored
    ) -> dict[str, Value]:
        """Metrics of the calibrated scores of a model on a trace."""

    def described(self, plan: Plan, model: Model, traces: Iterable[str]) -> dict[str, Any]:
        """By trace, the calibration that counts for a model, as plain values."""


def column(
    plan: Plan, stored: Stored, conditions: Iterable[Condition], model: str, name: str
) -> Column:
    """The planned rows that are stored, in the order of conditions, photographs and positions."""
    values, owners, positions, reasons, evidence = [], [], [], [], []
    for which, condition in enumerate(conditions):
        for number, photograph in enumerate(plan.photographs):
            rows = stored.get(photograph.sha256, {})
            have = rows.get((condition.digest, plan.hashes[model], name), {})
            for y, x in plan.positions[condition.sample].get(photograph.sha256, []):
                if (y, x) in have:
                    value, reason, said = have[y, x]
                    values.append(value)
                    owners.append(number)
                    positions.append((y, x, which))
                    reasons.append(reason)
                    evidence.append(said)
    keys = np.asarray(positions, np.int64).reshape(len(positions), 3)
    return Column(
        np.asarray(values, float), np.asarray(owners, int), keys, tuple(reasons), tuple(evidence)
    )


def detector(plan: Plan, stored: Stored, cell: Cell) -> Figures:
    """Scores of the pristine side against those of all altered sides together."""
    pristine, altered, metrics = _against(plan, stored, cell, SCORE)
    counted = _counted(pristine, altered, metrics)
    return replace(counted, sides=(pristine.scored(), altered.scored()))


def localizer(plan: Plan, stored: Stored, cell: Cell) -> Figures:
    """Maps of the altered sides against their masks; where there is a pristine side, also the
    image scores of the localizer as those of a detector."""
    pristine, altered, against = _against(plan, stored, cell, HEAT)
    there = [n for n, said in enumerate(altered.evidence) if said is not None]
    maps = [MaskHistogram.unpack(altered.evidence[n] or b"") for n in there]
    metrics = localizer_metrics(Mapped(maps, altered.photographs[there]), plan.settings.seed)
    if cell.pristine:
        metrics |= against
    return _counted(pristine, altered, metrics)


def estimator(plan: Plan, stored: Stored, cell: Cell) -> Figures:
    """Answers on all sides against the ground truth of the side."""
    answers: dict[str, Estimated] = {}
    judged = _Judged()
    conditions = [p for of_side in cell.sides.values() for p in of_side]
    truths: dict[tuple[bytes, bytes], tuple[dict[str, Floats], NDArray[np.bool_]]] = {}
    columns = {
        target: column(plan, stored, conditions, str(cell.model), ESTIMATE + target.name)
        for target in cell.trace.targets
    }
    # For targets that a model does not know there are rows only where it refused the patch.
    most = max(len(rows.values) for rows in columns.values())
    for target, rows in columns.items():
        # Most targets have the same patches, whose truth is looked up once.
        patches_of = (rows.photographs.tobytes(), rows.positions.tobytes())
        if patches_of not in truths:
            truths[patches_of] = _true(plan, cell, rows)
        true, pristine = truths[patches_of][0][target.name], truths[patches_of][1]
        # A patch without a truth, such as a first step without a first JPEG, is not judged.
        values = np.where(np.isnan(true), np.nan, rows.values)
        if len(values) == most:
            stated = Stated.unpack(rows.evidence)
            answers[target.name] = Estimated(values, true, rows.photographs, pristine, stated)
        judged.add(rows, true, pristine)
    owners = judged.answered(pristine=False)
    if not owners:
        names = ", ".join(target.name for target in cell.trace.targets)
        reason = next(iter(judged.reasons()), f"it estimates none of {names}")
        n_pristine = len(judged.answered(pristine=True))
        return Figures(n_pristine=n_pristine, reasons=judged.reasons(), reason=reason)
    asked = [target for target in cell.trace.targets if target.name in answers]
    known = [target for target in asked if not np.isnan(answers[target.name].values).all()]
    confusions = {target.name: confusion(target, answers[target.name]) for target in known}
    return Figures(
        len(owners),
        len(judged.answered(pristine=True)),
        judged.reasons(),
        len(set(owners)),
        estimator_metrics(asked, answers, plan.settings.seed),
        tuple(target.name for target in group(known)),
        {name: counts for name, counts in confusions.items() if counts},
        reliability(known, answers, plan.settings.seed),
    )


class _Judged:
    """The patches that have a truth for some target of an estimator, and whether it has an answer
    for any of these."""

    def __init__(self) -> None:
        # By photograph and position: pristine, answered, and why not.
        self._patches: dict[tuple[int, ...], tuple[bool, bool, str | None]] = {}

    def add(self, rows: Column, true: Floats, pristine: NDArray[np.bool_]) -> None:
        """The rows of one target, its truth, NaN where it has none, and which are pristine."""
        keys = np.column_stack([rows.photographs, rows.positions])
        for n in np.flatnonzero(~np.isnan(true)).tolist():
            key = tuple(keys[n].tolist())
            _, answered, reason = self._patches.get(key, (False, False, None))
            here = not math.isnan(rows.values[n])
            self._patches[key] = bool(pristine[n]), answered or here, reason or rows.reasons[n]

    def answered(self, pristine: bool) -> list[int]:
        """The photograph of every answered patch of a side."""
        patches = self._patches.items()
        return [key[0] for key, (side, yes, _) in patches if yes and side == pristine]

    def reasons(self) -> dict[str, int]:
        """How many patches of all sides have no answer, by reason."""
        blank = (reason for _, yes, reason in self._patches.values() if not yes and reason)
        return dict(Counter(blank).most_common())


def _true(plan: Plan, cell: Cell, rows: Column) -> tuple[dict[str, Floats], NDArray[np.bool_]]:
    """The ground truth of a column's patches by target, NaN where there is none, and which patches
    are pristine."""
    keys = [
        random.key(plan.settings.seed, plan.photographs[owner].sha256, y, x)
        for owner, (y, x, _) in zip(rows.photographs.tolist(), rows.positions.tolist(), strict=True)
    ]
    drawn = cell.trace.drawn(torch.tensor(keys, dtype=torch.int64))
    true = {target.name: np.full(len(keys), np.nan) for target in cell.trace.targets}
    pristine = np.zeros(len(keys), bool)
    parts = [(side, point) for side in cell.sides for point in cell.points]
    for which, (side, point) in enumerate(parts):
        here = np.flatnonzero(rows.positions[:, 2] == which)
        values = {name: value[torch.from_numpy(here)] for name, value in drawn.items()}
        for name, values_here in cell.trace.answers(side, dict(point) | values, len(here)).items():
            true[name][here] = values_here.numpy()
        pristine[here] = side == "pristine"
    return true, pristine


def _against(
    plan: Plan, stored: Stored, cell: Cell, name: str
) -> tuple[Column, Column, dict[str, Value]]:
    """The pristine and the altered sides, and the metrics of a detector that tells them apart."""
    pristine, altered, clean = (
        column(plan, stored, conditions, str(cell.model), name)
        for conditions in (cell.pristine, cell.altered, cell.before)
    )
    before = clean.scored() if cell.attacker is not None else None
    metrics = detector_metrics(pristine.scored(), altered.scored(), before, plan.settings.seed)
    return pristine, altered, metrics


def _counted(pristine: Column, altered: Column, metrics: Mapping[str, Value]) -> Figures:
    there = ~np.isnan(altered.values)
    reasons = Counter(
        reason for side in (altered, pristine) for reason in side.reasons if reason is not None
    )
    return Figures(
        int(there.sum()),
        int((~np.isnan(pristine.values)).sum()),
        dict(reasons.most_common()),
        len(np.unique(altered.photographs[there])),
        metrics,
        reason=next((r for r in altered.reasons if r), None),
    )


FIGURES: dict[str, Callable[[Plan, Stored, Cell], Figures]] = {
    "detector": detector,
    "estimator": estimator,
    "localizer": localizer,
}
