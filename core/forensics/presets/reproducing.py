"""Run a table's experiment through the harness, and keep what came of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forensics import harness
from forensics.atomic import replacing
from forensics.errors import ForensicsError
from forensics.harness import Matrix, Plan, Settings
from forensics.harness.loop import Progress
from forensics.presets.finding import Experiment, named
from forensics.presets.schema import Asked, Figure
from forensics.presets.selecting import Ours, check, ours
from forensics.registry import MODEL_KINDS, check_editable, package_folder

if TYPE_CHECKING:
    import pandas

# The options of a run that say who judges: `detectors` and the like.
_NOBODY = {f.name: "none" for f in fields(Settings) if f.name.removesuffix("s") in MODEL_KINDS}


@dataclass(frozen=True)
class Result:
    """A table with its figures. protocol: that of the matrix; cells: what was asked and what was
    measured, row by row; matrix: None where the result was read from a file."""

    experiment: Experiment
    protocol: dict[str, Any]
    cells: tuple[tuple[Asked, Ours], ...]
    matrix: Matrix | None = None

    def to_dict(self) -> dict[str, Any]:
        """What `--json` prints of a table: title, source, protocol, and for each cell the paper's
        figure or sentence beside ours."""
        preset = self.experiment.preset
        return {
            "table": str(self.experiment),
            "title": preset.title,
            "source": preset.source,
            "protocol": self.protocol,
            "cells": [
                {
                    "row": asked.row,
                    "column": asked.column,
                    **asked.selector(),
                    "paper": _plain(asked.paper),
                    **asdict(figure),
                    "agrees": figure.agrees(asked.paper),
                    "remark": asked.remark,
                }
                for asked, figure in self.cells
            ],
        }

    def to_pandas(self) -> pandas.DataFrame:
        """A row a cell of the table; several names or values in one text."""
        import pandas

        return pandas.DataFrame([{"table": str(self.experiment)} | _flat(c) for c in self.cells])


def _flat(cell: tuple[Asked, Ours]) -> dict[str, Any]:
    asked, figure = cell
    point = " ".join(f"{k}={','.join(map(str, v))}" for k, v in asked.point.items())
    names = {"trace": asked.trace, "attack": asked.attack, "model": asked.model}
    return {
        "row": asked.row,
        "column": asked.column,
        **{field: " ".join(those) for field, those in names.items()},
        "point": point,
        "name": asked.name,
        "metric": asked.metric,
        "paper": asked.paper.value if isinstance(asked.paper, Figure) else asked.paper,
        **asdict(figure),
        "agrees": figure.agrees(asked.paper),
        "remark": asked.remark,
    }


def _plain(paper: Figure | str | None) -> Any:
    return paper.model_dump() if isinstance(paper, Figure) else paper


def plan(experiment: Experiment, **options: Any) -> Plan:
    """What the table's experiment would do, with the models that it names and no others.

    options: of `Settings`, over those of the preset; None leaves the preset's. Raises
    ForensicsError that names the table where the preset asks for what is not there: a model, a
    point out of an operation's domain, a cell that is not run."""
    given = {name: value for name, value in options.items() if value is not None}
    preset = experiment.preset
    try:
        made = harness.make(Settings.of(_NOBODY | preset.run | given))
        check(preset.cells(), made)
    except ForensicsError as error:
        raise ForensicsError(f"{experiment}: {error}") from error
    return made


def execute(
    experiment: Experiment, made: Plan, out: Path, progress: Progress | None = None
) -> Result:
    """Carry out a plan of `plan`; rows that `out` holds are not computed again."""
    matrix = harness.execute(made, out, progress)
    try:
        cells = tuple((asked, ours(matrix.cells, asked)) for asked in experiment.preset.cells())
    except ForensicsError as error:
        raise ForensicsError(f"{experiment}: {error}") from error
    return Result(experiment, matrix.protocol, cells, matrix)


def reproduce(
    table: str, out: str | Path | None = None, progress: Progress | None = None, **options: Any
) -> list[Result]:
    """The tables that `"PLUGIN"` or `"PLUGIN:TABLE"` names, run again. Example:

        forensics.reproduce("antiforensics:table1", data="photographs/")[0].to_pandas()

    options: of `Settings`, over those of the preset, such as `data`, `limit` and `device`.
    """
    folder = Path(out) if out else harness.default_out()
    plans = [(experiment, plan(experiment, **options)) for experiment in named(table)]
    return [execute(experiment, made, folder, progress) for experiment, made in plans]


def save(result: Result) -> Path:
    """Keep a result beside its experiment, in the plugin's source. Raises ForensicsError where
    the plugin is an installed copy."""
    experiment = result.experiment
    folder = package_folder(experiment.package)
    assert folder is not None
    check_editable(folder, "--save")
    # A folder's place on a machine and how long a run took say nothing to others.
    protocol = {k: v for k, v in result.protocol.items() if k != "seconds"}
    protocol["data"] = Path(protocol["data"]).name
    head = json.dumps({"run": experiment.preset.run, "protocol": protocol}, indent=1)
    cells = ",\n  ".join(json.dumps(_key(a) | asdict(f), allow_nan=False) for a, f in result.cells)
    path = experiment.result
    path.parent.mkdir(exist_ok=True)
    with replacing(path) as partial:
        partial.write_text(f'{head[:-2]},\n "cells": [\n  {cells}\n ]\n}}\n')
    return path


def load(experiment: Experiment) -> Result:
    """The result that is kept beside an experiment. Raises ForensicsError where there is none,
    or where it is of another run or of other cells than the preset asks for."""
    path = experiment.result
    again = f"run `forensics reproduce {experiment} --save`"
    try:
        content = json.loads(path.read_text())
        cells = [dict(cell) for cell in content["cells"]]
        run, protocol = content["run"], content["protocol"]
    except FileNotFoundError:
        raise ForensicsError(f"{experiment} has no result yet: {again}") from None
    except (ValueError, KeyError, TypeError):
        raise ForensicsError(f"{path} is damaged: {again}") from None
    asked = list(experiment.preset.cells())
    fields = Ours.__dataclass_fields__
    keys = [{k: v for k, v in cell.items() if k not in fields} for cell in cells]
    if run != experiment.preset.run or keys != [_key(one) for one in asked]:
        raise ForensicsError(f"{path} is of another run than {experiment.path} asks for: {again}")
    figures = [Ours(**{k: v for k, v in cell.items() if k in fields}) for cell in cells]
    return Result(experiment, protocol, tuple(zip(asked, figures, strict=True)))


def _key(asked: Asked) -> dict[str, Any]:
    return {"row": asked.row, "column": asked.column} | asked.selector()
