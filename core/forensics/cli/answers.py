"""The answers of models about one image file, as plain values and as map files."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from forensics.batch import Batch
from forensics.bench.inference import refused
from forensics.cli import maps
from forensics.errors import NotApplicable
from forensics.models.beliefs import estimated as estimated_once
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
        estimate = estimated_once(model, batch)
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


def located(model: Localizer, batch: Batch, target: Path | None, force: bool) -> dict[str, Any]:
    """`{"score": of the image, "map": file or None, "scale": what `maps.scale` says, "regions":
    list}`, or `{"na": reason}`. target: folder and name of the map files, which `maps.save` writes;
    its errors are raised."""

    def ask() -> dict[str, Any]:
        heatmap = model.localize(batch)
        if heatmap.reasons and heatmap.reasons[0]:
            return {"na": heatmap.reasons[0]}
        path = (
            None if target is None else maps.save(heatmap, batch, target.parent, target.name, force)
        )
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
