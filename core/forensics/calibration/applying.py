"""Applying calibrations: to the scores of a run, and to that of one picture.

Stored scores know nothing of calibrations; they are applied whenever figures are computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from forensics.bench import identity
from forensics.bench.conditions import Plan
from forensics.calibration.cards import Card, absence, find
from forensics.images import Picture
from forensics.metrics.calibration import NAMES, calibration_metrics
from forensics.metrics.curves import Scored
from forensics.metrics.intervals import Value
from forensics.models.entries import parse_trace
from forensics.models.selection import Model
from forensics.traces import trace as traces


def colour(color: bool) -> str:
    """Gray or RGB, as cards say it."""
    return "RGB" if color else "gray"


class StoredCards:
    """The cards of this machine, for the cells of a run (`bench.figures.Calibrations`)."""

    def metrics(
        self, plan: Plan, model: Model, trace: str, pristine: Scored, altered: Scored
    ) -> dict[str, Value]:
        """`accuracy`, `cllr`, `cllr_min` and `cllr_cal` of a detector on a trace; n/a where the
        detector is uncalibrated, and where its calibration was made on photographs of this run."""
        card = find(model.entry, plan.hashes[str(model)], trace)
        reason = absence(model.entry, trace) if card is None else _shared(card, plan)
        if card is None or reason is not None:
            return {name: Value(None, reason=reason) for name in NAMES}
        ratios = [
            Scored(card.scale.ratios(side.scores), side.photographs) for side in (pristine, altered)
        ]
        called = card.scale.called(pristine.scores), card.scale.called(altered.scores)
        return calibration_metrics(ratios[0], ratios[1], called, plan.settings.seed)

    def described(self, plan: Plan, model: Model, traces: Iterable[str]) -> dict[str, Any]:
        """By trace: origin, method and basis of the calibration that counts, and in what respects
        (`beyond`) the run is not what the calibration holds for."""
        size, color = (plan.settings.patch,) * 2, colour(plan.settings.color)
        held = {
            trace: find(model.entry, plan.hashes.get(str(model), ""), trace) for trace in traces
        }
        return {
            trace: {
                "origin": card.origin,
                "method": card.content["method"],
                "basis": card.basis,
                "beyond": card.beyond(size, color),
            }
            for trace, card in held.items()
            if card is not None
        }


def _shared(card: Card, plan: Plan) -> str | None:
    count = card.shared(p.sha256 for p in plan.photographs)
    return f"calibrated on {count} of these photographs" if count else None


def cards_of(model: Model) -> tuple[list[Card], list[str]]:
    """The valid cards of a model, at most one for each of its traces; and a sentence for each trace
    whose card was made with other weights, options or sources."""
    chosen = model.canonical()
    known = identity.model(chosen)
    held, outdated = [], []
    for trace in dict.fromkeys(parse_trace(t)[0] for t in chosen.entry.traces):
        card = find(chosen.entry, known, trace)
        reason = absence(chosen.entry, trace)
        if card is not None:
            held.append(card)
        elif reason != "uncalibrated":
            outdated.append(f"{model} on {trace} is {reason}.")
    return held, outdated


def answers(held: Sequence[Card], score: float, picture: Picture) -> dict[str, Any]:
    """By trace: the log10 LR of a score, its verdict, and in what respects (`beyond`) the picture
    is not what the calibration holds for; `{"na": reason}` where the trace's question cannot be
    asked of such a file."""
    return {
        card.trace: _unfit(card.trace, picture) or _answer(card, score, picture) for card in held
    }


def _answer(card: Card, score: float, picture: Picture) -> dict[str, Any]:
    scores = np.array([score])
    height, width, channels = picture.pixels.shape
    return {
        "log10_lr": float(card.scale.ratios(scores)[0]),
        "verdict": "altered" if card.scale.called(scores)[0] else "pristine",
        "beyond": card.beyond((height, width), colour(channels == 3)),
    }


def _unfit(trace: str, picture: Picture) -> dict[str, Any] | None:
    """Files of another kind than the trace's own are what neither of its histories ends in."""
    lossless = traces.get(trace).input == "pixels"
    if lossless and picture.format == "JPEG":
        return {"na": "asked of files that were saved without loss, and this is a JPEG"}
    if not lossless and picture.format != "JPEG":
        return {"na": "asked of JPEG files, and this is none"}
    return None
