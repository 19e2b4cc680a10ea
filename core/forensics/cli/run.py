"""`forensics run` and `forensics report`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from forensics import data
from forensics.bench import Matrix, Settings, default_out, execute, make, read_config
from forensics.calibration.applying import StoredCards
from forensics.cli import FORMAT, JSON, LOSSES, VERBOSE, Command, diagram, tables, targets
from forensics.cli.bar import progress
from forensics.errors import ForensicsError


@click.command(cls=Command)
@click.option("--attack", multiple=True, metavar="NAME", help="Attackers: names, globs, all, none.")
@click.option("--detectors", multiple=True, metavar="NAME", help="[all; with others named, none]")
@click.option("--estimators", multiple=True, metavar="NAME", help="[all; with others named, none]")
@click.option("--localizers", multiple=True, metavar="NAME", help="[all; with others named, none]")
@click.option(
    "--trace", multiple=True, metavar="NAME", help="all, or names; else one for each model"
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="q=60,70",
    help="Its values; also q=60..98.",
)
@click.option("--pool", is_flag=True, default=None, help="One cell for all points of a trace.")
@click.option("--data", metavar="DIR", help="Photographs. [samples: those of scikit-image]")
@click.option("--positive", metavar="DIR", help="Altered files, scored as they are.")
@click.option("--negative", metavar="DIR", help="Untouched files, to tell them from.")
@click.option("--masks", metavar="DIR", help="Masks of the altered files, of their names.")
@click.option("--masks-inverted", is_flag=True, default=None, help="Black is altered, not white.")
@click.option("--split", metavar="NAME", help="[test where there are splits]")
@click.option("--photographs", multiple=True, metavar="GLOB", help="Such as 'kodak/*'. [all]")
@click.option("--reduce", type=int, metavar="N", help="Each side of a photograph, first. [1]")
@click.option("--patch", type=int, metavar="PIXELS", help="Side of a patch. [128; the whole file]")
@click.option("--color/--gray", default=None, help="RGB, 4:2:0. [gray]")
@click.option("--limit", type=int, metavar="N", help="Patches a condition. [48; of files: all]")
@click.option("--seed", type=int, help="[0]")
@click.option("--device", metavar="NAME", help="cpu, cuda, cuda:1. [a GPU if there is one]")
@click.option("--batch", type=int, metavar="N", help="Patches worked on at once. [64]")
@click.option("--workers", type=click.IntRange(1), metavar="N", help="Processes on this machine.")
@click.option("--dask", metavar="ADDRESS", help="Scheduler of a cluster (docs/cluster.md).")
@click.option("--config", type=click.Path(dir_okay=False), help="Options from a YAML file.")
@click.option("--out", type=click.Path(file_okay=False), help="Where results are kept.")
@click.option("--scores", metavar="FILE", help="Every patch's scores, as Parquet or .csv.")
@click.option("--plan", "plan_only", is_flag=True, help="Say what would be done, and how long.")
@VERBOSE
@JSON
@FORMAT
def run(
    config: str | None,
    out: str | None,
    dask: str | None,
    workers: int | None,
    scores: str | None,
    plan_only: bool,
    verbose: bool,
    as_json: bool,
    style: str,
    settings: tuple[str, ...],
    **options: Any,
) -> int:
    """Every attack against every model, on the same patches of the same photographs.

    Scores are stored: a run that was stopped, or that asks for more, computes what is missing.
    """
    chosen = _config(config)
    chosen.update({k: v for k, v in options.items() if v is not None and v != ()})
    if settings:
        chosen["set"] = dict(chosen.get("set") or {}) | set_options(settings)
    folder = Path(out) if out else default_out()
    if scores is not None and not plan_only:
        targets.checked_file(Path(scores))
    if verbose:
        name_ignored(chosen.get(option) for option in ("data", "positive", "negative"))
    with progress() as report:
        plan = make(Settings.of(chosen))
        matrix = None if plan_only else execute(plan, folder, report, dask, workers, StoredCards())
    if matrix is None:
        click.echo((tables.plan_json if as_json else tables.plan)(plan, folder))
        return 0
    if scores is not None:
        matrix.save_scores(Path(scores))
    return _print(matrix, "json" if as_json else style)


@click.command(cls=Command)
@click.argument("folder", metavar="[DIR]", required=False)
@JSON
@FORMAT
@click.option("--plot", metavar="FILE", help="Reliability diagrams of estimators, as PNG.")
def report(folder: str | None, as_json: bool, style: str, plot: str | None) -> int:
    """Print the matrix of the last run in DIR (where `forensics run --out DIR` put it)."""
    matrix = Matrix.load(Path(folder) if folder else default_out())
    if plot is not None:
        diagram.draw(matrix, Path(plot))
        click.echo(f"written: {plot}", err=True)
    return _print(matrix, "json" if as_json else style)


def _config(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return read_config(Path(path).read_text(), path)
    except UnicodeDecodeError:
        raise ForensicsError(f"cannot read {path}: it holds no text") from None
    except OSError as error:
        raise ForensicsError(f"cannot read {path}: {error.strerror}") from None


def set_options(texts: Sequence[str]) -> dict[str, str]:
    """The values of --set by parameter, as text."""
    values_of: dict[str, str] = {}
    for text in texts:
        name, equals, values = (part.strip() for part in text.partition("="))
        if not equals or not values:
            raise ForensicsError(f"--set takes q=60,70, not {text}")
        if name in values_of:
            both = f"{name}={values_of[name]},{values}"
            raise ForensicsError(f"--set gives {name} twice: write --set {both}")
        values_of[name] = values
    return values_of


def name_ignored(folders: Iterable[str | None]) -> None:
    """Every file of the folders that is not looked at, on standard error."""
    for folder in folders:
        sentence = data.ignored(folder) if folder is not None else None
        if sentence is not None:
            click.echo(f"{folder}: {sentence}", err=True)


def _print(matrix: Matrix, style: str) -> int:
    """Print a matrix; gives the exit code."""
    if style == "json":
        click.echo(matrix.to_json())
    else:
        click.echo(tables.matrix(matrix, style), nl=False)
    return tell_losses([matrix])


def tell_losses(matrices: Sequence[Matrix]) -> int:
    """Print what was left out of runs to standard error, each once; returns the exit code."""
    for line in dict.fromkeys(line for matrix in matrices for line in matrix.skipped):
        click.echo(f"skipped: {line}", err=True)
    for model, text in {m: t for matrix in matrices for m, t in matrix.failures.items()}.items():
        click.echo(f"the cells of {model} are n/a:\n{text}", err=True)
    return LOSSES if any(m.failures or m.protocol["lost"] for m in matrices) else 0
