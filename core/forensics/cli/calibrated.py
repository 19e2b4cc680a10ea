"""What calibrations make of the scores of `forensics analyze`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from forensics.bench import identity
from forensics.bench.calibrated import colour
from forensics.calibration.cards import Card, absence, find
from forensics.cli.terminal import table
from forensics.images import Picture
from forensics.models.entries import parse_trace
from forensics.models.selection import Model


def cards(model: Model) -> list[Card]:
    """The calibrations that count for a model as it is, one for each trace at most."""
    chosen = model.canonical()
    traces = dict.fromkeys(parse_trace(t)[0] for t in chosen.entry.traces)
    known = identity.model(chosen)
    found = (find(chosen.entry, known, trace) for trace in traces)
    return [card for card in found if card is not None]


def outdated(model: Model) -> list[str]:
    """A sentence for each trace that the model has a calibration of, but not as it is now."""
    chosen = model.canonical()
    known = identity.model(chosen)
    return [
        f"{model} on {trace} is {absence(chosen.entry, trace)}."
        for trace in dict.fromkeys(parse_trace(t)[0] for t in chosen.entry.traces)
        if find(chosen.entry, known, trace) is None
        and absence(chosen.entry, trace) != "uncalibrated"
    ]


def answers(held: Sequence[Card], found: Mapping[str, Any], picture: Picture) -> dict[str, Any]:
    """`calibrated`, by trace: log10 LR, verdict, and in what respects the picture is not what
    the calibration holds for; nothing where there is no score or no calibration."""
    if not held or found["score"] is None:
        return {}
    score = np.array([found["score"]])
    height, width, channels = picture.pixels.shape
    return {
        "calibrated": {
            card.trace: {
                "log10_lr": float(card.scale.ratios(score)[0]),
                "verdict": "altered" if card.scale.called(score)[0] else "pristine",
                "beyond": card.beyond((height, width), colour(channels == 3)),
            }
            for card in held
        }
    }


def _answered(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str, dict[str, Any]]]:
    """(file, model, trace, answer) of every score that a calibration counts for."""
    return [
        (row["file"], name, trace, answer)
        for row in rows
        for name, found in row["scores"].items()
        for trace, answer in found.get("calibrated", {}).items()
    ]


def tables(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The ratios and verdicts, where there are any."""
    header = ["file", "model", "trace", "log10 LR", "verdict"]
    cells = [[f, n, t, f"{a['log10_lr']:+.2f}", a["verdict"]] for f, n, t, a in _answered(rows)]
    return [table(header, cells, wrapped=("file",))] if cells else []


def notes(rows: Sequence[Mapping[str, Any]], valid: Mapping[str, Sequence[Card]]) -> Iterator[str]:
    """What stands below the tables: what ratios are, what calibrations hold for, and which models
    are uncalibrated."""
    without = [name for name, held in valid.items() if not held]
    if len(without) == len(valid):
        if valid:
            yield "Higher = altered. Uncalibrated: a score compares files by one model, not models."
        return
    yield (
        "log10 LR: +1 is 10 times as probable if altered as if pristine, 0 says nothing. Verdict: "
        "at the least decision error with equal priors."
    )
    for name, held in valid.items():
        for card in held:
            yield f"{name} is calibrated on {card.basis}."
    for file, respects in dict.fromkeys(
        (f, "; ".join(a["beyond"])) for f, _, _, a in _answered(rows)
    ):
        if respects:
            yield f"{file} is beyond that: {respects}."
    if without:
        yield (
            f"Higher = altered. Uncalibrated: {', '.join(without)}: a score compares files by "
            "one model, not models."
        )
