"""Calibration cards: one JSON file a model, with a card for each trace and set of options.

The user's own are `$FORENSICS_HOME/calibrations/<model>.json`; a plugin ships its own as
`<package>/calibrations/<model>.json`, for models with weights and without. A card holds for the
model with one identity (`bench.identity.model`: options, weights, sources). With another identity
the model is uncalibrated.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forensics.atomic import replacing
from forensics.calibration.scale import Scale
from forensics.errors import ForensicsError
from forensics.models.entries import ModelEntry
from forensics.models.registry import package_folder
from forensics.models.weights import home


@dataclass(frozen=True)
class Card:
    """A calibration. content: the JSON of the card; origin: `"shipped"` or `"user"`."""

    content: Mapping[str, Any]
    origin: str
    scale: Scale

    @property
    def trace(self) -> str:
        return str(self.content["trace"])

    @property
    def basis(self) -> str:
        """What the calibration holds for, in words."""
        c = self.content
        points = ", ".join(" ".join(f"{k}={v}" for k, v in p.items()) for p in c["points"])
        attacked = f", attacked by {', '.join(c['attacks'])} too" if c["attacks"] else ""
        return (
            f"{c['trace']} at {points}{attacked}, {c['patch']} x {c['patch']} {c['color']} patches "
            f"of {c['data']['photographs']} photographs ({c['data']['name']}, "
            f"split {c['data']['split']})"
        )

    def beyond(self, size: tuple[int, int], color: str) -> list[str]:
        """In what respects the calibration does not hold for images of this (height, width) and
        colour, in words."""
        side = self.content["patch"]
        respects = []
        if size != (side, side):
            respects.append(f"{size[1]} x {size[0]} pixels, not patches of {side} x {side}")
        if color != self.content["color"]:
            respects.append(f"{color}, not {self.content['color']}")
        return respects

    def shared(self, photographs: Iterable[str]) -> int:
        """How many of these photographs (content hashes) the calibration was made on."""
        return len(set(photographs) & set(self.content["data"]["sha256"]))


def user_file(entry: ModelEntry) -> Path:
    """The file of the user's own calibrations of a model."""
    return home() / "calibrations" / f"{entry.name}.json"


def shipped_file(package: Path, entry: ModelEntry) -> Path:
    """The file of a model's calibrations in the package that brings it."""
    return package / "calibrations" / f"{entry.name}.json"


def cards(entry: ModelEntry) -> Iterator[Card]:
    """All calibrations of a model with any options, weights and sources, the user's first. Raises
    ForensicsError where a file is damaged."""
    package = package_folder(entry.package)
    yield from _read(user_file(entry), "user")
    if package is not None:
        yield from _read(shipped_file(package, entry), "shipped")


def find(entry: ModelEntry, identity: str, trace: str) -> Card | None:
    """The calibration of a model with this identity on a trace, the user's before the shipped one;
    None where the model is uncalibrated."""
    matching = (c for c in cards(entry) if c.content["identity"] == identity and c.trace == trace)
    return next(matching, None)


def absence(entry: ModelEntry, trace: str) -> str:
    """Why `find` has no calibration of a model on a trace, as a reason for n/a."""
    if any(card.trace == trace for card in cards(entry)):
        return (
            "uncalibrated: the calibration that is there was made with other weights, options or "
            f"sources; run `forensics calibrate {entry.name}` again"
        )
    return "uncalibrated"


def put(path: Path, content: Mapping[str, Any]) -> None:
    """Write a card into a file; it replaces the card of the same model and trace. Raises
    ForensicsError where the file cannot be written."""
    key = ("model", "trace")
    others = [dict(c.content) for c in _read(path, "user")]
    kept = [c for c in others if [c[k] for k in key] != [content[k] for k in key]]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            partial.write_text(json.dumps([*kept, content], indent=1, allow_nan=False) + "\n")
    except OSError as error:
        raise ForensicsError(f"cannot write {path}: {error.strerror}; make room there") from None


# Every card has these fields, beside its scale.
_FIELDS = {"model", "identity", "trace", "method", "points", "attacks", "patch", "color", "data"}
_DATA = {"name", "split", "photographs", "sha256"}


def _read(path: Path, origin: str) -> list[Card]:
    if not path.is_file():
        return []
    try:
        return [_parse(content, origin) for content in json.loads(path.read_text())]
    except (OSError, ValueError, KeyError, TypeError):
        raise ForensicsError(
            f"{path} is damaged: delete it and run `forensics calibrate {path.stem}` again"
        ) from None


def _parse(content: dict[str, Any], origin: str) -> Card:
    s = content["scale"]
    scale = Scale(tuple(s["scores"]), tuple(s["log10_lr"]), s["threshold"], s["higher"])
    if _FIELDS - set(content) or _DATA - set(content["data"]):
        raise ValueError("a field is missing")
    return Card(content, origin, scale)
