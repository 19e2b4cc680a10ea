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
    """`{"score": of the image, "map": file or None, "regions": list}`, or `{"na": reason}`. target:
    folder and name of the map files, which `maps.save` writes; its errors are raised."""

    def ask() -> dict[str, Any]:
        heatmap = model.localize(batch)
        if heatmap.reasons and heatmap.reasons[0]:
            return {"na": heatmap.reasons[0]}
        path = None if target is None else maps.save(heatmap, batch, *target, force)
        answer = {"score": _finite(float(heatmap.scores[0])), "map": path and str(path)}
        if path and heatmap.layers and not maps.drawable():
            answer["note"] = maps.UNDRAWN
        return answer | {"regions": maps.listed(heatmap, batch.size)}

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


def _words(answer: dict[str, Any]) -> str:
    """Each value, with the probability of its likeliest class."""
    words = []
    for name, value in answer.get("values", {}).items():
        stated = answer["beliefs"].get(name, {"shares": ()})["shares"]
        shares = [share for share in stated if share is not None]
        sure = f" ({100 * max(shares):.0f} %)" if shares else ""
        words.append(f"{name} {_short(value)}{sure}")
    return ", ".join(words) or "n/a"


def _short(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.4g}"
