"""What models say of one image file, as plain values and as files."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from forensics.batch import Batch
from forensics.bench.inference import refused
from forensics.cli import maps
from forensics.cli.terminal import table
from forensics.errors import NotApplicable
from forensics.models.interfaces import Detector, Estimator, Localizer


def scored(model: Detector, batch: Batch) -> dict[str, Any]:
    """`{"score": value}`, or `{"score": None, "na": reason}`."""

    def ask() -> dict[str, Any]:
        given = model.score(batch)
        reason, value = given.reasons[0] if given.reasons else None, float(given.values[0])
        if reason is None and not math.isfinite(value):
            reason = "no score" if math.isnan(value) else "infinite score"
        return {"na": reason} if reason else {"score": value}

    return {"score": None} | _asked(model, batch, ask)


def estimated(model: Estimator, batch: Batch) -> dict[str, Any]:
    """`{"values": name -> value, "probabilities": name -> values}`, or `{"na": reason}`."""

    def ask() -> dict[str, Any]:
        given = model.estimate(batch)
        if given.reasons and given.reasons[0]:
            return {"na": given.reasons[0]}
        values = {n: _finite(v) for n, v in zip(given.names, given.values[0].tolist(), strict=True)}
        shares = {n: [_finite(s) for s in p[0].tolist()] for n, p in given.probabilities.items()}
        return {"values": values, "probabilities": shares}

    return _asked(model, batch, ask)


def located(
    model: Localizer, batch: Batch, target: tuple[Path, str] | None, force: bool
) -> dict[str, Any]:
    """`{"score": of the image, "map": file or None, "regions": list}`, or `{"na": reason}`. target:
    the folder and the name that maps are written to by `maps.save`, and its errors are raised."""

    def ask() -> dict[str, Any]:
        given = model.localize(batch)
        if given.reasons and given.reasons[0]:
            return {"na": given.reasons[0]}
        path = None if target is None else maps.save(given, batch, *target, force)
        found = {"score": _finite(float(given.scores[0])), "map": path and str(path)}
        if path and given.layers and not maps.drawable():
            found["note"] = maps.UNDRAWN
        return found | {"regions": maps.listed(given, batch.size)}

    return _asked(model, batch, ask)


def _asked(
    model: Detector | Estimator | Localizer, batch: Batch, ask: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    refusal = refused(model.needs, batch)
    if refusal:
        return {"na": refusal}
    try:
        with torch.inference_mode():
            return ask()
    except NotApplicable as error:  # it has no weights, for instance
        return {"na": str(error)}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def columns(rows: Sequence[dict[str, Any]]) -> dict[str, list[float | None]]:
    """For CSV: each image's score by localizers, `NAME:map`, and what estimators say, `NAME:q`."""
    localizers = dict.fromkeys(name for row in rows for name in row["maps"])
    values = dict.fromkeys(
        (name, value)
        for row in rows
        for name, found in row["estimates"].items()
        for value in found.get("values", ())
    )
    return {
        f"{name}:map": [row["maps"].get(name, {}).get("score") for row in rows]
        for name in localizers
    } | {
        f"{name}:{value}": [
            row["estimates"].get(name, {}).get("values", {}).get(value) for row in rows
        ]
        for name, value in values
    }


def tables(rows: Sequence[dict[str, Any]]) -> list[str]:
    """For people: the images' scores by localizers with the maps, the regions that these tell
    apart, and what estimators say."""
    located = [
        (row["file"], name, _short(found.get("score")), Path(found.get("map") or "").name)
        for row in rows
        for name, found in row["maps"].items()
    ]
    regions = [
        (
            row["file"],
            name,
            str(number),
            f"{100 * region['share']:.1f} %",
            maps.words(region["values"], region["doubt"]),
        )
        for row in rows
        for name, found in row["maps"].items()
        for number, region in enumerate(found.get("regions", ()))
    ]
    estimates = [
        (row["file"], name, _words(found))
        for row in rows
        for name, found in row["estimates"].items()
    ]
    made = []
    if located:
        made.append(table(["file", "localizer", "score", "map"], located))
    if regions:
        header = ["file", "localizer", "region", "area", "what is said of it"]
        made.append(table(header, regions, wrapped=("file", "localizer", header[-1])))
    if estimates:
        made.append(table(["file", "estimator", "estimate"], estimates))
    return made


def reasons(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Why there is no answer, each once, after the models that say so."""
    silent: dict[str, dict[str, None]] = {}
    for row in rows:
        for kind in ("scores", "maps", "estimates"):
            for name, found in row[kind].items():
                if "na" in found:
                    silent.setdefault(found["na"], {})[name] = None
    return [f"{', '.join(names)}: {reason}" for reason, names in silent.items()]


def _words(found: dict[str, Any]) -> str:
    """Each value, and how probable the likeliest of its classes is."""
    said = []
    for name, value in found.get("values", {}).items():
        shares = [share for share in found["probabilities"].get(name, ()) if share is not None]
        sure = f" ({100 * max(shares):.0f} %)" if shares else ""
        said.append(f"{name} {_short(value)}{sure}")
    return ", ".join(said) or "n/a"


def _short(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.4g}"
