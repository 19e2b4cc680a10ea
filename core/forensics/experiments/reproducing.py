"""Run a table's experiment through the harness, and keep what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forensics import bench
from forensics.atomic import replacing
from forensics.bench import Matrix, Plan, Settings
from forensics.bench.loop import Progress
from forensics.calibration.applying import StoredCards
from forensics.errors import ForensicsError
from forensics.experiments.finding import Experiment, named
from forensics.experiments.schema import Asked, Figure, Preset
from forensics.experiments.selecting import Ours, check, frame, ours
from forensics.models.registry import MODEL_KINDS, check_editable, package_folder

if TYPE_CHECKING:
    import pandas

# The options of a run that say who judges: `detectors` and the like.
_NOBODY = {f.name: "none" for f in fields(Settings) if f.name.removesuffix("s") in MODEL_KINDS}


@dataclass(frozen=True)
class Result:
    """A table with its figures. protocols: those of the matrices, in the order of `Preset.runs`;
    cells: what was asked and what was measured, row by row; matrices: none where the result was
    read from a file."""

    experiment: Experiment
    protocols: tuple[dict[str, Any], ...]
    cells: tuple[tuple[Asked, Ours], ...]
    matrices: tuple[Matrix, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """What `--json` prints of a table: title, source, the protocol of each run, and for each
        cell the paper's figure or sentence beside ours, with the number of its run."""
        preset = self.experiment.preset
        return {
            "table": str(self.experiment),
            "title": preset.title,
            "source": preset.source,
            "protocols": list(self.protocols),
            "cells": [
                {
                    **_key(preset, asked),
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


def plans(experiment: Experiment, **options: Any) -> list[Plan]:
    """What the runs of the table's experiment would do, in the order of `Preset.runs`, with the
    models that it names and no others.

    options: of `Settings`, over those of the preset; None leaves the preset's. Raises
    ForensicsError that names the table where the preset asks for what is not there: a model, a
    point out of an operation's domain, a cell that is not run."""
    given = {name: value for name, value in options.items() if value is not None}
    preset = experiment.preset
    found = []
    try:
        for run in preset.runs():
            found.append(bench.make(Settings.of(_NOBODY | run | given)))
            check((asked for asked in preset.cells() if asked.run == run), found[-1])
    except ForensicsError as error:
        raise ForensicsError(f"{experiment}: {error}") from error
    return found


def execute(
    experiment: Experiment, made: Sequence[Plan], out: Path, progress: Progress | None = None
) -> Result:
    """Carry out what `plans` gave; rows that `out` holds are not computed again."""
    matrices = tuple(bench.execute(one, out, progress, calibrations=StoredCards()) for one in made)
    frames = [frame(matrix.cells) for matrix in matrices]
    runs = experiment.preset.runs()
    try:
        cells = tuple(
            (asked, ours(frames[runs.index(asked.run)], asked))
            for asked in experiment.preset.cells()
        )
    except ForensicsError as error:
        raise ForensicsError(f"{experiment}: {error}") from error
    return Result(experiment, tuple(m.protocol for m in matrices), cells, matrices)


def reproduce(
    table: str, out: str | Path | None = None, progress: Progress | None = None, **options: Any
) -> list[Result]:
    """The tables that `"PLUGIN"` or `"PLUGIN:TABLE"` names, run again. Example:

        forensics.reproduce("antiforensics:table1", data="photographs/")[0].to_pandas()

    options: of `Settings`, over those of the preset, such as `data`, `limit` and `device`.
    """
    folder = Path(out) if out else bench.default_out()
    made = [(experiment, plans(experiment, **options)) for experiment in named(table)]
    return [execute(experiment, those, folder, progress) for experiment, those in made]


def save(result: Result) -> Path:
    """Keep a result beside its experiment, in the plugin's source. Raises ForensicsError where
    the plugin is an installed copy."""
    experiment = result.experiment
    folder = package_folder(experiment.package)
    assert folder is not None
    check_editable(folder, "--save")
    # A folder's place on a machine and how long a run took say nothing to others.
    runs = [
        {"run": run, "protocol": {k: v for k, v in protocol.items() if k != "seconds"}}
        for run, protocol in zip(experiment.preset.runs(), result.protocols, strict=True)
    ]
    for one in runs:
        one["protocol"]["data"] = Path(one["protocol"]["data"]).name
    head = json.dumps({"runs": runs}, indent=1)
    lines = (_key(experiment.preset, a) | asdict(f) for a, f in result.cells)
    cells = ",\n  ".join(json.dumps(line, allow_nan=False) for line in lines)
    path = experiment.result
    path.parent.mkdir(exist_ok=True)
    with replacing(path) as partial:
        partial.write_text(f'{head[:-2]},\n "cells": [\n  {cells}\n ]\n}}\n')
    return path


def load(experiment: Experiment) -> Result:
    """The result that is kept beside an experiment. Raises ForensicsError where there is none,
    or where it is of another run or of other cells than the preset asks for."""
    path = experiment.result
    again = f"run {experiment.again}"
    try:
        content = json.loads(path.read_text())
        cells = [dict(cell) for cell in content["cells"]]
        runs = [one["run"] for one in content["runs"]]
        protocols = tuple(one["protocol"] for one in content["runs"])
    except FileNotFoundError:
        raise ForensicsError(f"{experiment} has no result yet: {again}") from None
    except (ValueError, KeyError, TypeError):
        raise ForensicsError(f"{path} is damaged: {again}") from None
    asked = list(experiment.preset.cells())
    fields = Ours.__dataclass_fields__
    keys = [{k: v for k, v in cell.items() if k not in fields} for cell in cells]
    preset = experiment.preset
    if runs != preset.runs() or keys != [_key(preset, one) for one in asked]:
        raise ForensicsError(f"{path} is of another run than {experiment.path} asks for: {again}")
    figures = [Ours(**{k: v for k, v in cell.items() if k in fields}) for cell in cells]
    return Result(experiment, protocols, tuple(zip(asked, figures, strict=True)))


def _key(preset: Preset, asked: Asked) -> dict[str, Any]:
    """What a cell of the table is, as plain values."""
    run = preset.runs().index(asked.run)
    return {"row": asked.row, "column": asked.column, "run": run} | asked.selector()
