"""What every model said of every patch of a run, as one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from forensics.bench.conditions import Plan, rows_of
from forensics.bench.figures import Stored, column

if TYPE_CHECKING:
    import pandas


def frame(plan: Plan, stored: Stored) -> pandas.DataFrame:
    """A row for each patch, model and value.

    Columns: trace; side, the name of the history; altered, 0 for the pristine side and 1 for
    others; attack, `clean` where there is none; point, such as `q1=60 q2=90`; model; kind; name,
    `score`, `heat` or `estimate:` and the target's; photograph; y, x; value, NaN where there is a
    reason; reason.
    """
    import pandas

    parts = {}
    for cell in plan.cells:
        if cell.reason is not None or cell.query is None:
            continue
        for side, conditions in cell.sides.items():
            for point, condition in zip(cell.points, conditions, strict=True):
                for name in rows_of(cell.query, cell.trace):
                    key = (condition.digest, point, str(cell.query), name, str(cell.attacker))
                    if key in parts:
                        continue
                    given = column(plan, stored, [condition], str(cell.model), name)
                    parts[key] = pandas.DataFrame(
                        {
                            "trace": cell.trace.name,
                            "side": side,
                            "altered": int(side != "pristine"),
                            "attack": str(cell.attacker or "clean"),
                            "point": " ".join(f"{k}={v}" for k, v in point),
                            "model": str(cell.model),
                            "kind": cell.kind,
                            "name": name,
                            "photograph": [plan.photographs[n].name for n in given.photographs],
                            "y": given.positions[:, 0],
                            "x": given.positions[:, 1],
                            "value": given.values,
                            "reason": list(given.reasons),
                        }
                    )
    return pandas.concat(parts.values(), ignore_index=True) if parts else pandas.DataFrame()
