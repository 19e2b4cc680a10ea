"""`forensics analyze`, `attack` and `simulate`: image files in, tables or image files out."""

from __future__ import annotations

import csv
import io
import json
import math
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import torch

from forensics import images, selection
from forensics.batch import Batch
from forensics.calibration.cards import Card
from forensics.cli import LOSSES, Command, answers, calibrated
from forensics.cli.page import lines, table
from forensics.device import choose
from forensics.errors import ForensicsError, NotApplicable, UnreadableImage
from forensics.harness.asking import fitting
from forensics.histories import History
from forensics.images.writing import suffix, write
from forensics.interfaces import Needs
from forensics.metrics.cost import psnr

FILES = click.argument("files", nargs=-1, required=True, metavar="FILES...")
DEVICE = click.option("--device", default="auto", help="cpu, cuda, cuda:1. [a GPU if there is one]")
LIMIT = click.option(
    "--max-megapixels", default=100.0, show_default=True, help="Larger images are refused unread."
)
FOLDER = click.option(
    "-o", "--out", required=True, type=click.Path(file_okay=False), help="Folder for the results."
)
FORCE = click.option("--force", is_flag=True, help="Write over files that exist.")


@click.command(cls=Command)
@FILES
@click.option("--detectors", multiple=True, help="Names, globs, all. [all]")
@click.option("--estimators", multiple=True, help="[all; with others named, none]")
@click.option("--localizers", multiple=True, help="[all; with others named, none]")
@click.option("-o", "--out", type=click.Path(file_okay=False), help="Folder for the maps.")
@FORCE
@DEVICE
@LIMIT
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.option("--format", "style", type=click.Choice(["table", "csv"]), default="table")
def analyze(
    files: tuple[str, ...],
    detectors: tuple[str, ...],
    estimators: tuple[str, ...],
    localizers: tuple[str, ...],
    out: str | None,
    force: bool,
    device: str,
    max_megapixels: float,
    as_json: bool,
    style: str,
) -> int:
    """What every model that fits says of image files, as they are.

    The maps of localizers are written where -o names a folder: as .npy the values, as .png in gray.
    """
    if not (detectors or estimators or localizers):
        detectors = estimators = localizers = ("all",)
    chosen = selection.models(detectors, "detector")
    others = {
        kind: [(str(m), m.create()) for m in selection.models(names, kind)]
        for kind, names in (("estimator", estimators), ("localizer", localizers))
    }
    if not chosen and not any(others.values()):
        raise ForensicsError("no model to ask: name some that `forensics models` lists")
    where = choose(device)
    made = [(str(model), model.create()) for model in chosen]
    valid = {str(model): calibrated.cards(model) for model in chosen}
    rows: list[dict[str, Any]] = []
    lost = _Losses()
    for path, picture in _pictures(files, max_megapixels, lost):
        row: dict[str, Any] = {"file": str(path), "notes": list(picture.notes), "scores": {}}
        for name, model in made:
            with lost.of(f"{name} on {path}"):
                found = _score(model, picture, where)
                row["scores"][name] = found | calibrated.answers(valid[name], found, picture)
        row["estimates"], row["maps"] = {}, {}
        for name, model in others["estimator"]:
            with lost.of(f"{name} on {path}"):
                batch = _batch(model.needs, picture).to(where)
                row["estimates"][name] = answers.estimated(model, batch)
        for name, model in others["localizer"]:
            with lost.of(f"{name} on {path}"):
                batch, folder = _batch(model.needs, picture).to(where), Path(out) if out else None
                stem = f"{path.stem}.{name}"
                row["maps"][name] = answers.located(model, batch, folder, stem, force)
        rows.append(row)
    if as_json:
        directions = {
            "direction": "higher = altered",
            "calibrated": {name: [c.basis for c in held] for name, held in valid.items() if held},
        }
        click.echo(
            json.dumps(
                directions | {"files": rows, "lost": lost.sentences}, indent=1, allow_nan=False
            )
        )
    elif rows:
        _print_scores(rows, valid, style)
    return lost.report()


def _score(model: Any, picture: images.Picture, where: torch.device) -> dict[str, Any]:
    batch = _batch(model.needs, picture)
    refusal = model.needs.refusal(batch.pixels.shape[1], *batch.size, batch.jpeg is not None)
    if refusal:
        return {"score": None, "na": refusal}
    try:
        with torch.inference_mode():
            scores = model.score(batch.to(where))
    except NotApplicable as error:  # it has no weights, for instance
        return {"score": None, "na": str(error)}
    reason = scores.reasons[0] if scores.reasons else None
    value = float(scores.values[0])
    if reason is None and not math.isfinite(value):
        reason = "no score" if math.isnan(value) else "infinite score"
    return {"score": None, "na": reason} if reason else {"score": value}


def _batch(needs: Needs, picture: images.Picture) -> Batch:
    """The picture in the colours that a model takes: its own, or gray where that is asked for."""
    channels = picture.pixels.shape[2]
    batch = picture.batch() if channels in needs.channels else picture.batch(color=False)
    return fitting(needs, batch)


def _print_scores(rows: list[dict[str, Any]], valid: dict[str, list[Card]], style: str) -> None:
    names = list(valid)
    if style == "csv":
        stream = io.StringIO()
        others = answers.columns(rows)
        cells = [
            [row["file"], *(_plain(row, name) for name in names), *(v[i] for v in others.values())]
            for i, row in enumerate(rows)
        ]
        csv.writer(stream, lineterminator="\n").writerows([["file", *names, *others], *cells])
        click.echo(stream.getvalue(), nl=False)
        return
    reasons = dict.fromkeys(
        f"{name}: {found['na']}"
        for row in rows
        for name, found in row["scores"].items()
        if found["score"] is None
    )
    cells = [[row["file"], *(_short(row, name) for name in names)] for row in rows]
    shown = [table(["file", *names], cells, wrapped=("file",), keys=1)] if names else []
    shown += [*answers.tables(rows), *calibrated.tables(rows)]
    notes = [f"n/a for {reason}" for reason in [*reasons, *answers.reasons(rows)]]
    notes += calibrated.notes(rows, valid)
    notes += [f"{row['file']}: {note}" for row in rows for note in row["notes"]]
    click.echo("\n" + "\n\n\n".join(shown) + "\n")
    for note in notes:
        click.echo(lines(note))


def _plain(row: dict[str, Any], name: str) -> float | None:
    score: float | None = row["scores"].get(name, {}).get("score")
    return score


def _short(row: dict[str, Any], name: str) -> str:
    score = _plain(row, name)
    if score is None:
        return "n/a"
    return f"{score:.0f}" if abs(score) >= 1000 else f"{score:.3g}"


@click.command(cls=Command)
@click.argument("name")
@FILES
@FOLDER
@FORCE
@DEVICE
@LIMIT
def attack(
    name: str, files: tuple[str, ...], out: str, force: bool, device: str, max_megapixels: float
) -> int:
    """Attack image files with NAME and write PNG files into a folder."""
    where = choose(device)
    attacker = selection.model(name, "attacker").create()

    def act(picture: images.Picture) -> Batch:
        batch = _batch(attacker.needs, picture)
        refusal = attacker.needs.refusal(batch.pixels.shape[1], *batch.size, batch.jpeg is not None)
        if refusal:
            raise NotApplicable(refusal)
        result: Batch = attacker.apply(batch.to(where))
        change = float(psnr(result.pixels, batch.to(where).pixels)[0])
        click.echo(f"{picture.path}: changed by {change:.2f} dB PSNR", err=True)
        return result

    return _convert(files, Path(out), force, max_megapixels, act)


@click.command(cls=Command)
@click.argument("history")
@FILES
@FOLDER
@FORCE
@DEVICE
@LIMIT
@click.option("--gray", is_flag=True, help="Begin from the gray picture (Pillow's L).")
def simulate(
    history: str,
    files: tuple[str, ...],
    out: str,
    force: bool,
    device: str,
    max_megapixels: float,
    gray: bool,
) -> int:
    """Put image files through HISTORY, such as 'jpeg(60) crop(3,5) jpeg(90)'.

    Steps are operations and attackers. A history that ends in a JPEG writes that JPEG, its
    coefficients as they are; anything else is written as PNG.
    """
    where = choose(device)
    parsed = History.parse(history)
    if parsed.parameters or parsed.has_slot:
        raise ForensicsError(f"{history!r} has an open place: write a value or an attacker there")
    if parsed.donors:
        raise ForensicsError(
            f"{history!r} takes a region from another photograph, and each file stands alone here: "
            "write donor=self or donor=copy, or run a trace with splices over a folder"
        )
    if not parsed.steps:
        raise ForensicsError("the history is empty: write steps such as 'jpeg(60) jpeg(90)'")
    for step in parsed.steps:
        step.bind({})  # a value that no step takes is an error of the request, not of each file

    def act(picture: images.Picture) -> Batch:
        start = picture.batch(color=False) if gray else picture.batch()
        return parsed.apply(start.to(where))

    return _convert(files, Path(out), force, max_megapixels, act)


def _convert(
    files: tuple[str, ...],
    folder: Path,
    force: bool,
    max_megapixels: float,
    act: Callable[[images.Picture], Batch],
) -> int:
    """Each file through `act` into `folder`, under its own name with a fitting suffix."""
    lost = _Losses()
    written: dict[Path, Path] = {}
    for path, picture in _pictures(files, max_megapixels, lost):
        with lost.of(str(path)):
            with torch.inference_mode():
                result = act(picture)
            target = folder / f"{path.stem}{suffix(result)}"
            if target in written:
                raise ForensicsError(f"{written[target]} was written to {target} already")
            write(result, target, force)
            written[target] = path
            click.echo(str(target))
    return lost.report()


class _Losses:
    """What went wrong with single files, told at once and counted for the exit code."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self._what = ""

    def of(self, what: str) -> _Losses:
        """A context in which an error loses one file or cell, not the command."""
        self._what = what
        return self

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if error is None or not isinstance(error, Exception):
            return False
        text = str(error)
        if not isinstance(error, ForensicsError):
            click.echo("".join(traceback.format_exception(error)), err=True)
            text = f"{type(error).__name__}: {text}"
        self.add(text if self._what in text else f"{self._what}: {text}")
        return True

    def add(self, sentence: str) -> None:
        self.sentences.append(sentence)
        click.echo(f"lost: {sentence}", err=True)

    def report(self) -> int:
        if self.sentences:
            click.echo(f"finished with losses: {len(self.sentences)}", err=True)
        return LOSSES if self.sentences else 0


def _pictures(
    files: tuple[str, ...], max_megapixels: float, lost: _Losses
) -> Iterator[tuple[Path, images.Picture]]:
    """Every file that can be opened; the others are lost."""
    paths = images.find(Path(f) for f in files)
    if not paths:
        raise ForensicsError(f"no image files in {', '.join(files)}: name files or another folder")
    for path in paths:
        try:
            picture = images.open(path, max_megapixels)
        except UnreadableImage as error:
            lost.add(str(error))
            continue
        yield path, picture
