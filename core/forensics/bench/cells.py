"""From rows to cells: metrics of every model on every point, and what each attack costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from forensics.bench import identity
from forensics.bench.conditions import COST, COST_NAMES, Cell, Condition, Plan
from forensics.bench.figures import FIGURES, Figures, column
from forensics.bench.store import Rows
from forensics.histories.history import SLOT
from forensics.metrics.cost import mean_with_interval
from forensics.metrics.intervals import Value

# What an attacked image is compared with where nothing was done before the attack, or what was
# done moved pixels.
INPUT = "the attacker's input"


def summarise(
    plan: Plan, stored: Mapping[str, Rows], failures: Mapping[str, str], skipped: int
) -> list[dict[str, Any]]:
    """Every cell of the plan as plain values, ready for JSON. skipped: photographs left out."""
    costs: dict[tuple[str, ...], dict[str, Any] | None] = {}
    cells = []
    for cell in plan.cells:
        attacked = tuple(p.digest for p in cell.altered)
        if cell.attacker is not None and attacked not in costs:
            costs[attacked] = _cost(plan, stored, cell)
        cost = costs[attacked] if cell.attacker is not None else None
        cells.append(_cell(plan, stored, failures, cell) | {"skipped": skipped, "cost": cost})
    return cells


def _cell(
    plan: Plan, stored: Mapping[str, Rows], failures: Mapping[str, str], cell: Cell
) -> dict[str, Any]:
    reason = cell.reason
    for one in (*_steps(cell), str(cell.model)):
        if one in failures:
            reason = f"{one} raised {failures[one].strip().splitlines()[-1]}"
    found = Figures()
    if reason is None and cell.kind is not None:
        found = FIGURES[cell.kind](plan, stored, cell)
        if found.n == 0:
            reason = found.reason or "no photograph could be used"
    return {
        "trace": cell.trace.name,
        "point": dict(cell.point),
        "attack": str(cell.attacker) if cell.attacker is not None else None,
        "model": str(cell.model) if cell.model is not None else None,
        "kind": cell.kind,
        "n": found.n,
        "n_na": found.n_na,
        "photographs": found.photographs,
        "trained": identity.trained(cell.model) if cell.model is not None else None,
        "metrics": {name: _plain(value) for name, value in found.metrics.items()},
        "names": list(found.names),
        "confusion": found.confusion,
        "reliability": found.reliability
        and {name: _plain(value) for name, value in found.reliability.items()},
        "na": reason,
    }


def _steps(cell: Cell) -> list[str]:
    """The texts of every step that this cell rests on, its attacker among them."""
    return [step.text(dict(p.point)) for p in cell.needed for step in p.history.steps]


def _plain(value: Value) -> dict[str, Any]:
    plain: dict[str, Any] = {"value": value.value, "low": value.low, "high": value.high}
    if value.reason is not None:
        plain["na"] = value.reason
    return plain


def _cost(plan: Plan, stored: Mapping[str, Rows], cell: Cell) -> dict[str, Any] | None:
    altered = cell.altered
    columns = {n: column(plan, stored, altered, COST, n) for n in COST_NAMES}
    if not len(columns["psnr"].values) or np.isnan(columns["psnr"].values).all():
        return None
    seed = plan.settings.seed
    cost: dict[str, Any] = {
        name: _plain(mean_with_interval(c.values, c.photographs, seed))
        for name, c in columns.items()
    }
    return cost | {"against": " or ".join(dict.fromkeys(map(_reference, altered)))}


def _reference(condition: Condition) -> str:
    """What the attacked image was compared with, in words."""
    steps = condition.template.steps
    slot = next(n for n, step in enumerate(steps) if step.name == SLOT)
    if slot == 0:
        return INPUT
    before = steps[slot - 1]
    if before.geometric:
        return INPUT
    return f"the image before {before.text(dict(condition.point))}"
