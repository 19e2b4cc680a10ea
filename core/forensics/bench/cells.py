"""From rows to cells: the metrics of every model at every point, and the costs of attacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np

from forensics.bench import identity
from forensics.bench.conditions import COST, COST_NAMES, Cell, Condition, Plan
from forensics.bench.figures import FIGURES, Calibrations, Figures, column
from forensics.bench.store import Rows
from forensics.histories.history import SLOT
from forensics.metrics.cost import mean_with_interval
from forensics.metrics.estimation import Confusion
from forensics.metrics.intervals import Value
from forensics.traces.draws import Number

# What an attacked image is compared with where no step precedes the attack, or a geometric one.
INPUT = "the attacker's input"


@dataclass(frozen=True)
class Cost:
    """What an attack costs at the slot: PSNR in dB and SSIM of the attacked image, and (`_input`)
    of the image before the attack, all against the image that `against` names."""

    psnr: Value
    ssim: Value
    psnr_input: Value
    ssim_input: Value
    against: str


@dataclass(frozen=True)
class ResultCell:
    """The figures of one model at one point, under one attack or none; without a model, the costs
    of the attack.

    point: values of the gridded parameters, none where several points are pooled.
    kind: `"detector"`, `"estimator"` or `"localizer"`.
    n, n_pristine: altered and pristine patches with an answer; n_na: patches of all sides without
    one, which are in no figure; reasons: how many of these for which reason.
    photographs: how many the n patches come from; skipped: how many were left out.
    trained: where the weights come from, `"shipped"` or `"user"`.
    metrics: by name; of an estimator's headline, `names` are the targets that it is a mean of.
    confusion: by target, (true class, answer, patches).
    reliability: the diagram of an estimator's probabilities, by name of its points.
    na: why there is no figure.
    """

    trace: str
    point: Mapping[str, Number]
    attack: str | None
    model: str | None
    kind: str | None
    n: int = 0
    n_pristine: int = 0
    n_na: int = 0
    photographs: int = 0
    trained: str | None = None
    metrics: Mapping[str, Value] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    confusion: Mapping[str, Confusion] | None = None
    reliability: Mapping[str, Value] | None = None
    na: str | None = None
    reasons: Mapping[str, int] = field(default_factory=dict)
    skipped: int = 0
    cost: Cost | None = None

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON; a figure is `{value, low, high}`, n/a with the reason `na`."""
        return _plain({f.name: getattr(self, f.name) for f in fields(self)})

    def figures(self) -> dict[str, Value]:
        """The metrics and the costs, by name."""
        return dict(self.metrics) | {n: getattr(self.cost, n) for n in COST_NAMES if self.cost}

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> ResultCell:
        """The inverse of `to_dict`. Raises KeyError, TypeError or AttributeError for others."""
        cost, confusion, reliability = (plain[k] for k in ("cost", "confusion", "reliability"))
        return cls(
            **dict(plain)
            | {
                "names": tuple(plain["names"]),
                "metrics": _values(plain["metrics"]),
                "confusion": confusion and {n: [*map(tuple, c)] for n, c in confusion.items()},
                "reliability": reliability and _values(reliability),
                "cost": cost and Cost(**_values(cost)),
            }
        )


def _plain(thing: Any) -> Any:
    if isinstance(thing, Value):
        plain = asdict(thing)
        reason = plain.pop("reason")
        return plain if reason is None else plain | {"na": reason}
    if isinstance(thing, Cost):
        thing = vars(thing)
    if isinstance(thing, Mapping):
        return {name: _plain(each) for name, each in thing.items()}
    return [_plain(each) for each in thing] if isinstance(thing, (tuple, list)) else thing


def _values(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Figures from their plain form; other values stay as they are."""
    return {
        name: Value(v["value"], v["low"], v["high"], v.get("na")) if isinstance(v, dict) else v
        for name, v in plain.items()
    }


def summarise(
    plan: Plan,
    stored: Mapping[str, Rows],
    failures: Mapping[str, str],
    skipped: int,
    calibrations: Calibrations | None = None,
) -> list[ResultCell]:
    """Every cell of the plan. skipped: photographs left out."""
    costs: dict[tuple[str, ...], Cost | None] = {}
    cells = []
    for cell in plan.cells:
        attacked = tuple(p.digest for p in cell.altered)
        if cell.attacker is not None and attacked not in costs:
            costs[attacked] = _cost(plan, stored, cell)
        figures = _figures(plan, stored, failures, cell, calibrations)
        cells.append(
            ResultCell(
                trace=cell.trace.name,
                point=dict(cell.point),
                attack=str(cell.attacker) if cell.attacker is not None else None,
                model=str(cell.model) if cell.model is not None else None,
                kind=cell.kind,
                n=figures.n,
                n_pristine=figures.n_pristine,
                n_na=sum(figures.reasons.values()),
                photographs=figures.photographs,
                trained=identity.trained(cell.model) if cell.model is not None else None,
                metrics=figures.metrics,
                names=figures.names,
                confusion=figures.confusion,
                reliability=figures.reliability,
                na=figures.reason,
                reasons=figures.reasons,
                skipped=skipped,
                cost=costs[attacked] if cell.attacker is not None else None,
            )
        )
    return cells


def _figures(
    plan: Plan,
    stored: Mapping[str, Rows],
    failures: Mapping[str, str],
    cell: Cell,
    calibrations: Calibrations | None,
) -> Figures:
    """The figures of a cell, or the reason why it has none."""
    for one in (*_steps(cell), str(cell.model)):
        if one in failures:
            *trace, last = failures[one].strip().splitlines()
            return Figures(reason=f"{one} raised {last}" if trace else last)
    if cell.reason is not None or cell.kind is None or cell.model is None:
        return Figures(reason=cell.reason)
    figures = FIGURES[cell.kind](plan, stored, cell)
    metrics = dict(figures.metrics)
    if calibrations is not None and figures.sides is not None:
        metrics |= calibrations.metrics(plan, cell.model, cell.trace.name, *figures.sides)
    reason = None if figures.n else figures.reason or "no photograph could be used"
    return replace(figures, metrics=metrics, reason=reason)


def _steps(cell: Cell) -> list[str]:
    """The texts of all steps of the cell's histories, its attacker among them."""
    return [step.text(dict(p.point)) for p in cell.needed for step in p.history.steps]


def _cost(plan: Plan, stored: Mapping[str, Rows], cell: Cell) -> Cost | None:
    altered = cell.altered
    columns = {n: column(plan, stored, altered, COST, n) for n in COST_NAMES}
    if not len(columns["psnr"].values) or np.isnan(columns["psnr"].values).all():
        return None
    seed = plan.settings.seed
    values = {
        name: mean_with_interval(c.values, c.photographs, seed) for name, c in columns.items()
    }
    return Cost(**values, against=" or ".join(dict.fromkeys(map(_reference, altered))))


def _reference(condition: Condition) -> str:
    """The image that the attacked one is compared with, in words."""
    steps = condition.template.steps
    slot = next(n for n, step in enumerate(steps) if step.name == SLOT)
    if slot == 0:
        return INPUT
    before = steps[slot - 1]
    if before.geometric:
        return INPUT
    return f"the image before {before.text(dict(condition.point))}"
