"""Calibrations where metrics are computed: stored scores know nothing of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from forensics.bench.conditions import Plan
from forensics.calibration.cards import Card, absence, find
from forensics.metrics.calibration import NAMES, calibration_metrics
from forensics.metrics.curves import Scored
from forensics.metrics.intervals import Value
from forensics.models.selection import Model


def colour(color: bool) -> str:
    """As cards say it."""
    return "RGB" if color else "gray"


def metrics(
    plan: Plan, model: Model, trace: str, pristine: Scored, altered: Scored
) -> dict[str, Value]:
    """`accuracy`, `cllr`, `cllr_min` and `cllr_cal` of a detector's cell by the calibration that
    counts; n/a where there is none, and where it was made on photographs of this very run."""
    card = find(model.entry, plan.hashes[str(model)], trace)
    reason = absence(model.entry, trace) if card is None else _shared(card, plan)
    if card is None or reason is not None:
        return {name: Value(None, reason=reason) for name in NAMES}
    ratios = [
        Scored(card.scale.ratios(side.scores), side.photographs) for side in (pristine, altered)
    ]
    called = card.scale.called(pristine.scores), card.scale.called(altered.scores)
    return calibration_metrics(ratios[0], ratios[1], called, plan.settings.seed)


def _shared(card: Card, plan: Plan) -> str | None:
    count = card.shared(p.sha256 for p in plan.photographs)
    return f"calibrated on {count} of these photographs" if count else None


def described(plan: Plan, model: Model, traces: Iterable[str]) -> dict[str, Any]:
    """By trace, which calibration a model's figures rest on, and in what respects the run is not
    what it holds for."""
    settings = plan.settings
    found = {}
    for trace in traces:
        card = find(model.entry, plan.hashes.get(str(model), ""), trace)
        if card is not None:
            found[trace] = {
                "origin": card.origin,
                "method": card.content["method"],
                "basis": card.basis,
                "beyond": card.beyond((settings.patch, settings.patch), colour(settings.color)),
            }
    return found
