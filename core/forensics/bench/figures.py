"""From the rows of a cell to its metrics, for each kind of model."""

from __future__ import annotations

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
    """Conditions' rows of one name: values, the photographs they belong to, positions (y, x, which
    condition), reasons, and what their maps say of their masks."""

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
    """What a cell says. n, n_na: altered patches with and without an answer; photographs: that
    those with an answer come from; names: that the headline of an estimator is a mean of;
    confusion: of its classes, by name; reliability: the diagram of its probabilities; reason: why
    one of the altered has no answer."""

    n: int = 0
    n_na: int = 0
    photographs: int = 0
    metrics: Mapping[str, Value] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    confusion: Mapping[str, Confusion] | None = None
    reliability: Mapping[str, Value] | None = None
    reason: str | None = None
    sides: tuple[Scored, Scored] | None = None


class Calibrations(Protocol):
    """What is known beside the rows, and applied to the scores of detectors (`calibration`)."""

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
    """Altered sides, all together, against the pristine one."""
    altered = _altered(plan, stored, cell, SCORE)
    pristine = column(plan, stored, cell.pristine, str(cell.model), SCORE).scored()
    metrics = _against(plan, stored, cell, SCORE)
    return replace(_counted(altered, metrics), sides=(pristine, altered.scored()))


def localizer(plan: Plan, stored: Stored, cell: Cell) -> Figures:
    """Maps of the altered sides against their masks and, where there is a pristine side, the
    score of the image as a detector's."""
    altered = _altered(plan, stored, cell, HEAT)
    there = [n for n, said in enumerate(altered.evidence) if said is not None]
    maps = [MaskHistogram.unpack(altered.evidence[n] or b"") for n in there]
    metrics = localizer_metrics(Mapped(maps, altered.photographs[there]), plan.settings.seed)
    if cell.pristine:
        metrics |= _against(plan, stored, cell, HEAT)
    return _counted(altered, metrics)


def estimator(plan: Plan, stored: Stored, cell: Cell) -> Figures:
    """What is said of the patches of every side, against the truth that they have there."""
    answers: dict[str, Estimated] = {}
    reasons: list[str | None] = []
    answered: dict[tuple[int, ...], bool] = {}  # of the altered patches: of any name
    conditions = [p for those in cell.sides.values() for p in those]
    targets: dict[tuple[bytes, bytes], tuple[dict[str, Floats], NDArray[np.bool_]]] = {}
    columns = {
        target: column(plan, stored, conditions, str(cell.model), ESTIMATE + target.name)
        for target in cell.trace.targets
    }
    # Of names that a model does not know there are rows only where it refused the patch.
    most = max(len(given.values) for given in columns.values())
    for target, given in columns.items():
        patches_of = (
            given.photographs.tobytes(),
            given.positions.tobytes(),
        )  # often those of all names
        if patches_of not in targets:
            targets[patches_of] = _true(plan, cell, given)
        true, pristine = targets[patches_of][0][target.name], targets[patches_of][1]
        # What has no truth, such as the first step where there was none, is not judged.
        values = np.where(np.isnan(true), np.nan, given.values)
        if len(values) == most:
            stated = Stated.unpack(given.evidence)
            answers[target.name] = Estimated(values, true, given.photographs, pristine, stated)
        reasons += given.reasons
        patches = np.column_stack([given.photographs, given.positions])[~pristine].tolist()
        for patch, blank in zip(patches, np.isnan(values[~pristine]).tolist(), strict=True):
            answered[tuple(patch)] = answered.get(tuple(patch), False) or not blank
    n = sum(answered.values())
    if not n:
        names = ", ".join(target.name for target in cell.trace.targets)
        reason = next((r for r in reasons if r), f"it estimates none of {names}")
        return Figures(n_na=len(answered), reason=reason)
    asked = [target for target in cell.trace.targets if target.name in answers]
    known = [target for target in asked if not np.isnan(answers[target.name].values).all()]
    confusions = {target.name: confusion(target, answers[target.name]) for target in known}
    return Figures(
        n,
        len(answered) - n,
        len({patch[0] for patch, found in answered.items() if found}),
        estimator_metrics(asked, answers, plan.settings.seed),
        tuple(target.name for target in group(known)),
        {name: found for name, found in confusions.items() if found},
        reliability(known, answers, plan.settings.seed),
    )


def _true(plan: Plan, cell: Cell, given: Column) -> tuple[dict[str, Floats], NDArray[np.bool_]]:
    """The truth of the patches of a column over all sides by name, NaN where there is none; and
    which are of the pristine side."""
    keys = [
        random.key(plan.settings.seed, plan.photographs[owner].sha256, y, x)
        for owner, (y, x, _) in zip(
            given.photographs.tolist(), given.positions.tolist(), strict=True
        )
    ]
    drawn = cell.trace.drawn(torch.tensor(keys, dtype=torch.int64))
    true = {target.name: np.full(len(keys), np.nan) for target in cell.trace.targets}
    pristine = np.zeros(len(keys), bool)
    parts = [(side, point) for side in cell.sides for point in cell.points]
    for which, (side, point) in enumerate(parts):
        here = np.flatnonzero(given.positions[:, 2] == which)
        values = {name: value[torch.from_numpy(here)] for name, value in drawn.items()}
        for name, found in cell.trace.answers(side, dict(point) | values, len(here)).items():
            true[name][here] = found.numpy()
        pristine[here] = side == "pristine"
    return true, pristine


def _altered(plan: Plan, stored: Stored, cell: Cell, name: str) -> Column:
    return column(plan, stored, cell.altered, str(cell.model), name)


def _against(plan: Plan, stored: Stored, cell: Cell, name: str) -> dict[str, Value]:
    """The metrics of a detector: the altered sides against the pristine one."""
    pristine, altered, clean = (
        column(plan, stored, conditions, str(cell.model), name).scored()
        for conditions in (cell.pristine, cell.altered, cell.before)
    )
    before = clean if cell.attacker is not None else None
    return detector_metrics(pristine, altered, before, plan.settings.seed)


def _counted(altered: Column, metrics: Mapping[str, Value]) -> Figures:
    there = ~np.isnan(altered.values)
    return Figures(
        int(there.sum()),
        int((~there).sum()),
        len(np.unique(altered.photographs[there])),
        metrics,
        reason=next((r for r in altered.reasons if r), None),
    )


FIGURES: dict[str, Callable[[Plan, Stored, Cell], Figures]] = {
    "detector": detector,
    "estimator": estimator,
    "localizer": localizer,
}
