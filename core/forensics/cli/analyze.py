"""`forensics analyze`: the answers of models about image files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from forensics.batch import Batch
from forensics.bench.forecast import duration
from forensics.bench.inference import shown
from forensics.calibration import applying
from forensics.calibration.cards import Card
from forensics.cli import JSON, Command, answers, calibrated, targets
from forensics.cli.files import DEVICE, FILES, FORCE, LIMIT, Losses, pictures
from forensics.cli.run import progress
from forensics.cli.terminal import lines, table
from forensics.device import choose
from forensics.errors import ForensicsError
from forensics.images.recovered import recovered, without
from forensics.models import selection
from forensics.models.entries import NO_JPEG
from forensics.progress import heard

# Where a row keeps what models of each kind say.
_SAID = {"detector": "scores", "estimator": "estimates", "localizer": "maps"}
Row = dict[str, Any]


@click.command(cls=Command)
@FILES
@click.option("--detectors", multiple=True, help="Names, globs, all. [all]")
@click.option("--estimators", multiple=True, help="[all; with others named, none]")
@click.option("--localizers", multiple=True, help="[all; with others named, none]")
@click.option("-o", "--out", type=click.Path(file_okay=False), help="Folder for the maps.")
@FORCE
@DEVICE
@LIMIT
@JSON
@click.option("--format", "style", type=click.Choice(["table", "csv"]), default="table")
def analyze(
    files: tuple[str, ...],
    out: str | None,
    force: bool,
    device: str,
    max_megapixels: float,
    as_json: bool,
    style: str,
    **named: tuple[str, ...],
) -> int:
    """What every model that fits says of image files, as they are.

    The maps of localizers are written where -o names a folder: as .npy the values, as .png in gray
    with their scale; regions over the picture; what else they map in a folder of its own.
    """
    asked = {kind: named[f"{kind}s"] or () for kind in _SAID}
    if not any(asked.values()):
        asked = dict.fromkeys(_SAID, ("all",))
    named_outright = selection.names(asked)
    rivals = selection.baselines(asked)
    chosen = {
        kind: [m for m in selection.models(names, kind) if m not in rivals]
        for kind, names in asked.items()
    }
    if not any(chosen.values()):
        raise ForensicsError("no model to ask: name some that `forensics models` lists")
    where = choose(device)
    created = [(kind, m, m.create()) for kind, several in chosen.items() for m in several]
    cards = {str(m): applying.cards_of(m) for m in chosen["detector"]}
    valid = {name: held for name, (held, _) in cards.items()}
    folder = targets.checked(Path(out)) if out else None
    rows: list[Row] = []
    lost = Losses()
    for path, place, picture in pictures(files, max_megapixels, lost):
        row: Row = {"file": str(path), "notes": list(picture.notes)}
        row |= {said: {} for said in _SAID.values()} | {"skipped": {}}
        for kind, which, model in created:
            name, takes = str(which), which.entry.takes(picture.height, picture.width)
            if takes > selection.LONG and which.name not in named_outright:
                row["skipped"][name] = f"{duration(takes)}, name it to ask it"
                continue
            with lost.of(f"{name} on {path}"):
                batch = shown(model.needs, picture).to(where)
                target = _maps(folder, place, name) if folder else None
                answer = _ask(kind, model, batch, target, force)
                if answer.get("na") == NO_JPEG:
                    answer["na"] = without(picture)
                if kind == "detector" and valid[name] and answer["score"] is not None:
                    answer["calibrated"] = applying.answers(valid[name], answer["score"], picture)
                row[_SAID[kind]][name] = answer
        was = recovered(picture) if any(m.needs.jpeg for _, _, m in created) else None
        if was is not None:
            row["notes"].append(was.note)
        rows.append(row)
    left = [str(m) for m in rivals]
    if as_json:
        held = {name: [c.basis for c in several] for name, several in valid.items() if several}
        content: dict[str, Any] = {"direction": "higher = altered", "calibrated": held}
        content |= {"baselines": left, "files": rows, "lost": lost.sentences}
        click.echo(json.dumps(content, indent=1, allow_nan=False))
    elif rows and style == "csv":
        click.echo(_csv(rows, list(valid)), nl=False)
    elif rows:
        beside = [f"{row['file']}: skipped {_skipped(row)}." for row in rows if row["skipped"]]
        if left:
            beside.append(f"Baselines are asked by name only: {', '.join(left)}.")
        beside += [line for _, outdated in cards.values() for line in outdated]
        click.echo(_text(rows, valid, beside))
    return lost.report()


def _ask(
    kind: str, model: Any, batch: Batch, target: tuple[Path, str] | None, force: bool
) -> dict[str, Any]:
    if kind == "detector":
        return answers.scored(model, batch)
    if kind == "estimator":
        return answers.estimated(model, batch)
    with progress("parts of the image") as told, heard(told):
        return answers.located(model, batch, target, force)


def _maps(folder: Path, place: Path, model: str) -> tuple[Path, str]:
    """Folder and name of a model's maps of a file."""
    # Options have characters that files cannot have.
    path = targets.result(folder / place, "." + re.sub(r"[^-\w.]+", "_", model))
    return path.parent, path.name


def _csv(rows: Sequence[Row], names: Sequence[str]) -> str:
    import pandas

    empty = dict.fromkeys(["file", *names])
    return str(pandas.DataFrame([empty | answers.record(row) for row in rows]).to_csv(index=False))


def _text(rows: Sequence[Row], valid: Mapping[str, Sequence[Card]], beside: Sequence[str]) -> str:
    """The tables, and what stands below them, `beside` among it."""
    tables = []
    if valid:
        cells = [[row["file"], *(_short(row, name) for name in valid)] for row in rows]
        tables.append(table(["file", *valid], cells, wrapped=("file",), keys=1))
    tables += [*answers.tables(rows), *calibrated.tables(rows)]
    notes = [f"n/a for {reason}" for reason in answers.reasons(rows)]
    notes += [*beside, *calibrated.notes(rows, valid)]
    notes += [f"{row['file']}: {note}" for row in rows for note in row["notes"]]
    return "\n".join(["", "\n\n\n".join(tables), "", *map(lines, notes)])


def _skipped(row: Row) -> str:
    return "; ".join(f"{name}: {text}" for name, text in row["skipped"].items())


def _score(row: Row, name: str) -> float | None:
    score: float | None = row["scores"].get(name, {}).get("score")
    return score


def _short(row: Row, name: str) -> str:
    score = _score(row, name)
    if score is None:
        return "n/a"
    return f"{score:.0f}" if abs(score) >= 1000 else f"{score:.3g}"
