"""A run: plan, work through the photographs, store, summarise."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from forensics import device, weights
from forensics.errors import ForensicsError, NotApplicable
from forensics.harness import calibrated, cells, identity
from forensics.harness.crew import Job, Result, crew
from forensics.harness.matrix import Matrix
from forensics.harness.plan import Plan, make
from forensics.harness.settings import Settings
from forensics.harness.store import Rows, Store
from forensics.harness.unit import Outcome
from forensics.registry import registry

# Told after each photograph: how many are done, of how many.
Progress = Callable[[int, int], None]


def default_out() -> Path:
    """Where rows and the last matrix lie when no --out is given."""
    return weights.home() / "store"


def run(
    out: str | Path | None = None,
    progress: Progress | None = None,
    dask: str | None = None,
    workers: int | None = None,
    **options: Any,
) -> Matrix:
    """Every attack against every detector; `options` are those of `Settings`, by name; `dask`
    and `workers` are those of `crew`.

    Rows that `out` already holds are not computed again. Example:

        forensics.run(attack="afcnn", detectors="all", data="photographs/").to_pandas()
    """
    plan = make(Settings.of(options))
    return execute(plan, Path(out) if out else default_out(), progress, dask, workers)


def execute(
    plan: Plan,
    out: Path,
    progress: Progress | None = None,
    dask: str | None = None,
    workers: int | None = None,
) -> Matrix:
    """Carry out a plan. Raises ForensicsError where not a single photograph could be read, and
    as `crew` does."""
    store = Store(out)
    (out / "run.yaml").write_text(plan.settings.to_yaml())
    chosen = device.choose(plan.settings.device)
    started = time.monotonic()
    results: dict[str, Result] = {}
    stored: dict[str, Rows] = {}
    with crew(dask, workers) as hands:
        for job, result in hands.results(plan, _jobs(plan, store), chosen):
            sha256 = job.photograph.sha256
            results[sha256] = result
            if isinstance(result, Outcome):
                store.write(result.rows)
                stored[sha256] = store.read(sha256) if result.rows else job.stored
            if progress is not None:
                progress(len(results), len(plan.photographs))
    # Results come in any order; what is told of them does not.
    ordered = [results[p.sha256] for p in plan.photographs]
    skipped = [*plan.skipped, *(str(r) for r in ordered if isinstance(r, NotApplicable))]
    lost = [
        *plan.lost,
        *(str(r) for r in ordered if not isinstance(r, (Outcome, NotApplicable))),
    ]
    failures = {k: v for r in ordered if isinstance(r, Outcome) for k, v in r.failures.items()}
    if not stored:
        source = plan.settings.positive or plan.settings.data
        raise ForensicsError(f"no photograph of {source} could be read")
    seconds = time.monotonic() - started
    matrix = Matrix(
        protocol(plan, chosen, hands.threads, len(stored), len(skipped), len(lost), seconds),
        cells.summarise(plan, stored, failures, len(skipped) + len(lost)),
        failures,
        (*skipped, *lost),
    )
    matrix.save(out)
    return matrix


def _jobs(plan: Plan, store: Store) -> Iterator[Job]:
    """Read as they are handed out: a run may have more photographs than fit in memory."""
    for photograph in plan.photographs:
        yield Job(photograph, store.read(photograph.sha256))


def protocol(
    plan: Plan,
    where: torch.device,
    threads: int,
    photographs: int,
    skipped: int,
    lost: int,
    seconds: float,
) -> dict[str, Any]:
    """What was run on what: enough to run it again and to compare it with another run."""
    settings = plan.settings
    chosen = {str(m): m for c in plan.cells for m in (c.model, c.attacker) if m is not None}
    traces = {c.trace.name: c.trace for c in plan.cells}
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
        "chosen": list(settings.photographs),
        "reduce": settings.reduce,
        "grid": settings.grid,
        "set": {k: list(v) for k, v in settings.set.items()},
        "pool": settings.pool,
        "points": {name: _points(plan, name) for name in traces},
        "traces": {
            t.name: {side: str(t.history(side)) for side in t.sides} for t in traces.values()
        },
        "seed": settings.seed,
        "device": where.type,
        "threads": threads,
        "torch": torch.__version__,
        "seconds": round(seconds, 2),
        "models": {
            text: {
                "distribution": m.registered.distribution,
                "version": m.registered.version,
                "weights": identity.trained(m),
                "hash": identity.model(m),
                "calibrated": calibrated.described(plan, m, traces),
            }
            for text, m in chosen.items()
        },
        "slow": list(plan.slow),
        "warnings": list(plan.warnings),
    }


def _points(plan: Plan, trace: str) -> list[dict[str, Any]]:
    """Every point of a trace, each once."""
    points = (point for cell in plan.cells if cell.trace.name == trace for point in cell.points)
    return [dict(point) for point in dict.fromkeys(points)]
