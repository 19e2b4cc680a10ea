"""The plan of a run as text and as JSON: `--plan`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from forensics.bench import Plan
from forensics.bench.forecast import forecast
from forensics.cli.tables.kinds import point


def plan(work: Plan, folder: Path) -> str:
    """The plan in a few lines."""
    ahead = forecast(work, folder)
    lines = [
        f"{len(work.cells)} cells, {sum(c.reason is not None for c in work.cells)} of them n/a",
        f"{len(work.photographs)} photographs ({len(work.skipped) + len(work.lost)} skipped), "
        f"{ahead.patches} patches in {len(work.conditions)} conditions",
        f"{ahead.scores} numbers to compute, {ahead.stored} stored",
        f"expected time: {ahead.time}",
        *(f"skipped: {model}" for model in work.unasked),
    ]
    lines += _reasons(work)
    return "\n".join(lines)


def _reasons(work: Plan) -> list[str]:
    """Why cells are n/a: one sentence for the models, points and traces that share a reason."""
    points: dict[tuple[str, str, str], dict[str, None]] = {}
    for c in work.cells:
        if c.reason is not None:
            key = (str(c.model or c.attacker), c.trace.name, c.reason)
            points.setdefault(key, {})[point(dict(c.point))] = None
    models: dict[tuple[str, str, str], list[str]] = {}
    for (model, trace, reason), shared in points.items():
        at = f" at {', '.join(shared)}" if any(shared) else ""
        models.setdefault((trace, at, reason), []).append(model)
    return [
        f"n/a: {', '.join(names)} on {trace}{at}: {reason}"
        for (trace, at, reason), names in models.items()
    ]


def plan_json(work: Plan, folder: Path) -> str:
    """The same as one JSON object."""
    content = {
        "cells": len(work.cells),
        "na": sum(c.reason is not None for c in work.cells),
        "photographs": len(work.photographs),
        "skipped": len(work.skipped) + len(work.lost),
        "conditions": len(work.conditions),
        "unasked": list(work.unasked),
    }
    return json.dumps(content | asdict(forecast(work, folder)), indent=1)
