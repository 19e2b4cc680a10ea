"""What a run would do, before it does it: `--plan`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from forensics.cli.tables.kinds import point
from forensics.harness import Plan
from forensics.harness.forecast import forecast


def plan(made: Plan, folder: Path) -> str:
    """What a run would do, in a few lines."""
    ahead = forecast(made, folder)
    lines = [
        f"{len(made.cells)} cells, {sum(c.reason is not None for c in made.cells)} of them n/a",
        f"{len(made.photographs)} photographs ({len(made.skipped) + len(made.lost)} skipped), "
        f"{ahead.patches} patches in {len(made.populations)} populations",
        f"{ahead.scores} numbers to compute, {ahead.stored} stored",
        f"expected time: {ahead.time}",
        *(f"skipped: {model}" for model in made.slow),
    ]
    points: dict[tuple[str, str], list[str]] = {}
    for cell in made.cells:
        if cell.reason is not None:
            what = f"{cell.model or cell.attacker} on {cell.trace.name}"
            points.setdefault((what, cell.reason), []).append(point(dict(cell.point)))
    for (what, reason), those in points.items():
        at = " at " + ", ".join(dict.fromkeys(those)) if any(those) else ""
        lines.append(f"n/a: {what}{at}: {reason}")
    return "\n".join(lines)


def plan_json(made: Plan, folder: Path) -> str:
    """The same as one JSON object."""
    content = {
        "cells": len(made.cells),
        "na": sum(c.reason is not None for c in made.cells),
        "photographs": len(made.photographs),
        "skipped": len(made.skipped) + len(made.lost),
        "populations": len(made.populations),
        "slow": list(made.slow),
    }
    return json.dumps(content | asdict(forecast(made, folder)), indent=1)
