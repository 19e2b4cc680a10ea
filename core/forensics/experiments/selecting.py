"""From the cells of a matrix to the figure that a table asks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from forensics.bench import Plan
from forensics.errors import ForensicsError, unknown
from forensics.experiments.schema import Asked, Figure
from forensics.models.selection import parse_options

Cell = dict[str, Any]

# What an attack costs: a figure of a condition, whichever model's cell it stands in.
COSTS = ("psnr", "ssim")


@dataclass(frozen=True)
class Ours:
    """What was measured. low, high: the 95 % interval; of a mean over several cells the means of
    their ends, which is as wide as if the cells rose and fell together, or wider than needed.
    n: patches a side in a cell, the fewest where cells differ; na: why there is no figure."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    photographs: int | None = None
    na: str | None = None

    def agrees(self, paper: Figure | str | None) -> bool | None:
        """Whether the paper's number lies within the interval, its tolerance added on both
        sides; None where there is no number on one of the sides."""
        if not isinstance(paper, Figure) or self.value is None:
            return None
        low = self.value if self.low is None else self.low
        high = self.value if self.high is None else self.high
        return low - paper.tolerance <= paper.value <= high + paper.tolerance


def check(asked: Iterable[Asked], plan: Plan) -> None:
    """Raises ForensicsError where a cell of the table cannot be in what the plan makes."""
    cells = [
        {
            "trace": cell.trace.name,
            "point": dict(cell.point),
            "attack": None if cell.attacker is None else str(cell.attacker),
            "model": None if cell.model is None else str(cell.model),
        }
        for cell in plan.cells
    ]
    for one in asked:
        chosen(cells, one)


def chosen(cells: Sequence[Cell], asked: Asked) -> list[Cell]:
    """The cells that a cell of the table means. Raises ForensicsError where it names what is in
    none of them, or leaves open which model or trace it means."""
    cost = asked.metric in COSTS
    # What an image had before any attack stands in the attacked cells too.
    before = cost and asked.attack == ("none",)
    kept = list(cells)
    if before:
        kept = [c for c in cells if c["attack"] is not None]
    elif not cost:
        kept = [c for c in cells if c["model"] is not None]
    if not kept:
        wants = "an attack" if cost else "a model"
        raise ForensicsError(f"{asked.where}: {asked.metric} wants {wants} in the run")
    kept = _named(kept, "trace", asked.trace, asked)
    if not before:
        kept = _named(kept, "attack", asked.attack, asked)
    if not cost:
        return _at(_named(kept, "model", asked.model, asked), asked)
    # Every model's cell repeats the cost, and before any attack every attacker's does: of those
    # the one with most patches is kept.
    kept = sorted(_at(kept, asked), key=lambda c: c.get("n", 0))
    conditions = [(c["trace"], *c["point"].items(), None if before else c["attack"]) for c in kept]
    return list(dict(zip(conditions, kept, strict=True)).values())


def _named(cells: list[Cell], field: str, names: tuple[str, ...], asked: Asked) -> list[Cell]:
    """The cells with one of these names; without names there may be only one to choose from."""
    there = list(dict.fromkeys(c[field] or "none" for c in cells))
    if not names and len(there) > 1:
        raise ForensicsError(
            f"{asked.where} leaves its {field} open: name one of {', '.join(there)}"
        )
    known, wanted = ([_read(name) for name in each] for each in (there, names))
    for name, read in zip(names, wanted, strict=True):
        if read not in known:
            raise ForensicsError(f"{asked.where}: {unknown(f'{field} of this run', name, there)}")
    return [c for c in cells if not names or _read(c[field] or "none") in wanted]


def _read(name: str) -> tuple[str, tuple[tuple[str, Any], ...]]:
    """A name and its options, the same in whichever order these are written."""
    model, _, options = name.partition(":")
    return model, parse_options(options) if options else ()


def _at(cells: list[Cell], asked: Asked) -> list[Cell]:
    """The cells at the point that is asked for."""
    kept = cells
    for name, values in asked.point.items():
        there = dict.fromkeys(c["point"][name] for c in kept if name in c["point"])
        absent = [value for value in values if value not in there]
        if absent:
            have = ", ".join(f"{name}={value}" for value in there) or f"none with a {name}"
            raise ForensicsError(
                f"{asked.where}: the run has no point {name}={absent[0]}; there are: {have}"
            )
        kept = [c for c in kept if c["point"].get(name) in values]
    if not kept:
        raise ForensicsError(f"{asked.where}: no cell of the run has all that it names")
    return kept


def ours(cells: Sequence[Cell], asked: Asked) -> Ours:
    """The figure of a cell of the table: the mean over the matrix's cells that it means. Raises
    ForensicsError for a metric that they do not have."""
    found = _of_one_kind(chosen(cells, asked), asked)
    figures: list[dict[str, Any]] = []
    for cell in found:
        figure = _figure(cell, asked)
        if figure is None and cell["na"] is not None:
            figure = {"value": None, "na": cell["na"]}
        if figure is None:
            names = [*cell["metrics"], *(cell["cost"] or {})]
            error = unknown("metric of its cells", _name(asked), names)
            raise ForensicsError(f"{asked.where}: {error}")
        figures.append(figure)
    reasons = [f.get("na", "no figure") for f in figures if f["value"] is None]
    n = min((c["n"] for c in found if c["n"]), default=None)
    photographs = min((c["photographs"] for c in found if c["photographs"]), default=None)
    if reasons:
        return Ours(None, n=n, photographs=photographs, na=reasons[0])
    ends = [[f[end] for f in figures] for end in ("value", "low", "high")]
    value, low, high = (fmean(those) if None not in those else None for those in ends)
    return Ours(value, low, high, n, photographs)


def _of_one_kind(cells: list[Cell], asked: Asked) -> list[Cell]:
    """A model may be detector and estimator at once, with a cell as each: those of the kinds that
    have the metric, or all where none has."""
    kinds = {c["kind"] for c in cells if _figure(c, asked) is not None}
    return [c for c in cells if c["kind"] in kinds] or cells


def _name(asked: Asked) -> str:
    name = asked.metric
    if name in COSTS and asked.attack == ("none",):
        name += "_input"
    return name + (f":{asked.name}" if asked.name else "")


def _figure(cell: Cell, asked: Asked) -> dict[str, Any] | None:
    group = (cell["cost"] or {}) if asked.metric in COSTS else cell["metrics"]
    return _nested(group | {"reliability": cell.get("reliability")}, _name(asked))


def _nested(group: dict[str, Any], name: str) -> dict[str, Any] | None:
    """The figure of that name; a dot is part of the name, or leads into a group of figures."""
    if name in group:
        return group[name] if "value" in group[name] else None
    head, dot, rest = name.partition(".")
    return _nested(group[head], rest) if dot and isinstance(group.get(head), dict) else None
