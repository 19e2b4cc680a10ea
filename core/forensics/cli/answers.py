"""What models say of one image file, as plain values and as files."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from forensics.batch import Batch
from forensics.cli.terminal import table
from forensics.errors import ForensicsError, NotApplicable
from forensics.harness.asking import refused
from forensics.images.writing import write
from forensics.interfaces import Detector, Estimator, Heatmap, Localizer
from forensics.metrics.heat import enlarged


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
    """`{"score": of the image, "map": file or None}`, or `{"na": reason}`. target: the folder and
    the name that the map is written to: its values as `NAME.npy` and, enlarged to the image and
    from its least to its greatest value, as a gray `NAME.png`. Raises ForensicsError where they
    cannot be written."""

    def ask() -> dict[str, Any]:
        given = model.localize(batch)
        if given.reasons and given.reasons[0]:
            return {"na": given.reasons[0]}
        path = None if target is None else _draw(given, batch, *target, force)
        score = _finite(float(given.scores[0]))
        return {"score": score, "map": None if path is None else str(path)}

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


def _draw(given: Heatmap, batch: Batch, folder: Path, stem: str, force: bool) -> Path:
    name = re.sub(r"[^-\w.]+", "_", stem)  # options have characters that files cannot have
    image = folder / f"{name}.png"
    heat = enlarged(given, *batch.size)[0].float()
    known = heat[heat.isfinite()]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    gray = ((heat - low) / max(high - low, 1e-30) * 255).nan_to_num(0).clamp(0, 255)
    write(Batch.of(gray.round().to(torch.uint8)[None, None]), image, force)
    try:
        np.save(folder / f"{name}.npy", given.values[0].cpu().numpy())
    except OSError as error:
        raise ForensicsError(f"cannot write {folder / name}.npy: {error}") from None
    return image


def columns(rows: Sequence[dict[str, Any]]) -> dict[str, list[float | None]]:
    """For CSV: each image's score by localizers, `NAME:map`, and what estimators say, `NAME:q`."""
    maps = dict.fromkeys(name for row in rows for name in row["maps"])
    values = dict.fromkeys(
        (name, value)
        for row in rows
        for name, found in row["estimates"].items()
        for value in found.get("values", ())
    )
    return {
        f"{name}:map": [row["maps"].get(name, {}).get("score") for row in rows] for name in maps
    } | {
        f"{name}:{value}": [
            row["estimates"].get(name, {}).get("values", {}).get(value) for row in rows
        ]
        for name, value in values
    }


def tables(rows: Sequence[dict[str, Any]]) -> list[str]:
    """For people: the images' scores by localizers with the maps, and what estimators say."""
    maps = [
        (row["file"], name, _short(found.get("score")), Path(found.get("map") or "").name)
        for row in rows
        for name, found in row["maps"].items()
    ]
    estimates = [
        (row["file"], name, _words(found))
        for row in rows
        for name, found in row["estimates"].items()
    ]
    made = []
    if maps:
        made.append(table(["file", "localizer", "score", "map"], maps))
    if estimates:
        made.append(table(["file", "estimator", "estimate"], estimates))
    return made


def reasons(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Why there is no answer, each once."""
    return list(
        dict.fromkeys(
            f"{name}: {found['na']}"
            for row in rows
            for kind in ("scores", "maps", "estimates")
            for name, found in row[kind].items()
            if "na" in found
        )
    )


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
