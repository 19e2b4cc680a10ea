"""From the cells of a matrix to the figures of a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import pandas

from forensics.bench import Plan
from forensics.bench.cells import ResultCell
from forensics.errors import ForensicsError, unknown
from forensics.experiments.schema import Figure, TableCell
from forensics.metrics.intervals import Value
from forensics.models.selection import parse_options

# Costs of an attack: figures of a condition, the same in the cells of all models.
COSTS = ("psnr", "ssim")


@dataclass(frozen=True)
class Measurement:
    """Our figure. low, high: the 95 % interval; for a mean over cells the means of their ends,
    which is right where the cells vary together and else too wide. n, photographs: patches a side
    and photographs of a cell, the fewest where cells differ; na: why there is no figure."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    photographs: int | None = None
    na: str | None = None

    def agrees(self, paper: Figure | str | None) -> bool | None:
        """Whether the paper's number lies within our interval, widened by its tolerance; None
        where one of the two has no number."""
        if not isinstance(paper, Figure) or self.value is None:
            return None
        low = self.value if self.low is None else self.low
        high = self.value if self.high is None else self.high
        return low - paper.tolerance <= paper.value <= high + paper.tolerance


def frame(cells: Iterable[ResultCell]) -> pandas.DataFrame:
    """A row a figure of a cell: its `metric`, `value`, `low`, `high` and `na`, beside the cell's
    number, `trace`, `attack` and `model` (`none` where there is none), `kind`, `n`, `photographs`,
    and the values of its point under `point NAME`. A cell that is n/a, or without figures, has a
    row without a metric."""
    rows = []
    for number, c in enumerate(cells):
        about: dict[str, Any] = {
            "cell": number,
            "trace": c.trace,
            "attack": c.attack or "none",
            "model": c.model or "none",
            "kind": c.kind,
            "n": c.n,
            "photographs": c.photographs,
        }
        about |= {f"point {name}": value for name, value in c.point.items()}
        figures: dict[str | None, Value] = dict(c.figures().items())
        figures |= {f"reliability.{name}": value for name, value in (c.reliability or {}).items()}
        if c.na is not None or not figures:
            figures[None] = Value(None, reason=c.na)
        for name, f in figures.items():
            figure = {"value": f.value, "low": f.low, "high": f.high, "na": f.reason}
            rows.append(about | {"metric": name} | figure)
    return pandas.DataFrame(rows, dtype=object)


def check(asked: Iterable[TableCell], plan: Plan) -> None:
    """Raises ForensicsError where the plan has no cells for a cell of the table."""
    cells = frame(
        ResultCell(
            cell.trace.name,
            dict(cell.point),
            None if cell.attacker is None else str(cell.attacker),
            None if cell.model is None else str(cell.model),
            cell.kind,
        )
        for cell in plan.cells
    )
    for one in asked:
        chosen(cells, one)


def chosen(figures: pandas.DataFrame, asked: TableCell) -> pandas.DataFrame:
    """The rows of a `frame` that a cell of the table selects. Raises ForensicsError where no row
    has a name or value that it asks for, and where it leaves the model or the trace open."""
    cost = asked.metric in COSTS
    # What an image had before any attack stands in the attacked cells too.
    before = cost and asked.attack == ("none",)
    kept = figures
    if before:
        kept = figures.query("attack != 'none'")
    elif not cost:
        kept = figures.query("model != 'none'")
    if kept.empty:
        wants = "an attack" if cost else "a model"
        raise ForensicsError(f"{asked.where}: {asked.metric} wants {wants} in the run")
    kept = _named(kept, "trace", asked)
    if not before:
        kept = _named(kept, "attack", asked)
    if not cost:
        return _at(_named(kept, "model", asked), asked)
    # Every model's cell repeats the cost, and before any attack every attacker's does: of equal
    # conditions the cell with most patches is kept.
    points = [name for name in figures if str(name).startswith("point ")]
    condition = ["trace", *points, *([] if before else ["attack"])]
    kept = _at(kept, asked)
    most = kept.sort_values("n", kind="stable").drop_duplicates(condition, keep="last")
    return kept[kept["cell"].isin(most["cell"])]


def _named(cells: pandas.DataFrame, field: str, asked: TableCell) -> pandas.DataFrame:
    """The cells with a name that is asked for; where no name is, there may be only one."""
    present = {name: _read(name) for name in cells[field].unique()}
    wanted = {name: _read(name) for name in getattr(asked, field)}
    if not wanted and len(present) > 1:
        raise ForensicsError(
            f"{asked.where} leaves its {field} open: name one of {', '.join(present)}"
        )
    there = [read for read in wanted.values() if read in present.values()]
    for name, read in wanted.items():
        # A column may list the models of its rows, each run having one of them.
        if read not in present.values() and not (field == "model" and there):
            raise ForensicsError(f"{asked.where}: {unknown(f'{field} of this run', name, present)}")
    names = [name for name, read in present.items() if not wanted or read in wanted.values()]
    return cells[cells[field].isin(names)]


def _read(name: str) -> tuple[str, tuple[tuple[str, Any], ...]]:
    """A name and its options, the same in whichever order these are written."""
    model, _, options = name.partition(":")
    return model, parse_options(options) if options else ()


def _at(cells: pandas.DataFrame, asked: TableCell) -> pandas.DataFrame:
    """The cells at the point that is asked for."""
    for name, values in asked.point.items():
        column = cells.get(f"point {name}", pandas.Series(dtype=object))
        present = list(column.dropna().unique())
        absent = [value for value in values if value not in present]
        if absent:
            have = ", ".join(f"{name}={value}" for value in present) or f"none with a {name}"
            raise ForensicsError(
                f"{asked.where}: the run has no point {name}={absent[0]}; there are: {have}"
            )
        cells = cells[column.isin(values)]
    if cells.empty:
        raise ForensicsError(f"{asked.where}: no cell of the run has all that it names")
    return cells


def ours(figures: pandas.DataFrame, asked: TableCell) -> Measurement:
    """The figure of a cell of the table: the mean over the cells that it selects of a `frame`.
    Raises ForensicsError for a metric that these cells do not have."""
    before = asked.metric in COSTS and asked.attack == ("none",)
    name = asked.metric + ("_input" if before else "") + (f":{asked.name}" if asked.name else "")
    cells = chosen(figures, asked)
    # A model may be detector and estimator at once, with a cell as each: only one has the metric.
    have = cells[cells["metric"] == name]
    cells = cells[cells["kind"].isin(have["kind"])] if len(have) else cells
    others = cells[~cells["cell"].isin(have["cell"])]
    kept = pandas.concat([have, others[others["metric"].isna() & others["na"].notna()]])
    if set(kept["cell"]) != set(cells["cell"]):
        error = unknown("metric of its cells", name, cells["metric"].dropna().unique())
        raise ForensicsError(f"{asked.where}: {error}")
    n, photographs = (min(filter(None, kept[c]), default=None) for c in ("n", "photographs"))
    missing = kept[kept["value"].isna()]
    if len(missing):
        reason = missing["na"].iloc[0] or "no figure"
        return Measurement(None, n=n, photographs=photographs, na=reason)
    ends = (list(kept[end]) for end in ("value", "low", "high"))
    value, low, high = (fmean(each) if None not in each else None for each in ends)
    return Measurement(value, low, high, n, photographs)
