"""Presets: one table of a paper, as YAML.

    title: Minimum decision error of six detectors
    source: Table 1 of ...
    run: {trace: jpeg, detectors: [kl, kf], attack: afcnn, set: {q: [60, 90]}, patch: 256}
    metric: pe
    columns:
      - {label: K_L, model: kl}
    rows:
      - {label: "60, afcnn", point: {q: 60}, attack: afcnn, paper: {K_L: 0.44}, remark: few steps}

A cell of the table is a row met with a column. What a row says wins over what its column says,
and that over what the table says. Where there are no columns, a row is a cell. A row or column
that says `run` changes those options of the run for its cells: of a table with
`run: {set: {q1: [60, 70], q2: [90]}}` a row with `run: {set: {q1: 60}, color: true}` is of another
run, at q1=60 and q2=90 in color.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from forensics.errors import ForensicsError, unknown

Number = int | float
# What stands for no key of the file in the path to an error: the type that was tried.
_BRANCHES = ("", "Figure", "str", "int", "float")


class _Part(BaseModel):
    """A part of the file: a mapping without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _known(cls, content: Any) -> Any:
        if not isinstance(content, dict):
            raise ValueError(f"takes the keys {', '.join(cls.model_fields)}, not {content!r}")
        for key in content:
            if key not in cls.model_fields:
                raise ValueError(str(unknown("key", str(key), cls.model_fields)))
        return content


class Figure(_Part):
    """A number that a paper prints. tolerance: how far ours may be off, beyond its interval."""

    value: float
    tolerance: float = Field(0.0, ge=0)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, (str, int, float)) else value


def _said(value: Any) -> Any:
    return {"value": value} if isinstance(value, (int, float)) else value


Several = Annotated[list[str] | None, BeforeValidator(_listed)]
Values = Annotated[list[Number], BeforeValidator(_listed)]
# A number, or a sentence where the paper gives none ('plot only').
Said = Annotated[Figure | str, BeforeValidator(_said)]


class Selector(_Part):
    """Selects cells of the matrix whose mean is a figure, beside what the paper says.

    trace, attack, model: one name or several. attack: `none`, the default, is unattacked. model:
        needed where the run has several, except for psnr and ssim.
    point: values of gridded parameters; a parameter that is not named may have any value.
    metric: a metric or cost of the cells; `reliability.right:90-100` is a part of a diagram.
    name: a target of an estimator: `metric: accuracy, name: q1` is the metric `accuracy:q1`.
    run: options of `forensics run`, beside or in the place of those of the levels above.
    paper: the figure of the paper by label of the column, or one for all columns.
    remark: why ours falls short, or what to know.
    """

    trace: Several = None
    point: dict[str, Values] = Field(default_factory=dict)
    attack: Several = None
    model: Several = None
    name: str | None = None
    metric: str | None = None
    run: dict[str, Any] = Field(default_factory=dict)
    digits: int | None = Field(None, ge=0)
    paper: dict[str, Said] = Field(default_factory=dict)
    remark: str | None = None

    @field_validator("paper", mode="before")
    @classmethod
    def _for_all(cls, value: Any) -> Any:
        figure = isinstance(value, dict) and "value" in value
        return {"": value} if figure or not isinstance(value, dict) else value


class Labelled(Selector):
    """A row or a column."""

    label: str


class Preset(Selector):
    """A table. source: which table of which paper; notes: sentences below the table."""

    title: str
    source: str
    run: dict[str, Any]
    columns: list[Labelled] = Field(default_factory=list)
    rows: list[Labelled] = Field(min_length=1)
    notes: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _consistent(self) -> Preset:
        for kind, parts in (("row", self.rows), ("column", self.columns)):
            labels = [part.label for part in parts]
            twice = sorted({label for label in labels if labels.count(label) > 1})
            if twice:
                raise ValueError(f"two {kind}s have the label {twice[0]!r}")
        columns = [column.label for column in self.columns]
        for row in self.rows:
            for label in filter(None, row.paper):
                if label not in columns:
                    raise ValueError(f"row {row.label!r}: {unknown('column', label, columns)}")
        for cell in self.cells():
            if not cell.metric:
                raise ValueError(f"row {cell.row!r} has no metric: write `metric: auc`, say")
        return self

    def cells(self) -> Iterator[TableCell]:
        """The cell of every row in every column."""
        for row in self.rows:
            for column in (*self.columns,) or (None,):
                yield TableCell.of(self, column, row)

    def runs(self) -> list[dict[str, Any]]:
        """The options of the runs that the cells are taken from, each once."""
        runs: list[dict[str, Any]] = []
        for cell in self.cells():
            if cell.run not in runs:
                runs.append(cell.run)
        return runs


@dataclass(frozen=True)
class TableCell:
    """One cell of the table: what its row, its column and the table say together. column: the
    label, empty where there are no columns; paper: a number, a sentence, or None."""

    row: str
    column: str
    run: dict[str, Any]
    trace: tuple[str, ...]
    point: dict[str, tuple[Number, ...]]
    attack: tuple[str, ...]
    model: tuple[str, ...]
    name: str | None
    metric: str
    digits: int
    paper: Figure | str | None
    remark: str | None

    @classmethod
    def of(cls, table: Preset, column: Labelled | None, row: Labelled) -> TableCell:
        levels: list[Selector] = [level for level in (row, column, table) if level is not None]
        label = column.label if column is not None else ""

        def first(field: str) -> Any:
            values = (getattr(level, field) for level in levels)
            return next((value for value in values if value is not None), None)

        said = [level.paper.get(label, level.paper.get("")) for level in levels]
        digits = first("digits")
        return cls(
            row=row.label,
            column=label,
            run=_merged([level.run for level in reversed(levels)]),
            trace=tuple(first("trace") or ()),
            point={k: tuple(v) for level in reversed(levels) for k, v in level.point.items()},
            attack=tuple(first("attack") or ("none",)),
            model=tuple(first("model") or ()),
            name=first("name"),
            metric=first("metric") or "",
            digits=3 if digits is None else digits,
            paper=next((words for words in said if words is not None), None),
            remark=first("remark"),
        )

    @property
    def where(self) -> str:
        """The place of the cell, in words."""
        return f"row {self.row!r}" + (f", column {self.column!r}" if self.column else "")

    def selector(self) -> dict[str, Any]:
        """The selectors of the figure, as plain values."""
        return {
            "trace": list(self.trace),
            "point": {k: list(v) for k, v in self.point.items()},
            "attack": list(self.attack),
            "model": list(self.model),
            "name": self.name,
            "metric": self.metric,
        }


def _merged(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The options of all runs; later ones win, within `set` parameter by parameter."""
    merged: dict[str, Any] = {}
    for run in runs:
        sets = [options["set"] for options in (merged, run) if isinstance(options.get("set"), dict)]
        merged |= run
        if len(sets) == 2:
            merged["set"] = sets[0] | sets[1]
    return merged


def read(text: str, where: str) -> Preset:
    """The preset in a YAML text. Raises ForensicsError, one sentence that names the file, the
    key and, where a key is not known, what was meant."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ForensicsError(f"{where} is not YAML: {error}".replace("\n", " ")) from None
    try:
        return Preset.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"] if part not in _BRANCHES)
        message = first["msg"].removeprefix("Value error, ")
        raise ForensicsError(": ".join(filter(None, (where, key, message)))) from None
