"""The answers of models about one image file, as plain values and as map files."""

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
from forensics.jpeg import ZIGZAG, standard_tables
from forensics.models.interfaces import Detector, Estimator, Localizer


def scored(model: Detector, batch: Batch) -> dict[str, Any]:
    """`{"score": value}`, or `{"score": None, "na": reason}`."""

    def ask() -> dict[str, Any]:
        scores = model.score(batch)
        reason, value = scores.reasons[0] if scores.reasons else None, float(scores.values[0])
        if reason is None and not math.isfinite(value):
            reason = "no score" if math.isnan(value) else "infinite score"
        return {"na": reason} if reason else {"score": value}

    return {"score": None} | _asked(model, batch, ask)


def estimated(model: Estimator, batch: Batch) -> dict[str, Any]:
    """`{"values": name -> value, "beliefs": name -> {"values": list, "shares": list}}`, or
    `{"na": reason}`."""

    def ask() -> dict[str, Any]:
        estimate = model.estimate(batch)
        if estimate.reasons and estimate.reasons[0]:
            return {"na": estimate.reasons[0]}
        values = {
            n: _finite(v) for n, v in zip(estimate.names, estimate.values[0].tolist(), strict=True)
        }
        beliefs = {
            name: {
                "values": belief.values.tolist(),
                "shares": [_finite(share) for share in belief.shares[0].tolist()],
            }
            for name, belief in estimate.beliefs.items()
        }
        return {"values": values, "beliefs": beliefs}

    return _asked(model, batch, ask)


def located(
    model: Localizer, batch: Batch, target: tuple[Path, str] | None, force: bool
) -> dict[str, Any]:
    """`{"score": of the image, "map": file or None, "scale": what `maps.scale` says, "regions":
    list}`, or `{"na": reason}`. target: folder and name of the map files, which `maps.save` writes;
    its errors are raised."""

    def ask() -> dict[str, Any]:
        heatmap = model.localize(batch)
        if heatmap.reasons and heatmap.reasons[0]:
            return {"na": heatmap.reasons[0]}
        path = None if target is None else maps.save(heatmap, batch, *target, force)
        answer = {"score": _finite(float(heatmap.scores[0])), "map": path and str(path)}
        said = {"scale": maps.scale(heatmap), "regions": maps.listed(heatmap, batch.size)}
        return answer | said

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


def record(row: dict[str, Any]) -> dict[str, Any]:
    """An image as a row of CSV: the scores of detectors, `NAME`, the image scores of localizers,
    `NAME:map`, and the values of estimators, `NAME:q`."""
    scores = {name: answer["score"] for name, answer in row["scores"].items()}
    maps = {f"{name}:map": answer.get("score") for name, answer in row["maps"].items()}
    values = {
        f"{name}:{target}": value
        for name, answer in row["estimates"].items()
        for target, value in answer.get("values", {}).items()
    }
    return {"file": row["file"]} | scores | maps | values


def tables(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Tables for people: image scores and maps of localizers, their regions, and estimates."""
    located = [
        (row["file"], name, _short(answer.get("score")), Path(answer.get("map") or "").name)
        for row in rows
        for name, answer in row["maps"].items()
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
        for name, answer in row["maps"].items()
        for number, region in enumerate(answer.get("regions", ()))
    ]
    estimates = [
        (row["file"], name, _words(answer))
        for row in rows
        for name, answer in row["estimates"].items()
    ]
    texts = []
    if located:
        texts.append(table(["file", "localizer", "score", "map"], located))
    if regions:
        header = ["file", "localizer", "region", "area", "what is said of it"]
        texts.append(table(header, regions, wrapped=("file", "localizer", header[-1])))
    if estimates:
        texts.append(table(["file", "estimator", "estimate"], estimates))
    return texts


def reasons(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Why answers are missing, each reason once, behind the models that give it."""
    models_of: dict[str, dict[str, None]] = {}
    for row in rows:
        for kind in ("scores", "maps", "estimates"):
            for name, answer in row[kind].items():
                if "na" in answer:
                    models_of.setdefault(answer["na"], {})[name] = None
    return [f"{', '.join(names)}: {reason}" for reason, names in models_of.items()]


_STEPS = tuple(f"step{n}" for n in range(1, 16))
_SURE = 0.995


def _words(answer: dict[str, Any]) -> str:
    """What an estimator says, in words: a first JPEG by the quality of libjpeg whose steps these
    are, else by its steps, with the share of the least sure of its values; of anything else each
    value with the share of its likeliest class."""
    values = dict(answer.get("values", {}))
    if not values:
        return "n/a"
    shares = {
        name: max(said["shares"])
        for name, said in answer["beliefs"].items()
        if said["shares"] and None not in said["shares"]
    }
    steps = [values.pop(name) for name in _STEPS if name in values]
    if len(steps) < len(_STEPS):
        return ", ".join(_value(name, x, shares) for name, x in answer["values"].items())
    quality = _quality(steps)
    figures = " ".join(map(_short, steps))
    by = f"as by libjpeg at quality {quality}" if quality else f"by steps {figures}"
    words = f"compressed before, {by}"
    if {"r", "c"} <= set(values):
        r, c = values.pop("r"), values.pop("c")
        moved = f"grid moved by {_short(r)} rows and {_short(c)} columns"
        words += f", {moved if r or c else 'on the same grid'}"
    of_jpeg = [shares[name] for name in (*_STEPS, "r", "c") if name in shares]
    if of_jpeg:
        least = min(of_jpeg)
        words += "; surely" if least >= _SURE else f"; its least sure value at {100 * least:.0f} %"
    return ", ".join([words, *(_value(name, x, shares) for name, x in values.items())])


def _value(name: str, value: float | None, shares: dict[str, float]) -> str:
    sure = f" ({100 * shares[name]:.0f} %)" if name in shares else ""
    return f"{name} {_short(value)}{sure}"


def _quality(steps: Sequence[float | None]) -> str:
    """The qualities at which libjpeg's luma table begins with these steps; empty: at none."""
    tables = standard_tables(torch.arange(1, 101), 1)[:, 0].flatten(1)[:, list(ZIGZAG[:15])]
    fits = [q for q, table in enumerate(tables.tolist(), 1) if table == steps]
    return f"{fits[0]} to {fits[-1]}" if len(fits) > 2 else " or ".join(map(str, fits))


def _short(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.4g}"
