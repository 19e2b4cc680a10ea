"""`forensics attack` and `simulate`: image files in, image files out."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import torch

from forensics import images
from forensics.batch import Batch
from forensics.bench.inference import fitting, refused
from forensics.cli import LOSSES, VERBOSE, Command, targets
from forensics.cli.bar import progress
from forensics.device import choose
from forensics.errors import ForensicsError, NotApplicable, UnreadableImage
from forensics.histories.history import History
from forensics.images.writing import suffix, write
from forensics.metrics.cost import psnr
from forensics.models import selection

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
@click.argument("name")
@FILES
@FOLDER
@FORCE
@DEVICE
@LIMIT
@VERBOSE
def attack(
    name: str,
    files: tuple[str, ...],
    out: str,
    force: bool,
    device: str,
    max_megapixels: float,
    verbose: bool,
) -> int:
    """Attack image files with NAME and write PNG files into a folder."""
    where = choose(device)
    chosen = selection.model(name, "attacker")
    attacker = chosen.create()

    def act(picture: images.Picture) -> Batch:
        color = picture.pixels.shape[2] in attacker.needs.channels
        batch = fitting(attacker.needs, picture.batch(color=None if color else False))
        refusal = refused(attacker.needs, batch)
        if refusal:
            raise NotApplicable(refusal)
        result: Batch = attacker.apply(batch.to(where))
        change = float(psnr(result.pixels, batch.to(where).pixels)[0])
        click.echo(f"{picture.path}: changed by {change:.2f} dB PSNR", err=True)
        return result

    return _convert(files, Path(out), force, max_megapixels, verbose, act, f".{chosen.name}")


@click.command(cls=Command)
@click.argument("history")
@FILES
@FOLDER
@FORCE
@DEVICE
@LIMIT
@VERBOSE
@click.option("--gray", is_flag=True, help="Begin from the gray picture (Pillow's L).")
def simulate(
    history: str,
    files: tuple[str, ...],
    out: str,
    force: bool,
    device: str,
    max_megapixels: float,
    verbose: bool,
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

    return _convert(files, Path(out), force, max_megapixels, verbose, act)


def _convert(
    files: tuple[str, ...],
    folder: Path,
    force: bool,
    max_megapixels: float,
    verbose: bool,
    act: Callable[[images.Picture], Batch],
    made: str = "",
) -> int:
    """Each file through `act` into `folder`, under its whole name with `made` and a fitting suffix
    behind it."""
    targets.checked(folder)
    lost = Losses()
    written: dict[Path, Path] = {}
    placed = found(files, lost, verbose)

    def one(path: Path, place: Path) -> None:
        picture = opened(path, max_megapixels, lost)
        if picture is None:
            return
        with lost.of(str(path)):
            with torch.inference_mode():
                result = act(picture)
            target = targets.result(folder / place, f"{made}{suffix(result)}")
            if target in written:
                raise ForensicsError(f"{written[target]} was written to {target} already")
            write(result, target, force)
            written[target] = path
            click.echo(str(target))

    try:
        with progress("files") as tell:
            for number, (path, place) in enumerate(placed.items()):
                tell(number, len(placed))
                one(path, place)
    except KeyboardInterrupt:
        raise ForensicsError(
            f"stopped; {len(written)} of {len(placed)} files are written: name the others, or "
            "--force to write all again"
        ) from None
    return lost.report()


class Losses:
    """Errors of single files, printed at once and counted for the exit code."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self._what = ""

    def of(self, what: str) -> Losses:
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


def found(files: tuple[str, ...], lost: Losses, every: bool = False) -> dict[Path, Path]:
    """The image files that are meant, each with its place in a folder of results. Paths that are
    not there are lost; files that were ignored are named, the first or `every` one. Raises
    ForensicsError where no file is left."""
    listed = images.find(files)
    for path in listed.missing:
        sentence = f"{path} is neither a file nor a folder; check the path"
        if not listed.files:
            raise ForensicsError(sentence)
        lost.add(sentence)
    if not listed.files:
        ignored = f" ({listed.note(every)})" if listed.ignored else ""
        raise ForensicsError(
            f"no image files in {', '.join(files)}{ignored}: name files or another folder"
        )
    if listed.ignored:
        click.echo(listed.note(every), err=True)
    return targets.places(files, listed.files)


def opened(path: Path, max_megapixels: float, lost: Losses) -> images.Picture | None:
    """The picture in a file; None where it cannot be opened and is lost."""
    try:
        return images.open(path, max_megapixels)
    except UnreadableImage as error:
        lost.add(str(error))
        return None
