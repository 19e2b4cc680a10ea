"""`forensics reproduce`: the tables of papers, measured again."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from forensics import experiments
from forensics.bench import Plan, default_out
from forensics.cli import FORMAT, JSON, Command, tables
from forensics.cli.bar import Progress, progress
from forensics.cli.run import tell_losses
from forensics.cli.tables.layout import Section, latex, markdown
from forensics.cli.terminal import table, width
from forensics.errors import ForensicsError
from forensics.experiments import Experiment, Result, readme
from forensics.experiments.schema import TableCell
from forensics.experiments.selecting import Measurement

HEADER = ("row", "column", "paper", "ours", "interval", "n", "photos", "note")


@click.command(cls=Command)
@click.argument("name", metavar="[PLUGIN[:TABLE]]", required=False)
@click.option("--data", metavar="DIR", help="Photographs. [samples: those of scikit-image]")
@click.option("--limit", type=int, metavar="N", help="Patches a condition. [the table's]")
@click.option("--device", metavar="NAME", help="cpu, cuda, cuda:1. [a GPU if there is one]")
@click.option("--out", type=click.Path(file_okay=False), help="Where results are kept.")
@click.option("--plan", "plan_only", is_flag=True, help="Say what would be done, and how long.")
@click.option("--save", is_flag=True, help="Keep the result in the plugin's source.")
@click.option("--readme", "rewrite", is_flag=True, help="Make the README's tables of what is kept.")
@JSON
@FORMAT
def reproduce(
    name: str | None,
    out: str | None,
    plan_only: bool,
    save: bool,
    rewrite: bool,
    as_json: bool,
    style: str,
    **options: Any,
) -> int:
    """The tables of a paper, run again: what it says and what is measured, side by side.

    Without a name: the tables that there are. Scores are stored: what was stopped goes on. With
    --readme alone nothing is run.
    """
    if name is None:
        click.echo(_list(experiments.experiments(), as_json))
        return 0
    chosen = experiments.named(name)
    if rewrite and not save:
        click.echo(f"written: {_readme(chosen[0])}", err=True)
        return 0
    folder = Path(out) if out else default_out()
    with progress():
        plans = [(experiment, experiments.plans(experiment, **options)) for experiment in chosen]
    if plan_only:
        click.echo(_plans(plans, folder, as_json))
        return 0
    results = []
    with progress() as tell:
        every = sum(len(one.photographs) for _, runs in plans for one in runs)
        before = 0
        for experiment, runs in plans:
            report = partial(_further, tell, before, every)
            results.append(experiments.execute(experiment, runs, folder, report))
            before += sum(len(one.photographs) for one in runs)
            if save:
                click.echo(f"written: {experiments.save(results[-1])}", err=True)
    if rewrite:
        click.echo(f"written: {_readme(chosen[0])}", err=True)
    if as_json:
        click.echo(json.dumps({"tables": [r.to_dict() for r in results]}, indent=1))
    else:
        click.echo(_text(results, style), nl=False)
    return tell_losses([matrix for r in results for matrix in r.matrices])


def _further(tell: Progress, before: float, every: float, done: float, of: float) -> None:
    """Tell of a part of the whole as of the whole."""
    tell(before + done, every)


def _readme(one: Experiment) -> Path:
    return experiments.rewrite(experiments.named(one.plugin))


def _list(listed: Sequence[Experiment], as_json: bool) -> str:
    described = [_described(experiment) for experiment in listed]
    if as_json:
        return json.dumps({"tables": described}, indent=1)
    if not described:
        return "no installed plugin has tables to reproduce"
    rows = [(d["table"], d["title"], d["source"], "yes" if d["kept"] else "no") for d in described]
    header = ("table", "what", "source", "result kept")
    return "\n" + table(header, rows, ("what", "source")) + "\n"


def _described(experiment: Experiment) -> dict[str, Any]:
    """A table of the list, with the error of its file if it has one."""
    try:
        preset = experiment.preset
        title, source, error = preset.title, preset.source, None
    except ForensicsError as problem:
        title, source, error = f"error: {problem}", "", str(problem)
    kept = str(experiment.result) if experiment.result.is_file() else None
    return {
        "table": str(experiment),
        "title": title,
        "source": source,
        "kept": kept,
        "error": error,
    }


def _plans(plans: Sequence[tuple[Experiment, Sequence[Plan]]], folder: Path, as_json: bool) -> str:
    if as_json:
        described = [
            {"table": str(e), "runs": [json.loads(tables.plan_json(p, folder)) for p in runs]}
            for e, runs in plans
        ]
        return json.dumps({"tables": described}, indent=1)
    return "\n\n".join(
        "\n".join([f"{e}: {e.preset.title}", *(tables.plan(p, folder) for p in runs)])
        for e, runs in plans
    )


def _text(results: Sequence[Result], style: str) -> str:
    if style == "csv":
        import pandas

        return str(pandas.concat([r.to_pandas() for r in results]).to_csv(index=False))
    texts = []
    for result in results:
        rows = [_row(asked, figure) for asked, figure in result.cells]
        kept = [n for n, name in enumerate(HEADER) if name == "row" or any(r[n] for r in rows)]
        header, rows = [HEADER[n] for n in kept], [[r[n] for n in kept] for r in rows]
        said = [*readme.notes(result), *readme.remarks(result)]
        notes = [line for text in said for line in textwrap.wrap(text, width() - 2)]
        if style == "table":
            texts.append("\n".join(["", table(header, rows, ("row", "paper")), "", *notes, ""]))
        else:
            texts.append(_typeset(Section(header, rows), notes, style))
    return "\n".join(texts)


def _typeset(section: Section, notes: Sequence[str], style: str) -> str:
    if style == "markdown":
        return "\n".join([markdown(section), "", *notes, ""])
    return "\n".join([latex(section), *(f"% {note}" for note in notes), ""])


def _row(asked: TableCell, figure: Measurement) -> list[str]:
    interval = ""
    if figure.low is not None and figure.high is not None:
        interval = " to ".join(readme.short(end, asked.digits) for end in (figure.low, figure.high))
    value = figure.value
    ours = f"n/a: {figure.na}" if value is None else readme.short(value, asked.digits)
    counts = (str(figure.n or ""), str(figure.photographs or ""))
    note = "differs" if figure.agrees(asked.paper) is False else ""
    return [asked.row, asked.column, readme.said(asked), ours, interval, *counts, note]
