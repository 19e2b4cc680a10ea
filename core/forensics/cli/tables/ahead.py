"""What a run would do, before it does it: `--plan`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from forensics.bench import Plan
from forensics.bench.forecast import forecast
from forensics.cli.tables.kinds import point


def plan(made: Plan, folder: Path) -> str:
    """What a run would do, in a few lines."""
    ahead = forecast(made, folder)
    lines = [
        f"{len(made.cells)} cells, {sum(c.reason is not None for c in made.cells)} of them n/a",
        f"{len(made.photographs)} photographs ({len(made.skipped) + len(made.lost)} skipped), "
        f"{ahead.patches} patches in {len(made.conditions)} conditions",
        f"{ahead.scores} numbers to compute, {ahead.stored} stored",
        f"expected time: {ahead.time}",
        *(f"skipped: {model}" for model in made.slow),
    ]
    lines += _reasons(made)
    return "\n".join(lines)


def _reasons(made: Plan) -> list[str]:
    """Why cells are n/a: models, points and traces that share a reason in one sentence."""
    points: dict[tuple[str, str, str], dict[str, None]] = {}
    for c in made.cells:
        if c.reason is not None:
            key = (str(c.model or c.attacker), c.trace.name, c.reason)
            points.setdefault(key, {})[point(dict(c.point))] = None
    models: dict[tuple[str, str, str], list[str]] = {}
    for (model, trace, reason), those in points.items():
        at = f" at {', '.join(those)}" if any(those) else ""
        models.setdefault((trace, at, reason), []).append(model)
    return [
        f"n/a: {', '.join(names)} on {trace}{at}: {reason}"
        for (trace, at, reason), names in models.items()
    ]


def plan_json(made: Plan, folder: Path) -> str:
    """The same as one JSON object."""
    content = {
        "cells": len(made.cells),
        "na": sum(c.reason is not None for c in made.cells),
        "photographs": len(made.photographs),
        "skipped": len(made.skipped) + len(made.lost),
        "conditions": len(made.conditions),
        "slow": list(made.slow),
    }
    return json.dumps(content | asdict(forecast(made, folder)), indent=1)
