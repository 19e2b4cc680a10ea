"""Run the experiment of a table, and keep its result."""

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
from forensics.experiments.schema import Figure, Preset, TableCell
from forensics.experiments.selecting import Measurement, check, frame, ours
from forensics.models.registry import MODEL_KINDS, check_editable, package_folder

if TYPE_CHECKING:
    import pandas

# The options of a run that say who judges: `detectors` and the like.
_NOBODY = {f.name: "none" for f in fields(Settings) if f.name.removesuffix("s") in MODEL_KINDS}


@dataclass(frozen=True)
class Result:
    """A table with its figures. protocols: of its runs, in the order of `Preset.runs`; cells: each
    cell of the table with its measurement, row by row; matrices: of the runs, none where the
    result was read from a file."""

    experiment: Experiment
    protocols: tuple[dict[str, Any], ...]
    cells: tuple[tuple[TableCell, Measurement], ...]
    matrices: tuple[Matrix, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The table as `--json` prints it: title, source, the protocol of each run, and for each
        cell the number of its run and the paper's figure or sentence beside ours."""
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


def _flat(cell: tuple[TableCell, Measurement]) -> dict[str, Any]:
    asked, figure = cell
    point = " ".join(f"{k}={','.join(map(str, v))}" for k, v in asked.point.items())
    names = {"trace": asked.trace, "attack": asked.attack, "model": asked.model}
    return {
        "row": asked.row,
        "column": asked.column,
        **{field: " ".join(several) for field, several in names.items()},
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
    """The plans of the table's runs, in the order of `Preset.runs`, with the models that the table
    names and no others.

    options: of `Settings`, in the place of the preset's; None leaves the preset's. Raises
    ForensicsError, which names the table, for an unknown model, a point out of an operation's
    domain, and a cell that no run has."""
    overrides = {name: value for name, value in options.items() if value is not None}
    preset = experiment.preset
    planned = []
    try:
        for run in preset.runs():
            planned.append(bench.make(Settings.of(_NOBODY | run | overrides)))
            check((asked for asked in preset.cells() if asked.run == run), planned[-1])
    except ForensicsError as error:
        raise ForensicsError(f"{experiment}: {error}") from error
    return planned


def execute(
    experiment: Experiment, planned: Sequence[Plan], out: Path, progress: Progress | None = None
) -> Result:
    """Carry out the plans of a table; rows that `out` holds are not computed again. progress: told
    of the photographs of all of them together."""
    parts = [len(one.photographs) for one in planned]
    tell = progress or (lambda done, of: None)
    matrices = []
    for n, one in enumerate(planned):
        before = sum(parts[:n])

        def told(done: float, of: float, before: int = before) -> None:
            tell(before + done, sum(parts))

        matrices.append(bench.execute(one, out, told, calibrations=StoredCards()))
    frames = [frame(matrix.cells) for matrix in matrices]
    runs = experiment.preset.runs()
    try:
        cells = tuple(
            (asked, ours(frames[runs.index(asked.run)], asked))
            for asked in experiment.preset.cells()
        )
    except ForensicsError as error:
        raise ForensicsError(f"{experiment}: {error}") from error
    return Result(experiment, tuple(m.protocol for m in matrices), cells, tuple(matrices))


def reproduce(
    table: str, out: str | Path | None = None, progress: Progress | None = None, **options: Any
) -> list[Result]:
    """Run the tables of `"PLUGIN"`, or the one of `"PLUGIN:TABLE"`. Example:

        forensics.reproduce("antiforensics:table1", data="photographs/")[0].to_pandas()

    options: of `Settings`, in the place of the preset's, such as `data`, `limit` and `device`.
    """
    folder = Path(out) if out else bench.default_out()
    planned = [(experiment, plans(experiment, **options)) for experiment in named(table)]
    return [execute(experiment, runs, folder, progress) for experiment, runs in planned]


def save(result: Result) -> Path:
    """Write a result beside its experiment, in the plugin's source. Raises ForensicsError where
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
    """The result beside an experiment. Raises ForensicsError where there is none, and where it is
    of other runs or cells than the preset asks for."""
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
    fields = Measurement.__dataclass_fields__
    keys = [{k: v for k, v in cell.items() if k not in fields} for cell in cells]
    preset = experiment.preset
    if runs != preset.runs() or keys != [_key(preset, one) for one in asked]:
        raise ForensicsError(f"{path} is of another run than {experiment.path} asks for: {again}")
    figures = [Measurement(**{k: v for k, v in cell.items() if k in fields}) for cell in cells]
    return Result(experiment, protocols, tuple(zip(asked, figures, strict=True)))


def _key(preset: Preset, asked: TableCell) -> dict[str, Any]:
    """The selectors of a cell of the table, as plain values."""
    run = preset.runs().index(asked.run)
    return {"row": asked.row, "column": asked.column, "run": run} | asked.selector()
