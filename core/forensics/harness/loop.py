"""The local loop: plan, work through the photographs, store, summarise."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from forensics import device, weights
from forensics.errors import ForensicsError, NotApplicable, UnreadableImage
from forensics.harness import cells, identity
from forensics.harness.matrix import Matrix
from forensics.harness.plan import Plan, make
from forensics.harness.settings import Settings
from forensics.harness.store import Rows, Store
from forensics.harness.unit import work
from forensics.registry import registry

# Told after each photograph: how many are done, of how many.
Progress = Callable[[int, int], None]


def default_out() -> Path:
    """Where rows and the last matrix lie when no --out is given."""
    return weights.home() / "store"


def run(out: str | Path | None = None, progress: Progress | None = None, **options: Any) -> Matrix:
    """Every attack against every detector; `options` are those of `Settings`, by name.

    Rows that `out` already holds are not computed again. Example:

        forensics.run(attack="afcnn", detectors="all", data="photographs/").to_pandas()
    """
    return execute(make(Settings.of(options)), Path(out) if out else default_out(), progress)


def execute(plan: Plan, out: Path, progress: Progress | None = None) -> Matrix:
    """Carry out a plan. Raises ForensicsError where not a single photograph could be read."""
    store = Store(out)
    (out / "run.yaml").write_text(plan.settings.to_yaml())
    chosen = device.choose(plan.settings.device)
    started = time.monotonic()
    failures: dict[str, str] = {}
    stored: dict[str, Rows] = {}
    skipped, lost = list(plan.skipped), list(plan.lost)
    for number, photograph in enumerate(plan.photographs):
        have = store.read(photograph.sha256)
        try:
            with torch.inference_mode():
                outcome = work(plan, photograph, have, chosen)
        except UnreadableImage as error:
            lost.append(str(error))
            continue
        except NotApplicable as error:
            skipped.append(str(error))
            continue
        finally:
            if progress is not None:
                progress(number + 1, len(plan.photographs))
        store.write(outcome.rows)
        failures.update(outcome.failures)
        stored[photograph.sha256] = store.read(photograph.sha256) if outcome.rows else have
    settings = plan.settings
    if not stored:
        raise ForensicsError(f"no photograph of {settings.positive or settings.data} could be read")
    matrix = Matrix(
        protocol(plan, chosen, len(stored), len(skipped), len(lost), time.monotonic() - started),
        cells.summarise(plan, stored, failures, len(skipped) + len(lost)),
        failures,
        (*skipped, *lost),
    )
    matrix.save(out)
    return matrix


def protocol(
    plan: Plan, where: torch.device, photographs: int, skipped: int, lost: int, seconds: float
) -> dict[str, Any]:
    """What was run on what: enough to run it again and to compare it with another run."""
    settings = plan.settings
    chosen = {str(m): m for c in plan.cells for m in (c.model, c.attacker) if m is not None}
    return {
        "forensics": registry().plugins[0].version,
        "data": settings.data,
        "split": plan.split,
        "positive": settings.positive,
        "negative": settings.negative,
        "masks": settings.masks,
        "photographs": photographs,
        "skipped": skipped + lost,
        "lost": lost,
        "color": "RGB, 4:2:0" if settings.color else "gray",
        "patch": settings.patch,
        "limit": settings.limit,
        "grid": settings.grid,
        "set": {k: list(v) for k, v in settings.set.items()},
        "traces": {
            t.name: {side: str(t.history(side)) for side in t.sides}
            for t in {c.trace.name: c.trace for c in plan.cells}.values()
        },
        "seed": settings.seed,
        "device": where.type,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "seconds": round(seconds, 2),
        "models": {
            text: {
                "distribution": m.registered.distribution,
                "version": m.registered.version,
                "weights": identity.trained(m),
                "hash": identity.model(m),
            }
            for text, m in chosen.items()
        },
        "warnings": list(plan.warnings),
    }
