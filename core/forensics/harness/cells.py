"""From rows to cells: metrics of every model on every point, and what each attack costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from forensics.harness import calibrated, identity
from forensics.harness.plan import COST, COST_NAMES, Cell, Plan, Population
from forensics.harness.store import Rows
from forensics.histories import SLOT
from forensics.metrics.cost import mean_with_interval
from forensics.metrics.detection import Scored, detector_metrics
from forensics.metrics.intervals import Value


@dataclass(frozen=True)
class Column:
    """One population's rows of one name: values, the photographs they belong to, places."""

    values: np.ndarray
    photographs: np.ndarray
    places: np.ndarray
    reasons: tuple[str | None, ...]

    def scored(self) -> Scored:
        """As the metrics take them."""
        return Scored(self.values, self.photographs, self.places)


def column(
    plan: Plan, stored: Mapping[str, Rows], population: Population, model: str, name: str
) -> Column:
    """The planned rows that are stored, in the order of photographs and places."""
    values, owners, places, reasons = [], [], [], []
    for number, photograph in enumerate(plan.photographs):
        rows = stored.get(photograph.sha256, {})
        have = rows.get((population.digest, plan.hashes[model], name), {})
        for y, x in plan.places[population.trace.name].get(photograph.sha256, []):
            if (y, x) in have:
                value, reason = have[y, x]
                values.append(value)
                owners.append(number)
                places.append((y, x))
                reasons.append(reason)
    keys = np.asarray(places, np.int64).reshape(len(places), 2)
    return Column(np.asarray(values, float), np.asarray(owners, int), keys, tuple(reasons))


def summarise(
    plan: Plan, stored: Mapping[str, Rows], failures: Mapping[str, str], skipped: int
) -> list[dict[str, Any]]:
    """Every cell of the plan as plain values, ready for JSON. skipped: photographs left out."""
    costs: dict[str, dict[str, Any] | None] = {}
    cells = []
    for cell in plan.cells:
        if cell.attacker is not None and cell.altered.digest not in costs:
            costs[cell.altered.digest] = _cost(plan, stored, cell)
        cost = costs.get(cell.altered.digest) if cell.attacker is not None else None
        cells.append(_cell(plan, stored, failures, cell) | {"skipped": skipped, "cost": cost})
    return cells


def _cell(
    plan: Plan, stored: Mapping[str, Rows], failures: Mapping[str, str], cell: Cell
) -> dict[str, Any]:
    reason = cell.reason
    for one in (*_steps(cell), str(cell.model)):
        if one in failures:
            reason = f"{one} raised {failures[one].strip().splitlines()[-1]}"
    metrics: dict[str, Any] = {}
    n = n_na = photographs = 0
    if reason is None and cell.model is not None:
        pristine, altered, clean = (
            column(plan, stored, population, str(cell.model), "score")
            for population in (cell.pristine, cell.altered, cell.clean)
        )
        scored = ~np.isnan(altered.values)
        n, n_na = int(scored.sum()), int((~scored).sum())
        photographs = len(np.unique(altered.photographs[scored]))
        values = detector_metrics(
            pristine.scored(),
            altered.scored(),
            clean.scored() if cell.attacker is not None else None,
            plan.settings.seed,
        )
        values |= calibrated.metrics(
            plan, cell.model, cell.trace.name, pristine.scored(), altered.scored()
        )
        metrics = {name: _plain(value) for name, value in values.items()}
        if n == 0:
            reason = next((r for r in altered.reasons if r), "no photograph could be used")
    return {
        "trace": cell.trace.name,
        "point": dict(cell.point),
        "attack": str(cell.attacker) if cell.attacker is not None else None,
        "model": str(cell.model) if cell.model is not None else None,
        "kind": "detector" if cell.model is not None else None,
        "n": n,
        "n_na": n_na,
        "photographs": photographs,
        "trained": identity.trained(cell.model) if cell.model is not None else None,
        "metrics": metrics,
        "na": reason,
    }


def _steps(cell: Cell) -> list[str]:
    """The texts of every step that this cell rests on, its attacker among them."""
    populations = (cell.pristine, cell.altered, cell.clean)
    return [step.text(dict(p.point)) for p in populations for step in p.history.steps]


def _plain(value: Value) -> dict[str, Any]:
    plain: dict[str, Any] = {"value": value.value, "low": value.low, "high": value.high}
    if value.reason is not None:
        plain["na"] = value.reason
    return plain


def _cost(plan: Plan, stored: Mapping[str, Rows], cell: Cell) -> dict[str, Any] | None:
    columns = {n: column(plan, stored, cell.altered, COST, n) for n in COST_NAMES}
    if not len(columns["psnr"].values) or np.isnan(columns["psnr"].values).all():
        return None
    seed = plan.settings.seed
    cost: dict[str, Any] = {
        name: _plain(mean_with_interval(c.values, c.photographs, seed))
        for name, c in columns.items()
    }
    return cost | {"against": _reference(cell.altered)}


def _reference(population: Population) -> str:
    """What the attacked image was compared with, in words."""
    steps = population.template.steps
    slot = next(n for n, step in enumerate(steps) if step.name == SLOT)
    if slot == 0:
        return "the attacker's input"
    before = steps[slot - 1]
    if before.geometric:
        return "the attacker's input"
    return f"the image before {before.text(dict(population.point))}"
