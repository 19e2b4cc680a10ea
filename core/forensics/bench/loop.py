"""A run: plan, work through the photographs, store, summarise."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from forensics import device
from forensics.bench import cells, identity, scores
from forensics.bench.evaluate import Outcome
from forensics.bench.executor import Executor, Here, Job, Result
from forensics.bench.figures import Calibrations
from forensics.bench.matrix import Matrix
from forensics.bench.plan import Plan
from forensics.bench.store import Rows, Store
from forensics.errors import ForensicsError, NotApplicable
from forensics.models import weights
from forensics.models.registry import registry
from forensics.progress import heard

# Told how many photographs are done, parts of one among them, of how many.
Progress = Callable[[float, float], None]


def default_out() -> Path:
    """The folder of rows and of the last matrix without --out."""
    return weights.home() / "store"


def execute(
    plan: Plan,
    out: Path,
    progress: Progress | None = None,
    dask: str | None = None,
    workers: int | None = None,
    calibrations: Calibrations | None = None,
) -> Matrix:
    """Carry out a plan: the rows that `out` does not hold, then the cells.

    dask: the address of a `dask.distributed` scheduler whose cluster does the work; workers: or so
    many processes on this machine. calibrations: applied to the scores of detectors, such as
    `calibration.applying.StoredCards()`. Raises ForensicsError where not a single photograph could
    be read, and as `_executor` does."""
    store = Store(out)
    (out / "run.yaml").write_text(plan.settings.to_yaml())
    chosen = device.choose(plan.settings.device)
    started = time.monotonic()
    results: dict[str, Result] = {}
    stored: dict[str, Rows] = {}
    tell = progress or (lambda done, of: None)
    every = len(plan.photographs)
    tell(0, every)
    within = heard(lambda done, of: tell(len(results) + done / of, every))
    with _executor(dask, workers) as running, within:
        for job, result in running.results(plan, _jobs(plan, store), chosen):
            sha256 = job.photograph.sha256
            results[sha256] = result
            if isinstance(result, Outcome):
                store.write(result.rows)
                stored[sha256] = store.read(sha256) if result.rows else job.stored
            tell(len(results), every)
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
        protocol(
            plan,
            chosen,
            running.threads,
            len(stored),
            len(skipped),
            len(lost),
            seconds,
            calibrations,
        ),
        cells.summarise(plan, stored, failures, len(skipped) + len(lost), calibrations),
        failures,
        (*skipped, *lost),
        functools.partial(scores.frame, plan, stored),
    )
    matrix.save(out)
    return matrix


@contextmanager
def _executor(dask: str | None, workers: int | None) -> Iterator[Executor]:
    """This process; or the `dask.distributed` cluster of the scheduler at the address `dask`; or
    `workers` processes on this machine. Raises ForensicsError where both are asked for, where the
    extra `dask` is not installed, and where there is no such cluster."""
    if dask is None and workers is None:
        yield Here()
        return
    if dask is not None and workers is not None:
        raise ForensicsError("--dask names a cluster that has its workers: leave --workers out")
    try:
        from forensics.bench import cluster
    except ModuleNotFoundError as error:
        raise ForensicsError(
            f"{error.name} is not installed: pip install 'image-forensics[dask]'"
        ) from None
    opened = cluster.local(workers) if workers is not None else cluster.at(str(dask))
    with opened as there:
        yield there


def _jobs(plan: Plan, store: Store) -> Iterator[Job]:
    """Rows are read when a job is taken: those of all photographs may not fit in memory."""
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
    calibrations: Calibrations | None,
) -> dict[str, Any]:
    """Options, versions and models of a run: enough to repeat it and to compare it with another."""
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
        "masks_inverted": settings.masks_inverted,
        "photographs": photographs,
        "skipped": skipped + lost,
        "lost": lost,
        "color": "RGB, 4:2:0" if settings.color else "gray",
        "patch": settings.patch,
        "limit": settings.limit,
        "chosen": list(settings.photographs),
        "reduce": settings.reduce,
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
                "calibrated": calibrations.described(plan, m, traces) if calibrations else {},
            }
            for text, m in chosen.items()
        },
        "unasked": list(plan.unasked),
        "one_trace": settings.positive is None and not settings.trace,
        "warnings": list(plan.warnings),
    }


def _points(plan: Plan, trace: str) -> list[dict[str, Any]]:
    """Every point of a trace, each once."""
    points = (point for cell in plan.cells if cell.trace.name == trace for point in cell.points)
    return [dict(point) for point in dict.fromkeys(points)]
