"""`forensics analyze`: the answers of models about image files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import click
import torch

from forensics.batch import Batch
from forensics.bench import default_out, identity
from forensics.bench.inference import shown
from forensics.calibration import applying
from forensics.calibration.cards import Card
from forensics.cli import JSON, Command, answers, blocks, targets
from forensics.cli.bar import Progress, progress
from forensics.cli.files import DEVICE, FILES, FORCE, LIMIT, Losses, found, opened
from forensics.cli.stored import StoredAnswers
from forensics.device import choose
from forensics.errors import ForensicsError
from forensics.images import Picture
from forensics.images.recovered import recovered, without
from forensics.models import selection
from forensics.models.entries import NO_JPEG, Needs
from forensics.models.selection import Model
from forensics.progress import duration, heard

# Where a row keeps what models of each kind say.
_SAID = {"detector": "scores", "estimator": "estimates", "localizer": "maps"}
# Of more files than these each gets the lines of its answers alone, unless detectors are named.
_FEW = 3
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
@click.option("--verbose", is_flag=True, help="Scores, steps and reasons, of every file.")
def analyze(
    files: tuple[str, ...],
    out: str | None,
    force: bool,
    device: str,
    max_megapixels: float,
    as_json: bool,
    style: str,
    verbose: bool,
    **named: tuple[str, ...],
) -> int:
    """What every model that fits says of image files, as they are.

    Answers are printed file by file, and kept: after Ctrl-C the same command goes on. The maps of
    localizers are written where -o names a folder: as .npy the values, as .png in gray; regions
    over the picture; what else they map in a folder of its own.
    """
    asked = {kind: named[f"{kind}s"] or () for kind in _SAID}
    if not any(asked.values()):
        asked = dict.fromkeys(_SAID, ("all",))
    left = [str(m) for m in selection.baselines(asked)]
    models = [
        _Asked(kind, chosen)
        for kind, names in asked.items()
        for chosen in selection.models(names, kind)
        if str(chosen) not in left
    ]
    if not models:
        raise ForensicsError("no model to ask: name some that `forensics models` lists")
    folder = targets.checked(Path(out)) if out else None
    lost = Losses()
    placed = found(files, lost, verbose)
    asking = _Asking(models, selection.names(asked), choose(device), folder, force, lost)
    compared = bool(named["detectors"]) and len(placed) > 1
    full = verbose or compared or len(placed) <= _FEW
    rows: list[Row] = []
    with progress("answers") as tell:
        for path, place in placed.items():
            picture = opened(path, max_megapixels, lost)
            if picture is not None:
                rows.append(asking.row(place, picture, tell, len(placed)))
                if not as_json and style == "table":
                    click.echo(blocks.block(rows[-1], full, verbose, not compared))
            asking.files += 1
    if as_json:
        held = {name: [c.basis for c in cards] for name, cards in asking.valid.items() if cards}
        content: dict[str, Any] = {"direction": "higher = altered", "calibrated": held}
        content |= {"baselines": left, "files": rows, "lost": lost.sentences}
        click.echo(json.dumps(content, indent=1, allow_nan=False))
    elif rows and style == "csv":
        click.echo(_csv(rows, [m.name for m in models if m.kind == "detector"]), nl=False)
    elif rows:
        outdated = [line for m in models for line in m.outdated]
        if compared:
            click.echo("\n" + blocks.scores(rows, list(asking.valid)))
        click.echo(blocks.notes(rows, full, asking.valid, left, outdated))
    return lost.report()


@dataclass(frozen=True)
class _Asked:
    """A model that is asked."""

    kind: str
    chosen: Model

    @property
    def name(self) -> str:
        return str(self.chosen)

    @cached_property
    def model(self) -> Any:
        return self.chosen.create()

    @cached_property
    def identity(self) -> str:
        return f"{self.kind} {identity.model(self.chosen.canonical())}"

    @cached_property
    def _cards(self) -> tuple[list[Card], list[str]]:
        return applying.cards_of(self.chosen) if self.kind == "detector" else ([], [])

    @property
    def cards(self) -> list[Card]:
        """Its valid calibrations."""
        return self._cards[0]

    @property
    def outdated(self) -> list[str]:
        """A sentence on each calibration that is not valid any more."""
        return self._cards[1]


@dataclass
class _Asking:
    """One call of the command. named: models that the user named; folder: of maps; files: how many
    are done."""

    models: Sequence[_Asked]
    named: set[str]
    device: torch.device
    folder: Path | None
    force: bool
    lost: Losses
    files: int = 0
    valid: Mapping[str, list[Card]] = field(init=False)

    def __post_init__(self) -> None:
        self.valid = {m.name: m.cards for m in self.models if m.kind == "detector"}

    def row(self, place: Path, picture: Picture, tell: Progress, of: int) -> Row:
        """What the models say of a picture. tell: told of every answer; of: files in all."""
        row: Row = {"file": str(picture.path), **blocks.described(picture)}
        row |= {"notes": list(picture.notes)}
        row |= {said: {} for said in _SAID.values()} | {"skipped": {}}
        stored = StoredAnswers(default_out() / "answers", picture.sha256, self.force)
        unnamed = [(m.kind, m.chosen) for m in self.models if m.chosen.name not in self.named]
        long = selection.too_long(unnamed, picture.height, picture.width)
        batches: dict[Needs, Batch] = {}
        for number, asked in enumerate(self.models):
            total = len(self.models)

            def at(done: float, parts: float, number: int = number, total: int = total) -> None:
                tell(self.files * total + number + done / parts, of * total)

            at(0, 1)
            if asked.name in long:
                row["skipped"][asked.name] = duration(long[asked.name])
                continue
            target = self._maps(place, asked)
            key = f"{asked.identity} {self.device.type}"
            answer = stored.get(key, target)
            with self.lost.of(f"{asked.name} on {picture.path}"), heard(at):
                if answer is None:
                    answer = self._answer(asked, picture, batches, target)
                    row[_SAID[asked.kind]][asked.name] = answer
                    stored.put(key, target, answer)
                if asked.cards and answer["score"] is not None:
                    said = applying.answers(asked.cards, answer["score"], picture)
                    answer = answer | {"calibrated": said}
                row[_SAID[asked.kind]][asked.name] = answer
        was = recovered(picture) if any(m.chosen.entry.needs.jpeg for m in self.models) else None
        if was is not None:
            row["notes"].append(was.note)
        return row

    def _answer(
        self, asked: _Asked, picture: Picture, batches: dict[Needs, Batch], target: Path | None
    ) -> dict[str, Any]:
        """batches: what models of the same needs are shown is one, so that they share work."""
        needs = asked.model.needs
        if needs not in batches:
            batches[needs] = shown(needs, picture).to(self.device)
        batch = batches[needs]
        if asked.kind == "detector":
            answer = answers.scored(asked.model, batch)
        elif asked.kind == "estimator":
            answer = answers.estimated(asked.model, batch)
        else:
            answer = answers.located(asked.model, batch, target, self.force)
        if answer.get("na") == NO_JPEG:
            answer["na"] = without(picture)
        return answer

    def _maps(self, place: Path, asked: _Asked) -> Path | None:
        """Folder and name of a model's maps of a file."""
        if self.folder is None or asked.kind != "localizer":
            return None
        # Options have characters that files cannot have.
        return targets.result(self.folder / place, "." + re.sub(r"[^-\w.]+", "_", asked.name))


def _csv(rows: Sequence[Row], names: Sequence[str]) -> str:
    import pandas

    empty = dict.fromkeys(["file", *names])
    return str(pandas.DataFrame([empty | answers.record(row) for row in rows]).to_csv(index=False))
