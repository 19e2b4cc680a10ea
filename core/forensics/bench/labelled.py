"""Runs over real files with labels, which are not simulated but taken as they are."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from forensics import data, random
from forensics.batch import Batch
from forensics.bench import choice, identity
from forensics.bench.conditions import Cell, Condition, Judges, Sample
from forensics.bench.positions import Position, spread, usable
from forensics.bench.settings import Settings
from forensics.data import Photograph, Source
from forensics.errors import ForensicsError
from forensics.images import Picture
from forensics.images.recovered import NO_TABLE, Recovered, of_pixels, recovered, without
from forensics.models.selection import Model
from forensics.traces.trace import Trace

# The files of a label are its history; attackers act on the altered ones.
FILES = Trace(
    "files",
    (("pristine", ""), ("altered", "ATTACK")),
    ((),),
    "jpeg",
)
_LABELS = {"pristine": "negative", "altered": "positive"}


def make(
    settings: Settings, judges: Judges, attackers: Sequence[Model]
) -> tuple[Sample, list[Cell]]:
    """The files and the cells over them. Raises ForensicsError where no file can be used, and as
    `data.labelled` does."""
    assert settings.positive is not None
    altered, untouched = data.labelled(
        settings.positive,
        settings.negative,
        settings.masks,
        settings.split,
        settings.masks_inverted,
    )
    sources = {"altered": altered} | ({} if untouched is None else {"pristine": untouched})
    photographs: list[Photograph] = []
    skipped: list[str] = []
    positions: dict[str, dict[str, list[Position]]] = {}
    for side, source in sources.items():
        kept, gray = usable(source, settings.color)
        positions[_LABELS[side]] = _positions(source, kept, settings)
        skipped += gray
        photographs += [p for p in kept if p.sha256 in positions[_LABELS[side]]]
    sample = Sample(
        altered.split,
        tuple(photographs),
        positions,
        tuple(skipped),
        tuple(str(error) for source in sources.values() for error in source.skipped),
        tuple(dict.fromkeys(w for source in sources.values() for w in source.warnings)),
        donors={},
    )
    return sample, _cells(settings, judges, attackers)


def _positions(
    source: Source, kept: Sequence[Photograph], settings: Settings
) -> dict[str, list[Position]]:
    """The patches of every file, or the file itself at (0, 0)."""
    limit = settings.limit or sys.maxsize
    if settings.patch:
        sized = ((p.sha256, p.size) for p in kept)
        positions = spread(sized, settings.patch, 0, limit, settings.seed)
    else:
        order = sorted(kept, key=lambda p: random.key(settings.seed, p.sha256))
        positions = {p.sha256: [(0, 0)] for p in order[:limit]}
    if not positions:
        raise ForensicsError(
            f"no image of {source.name} can be used: choose a smaller --patch, or --gray"
        )
    return positions


def _cells(settings: Settings, judges: Judges, attackers: Sequence[Model]) -> list[Cell]:
    asked: list[tuple[str | None, Model | None]] = [
        (kind, model) for kind, models in judges.items() for model in models
    ]
    cells = []
    for attacker in (None, *attackers):
        sides = {"altered": (_condition("altered", attacker, settings),)}
        if settings.negative is not None:
            sides = {"pristine": (_condition("pristine", None, settings),)} | sides
        clean = {"altered": (_condition("altered", None, settings),)}
        for kind, model in asked or [(None, None)]:
            reason = _beforehand(kind, model, attacker, settings)
            cells.append(Cell(kind, model, FILES, ((),), attacker, sides, clean, reason))
    return cells


def _beforehand(
    kind: str | None, model: Model | None, attacker: Model | None, settings: Settings
) -> str | None:
    """Why a cell cannot have a figure, as far as is known before the files are read."""
    for one in (attacker, model):
        refusal = choice.refusal(one, settings.color, None, True)
        if refusal:
            return refusal
    if kind == "detector" and settings.negative is None:
        return "no untouched files to tell the altered ones from: name a folder, --negative"
    return None


def _condition(side: str, attacker: Model | None, settings: Settings) -> Condition:
    template = FILES.history(side)
    digest = identity.digest(
        "files",
        side,
        identity.model(attacker) if attacker else "",
        f"{settings.patch} {settings.color} {settings.seed}",
        identity.core(),
    )
    return Condition(FILES, template, (), attacker, _LABELS[side], digest)


@dataclass(frozen=True, eq=False)
class File:
    """A file as it is. state: a batch of one, with its mask."""

    picture: Picture
    state: Batch

    def recovered(self, state: Batch) -> Recovered | None:
        """The JPEG that it, or what an attack made of it, once was, as `analyze` recovers it."""
        if state.jpeg is not None:
            return None
        return recovered(self.picture) if state is self.state else of_pixels(state.pixels)

    def without(self, attacked: bool) -> str:
        """Why there are no coefficients, as `analyze` says it."""
        return NO_TABLE if attacked else without(self.picture)


def file(photograph: Photograph, settings: Settings, device: torch.device) -> File:
    """The file of a photograph. Raises UnreadableImage, and NotApplicable where colour is asked of
    a gray one."""
    picture = photograph.picture()
    batch = picture.batch(color=settings.color)
    marked = photograph.marked()
    state = Batch(
        batch.pixels,
        torch.tensor([random.key(settings.seed, photograph.sha256)]),
        (photograph.sha256,),
        batch.positions,
        batch.jpeg,
        mask=None if marked is None else torch.from_numpy(marked)[None],
    ).to(device)
    return File(picture, state)
