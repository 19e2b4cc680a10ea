"""Who works through the photographs: this process, or the workers of a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch

from forensics.data import Photograph
from forensics.errors import ForensicsError, NotApplicable, UnreadableImage
from forensics.harness.plan import Plan
from forensics.harness.store import Rows
from forensics.harness.unit import Outcome, work


@dataclass(frozen=True)
class Job:
    """A photograph of the plan, and its rows that are there already."""

    photograph: Photograph
    stored: Rows


# NotApplicable: the photograph does not fit the run; any other error: it is lost.
Result = Outcome | ForensicsError


class Crew(Protocol):
    """Works through jobs. threads: of torch, for each photograph."""

    @property
    def threads(self) -> int: ...

    def results(
        self, plan: Plan, jobs: Iterator[Job], device: torch.device
    ) -> Iterator[tuple[Job, Result]]:
        """Every job with its result, in any order; jobs are drawn as they can be taken up."""
        ...


def attempt(plan: Plan, job: Job, device: torch.device) -> Result:
    """What comes of a job, a photograph that cannot be had among it: a value that travels."""
    try:
        with torch.inference_mode():
            return work(plan, job.photograph, job.stored, device)
    except (UnreadableImage, NotApplicable) as error:
        return error


class _Here:
    """This process, one photograph after the other."""

    @property
    def threads(self) -> int:
        return torch.get_num_threads()

    def results(
        self, plan: Plan, jobs: Iterator[Job], device: torch.device
    ) -> Iterator[tuple[Job, Result]]:
        for job in jobs:
            yield job, attempt(plan, job, device)


@contextmanager
def crew(dask: str | None, workers: int | None) -> Iterator[Crew]:
    """This process; or the `dask.distributed` cluster whose scheduler has the address `dask`; or
    one of so many worker processes on this machine. Raises ForensicsError where both are asked
    for, where the extra `dask` is not installed, and where the cluster is not there."""
    if dask is None and workers is None:
        yield _Here()
        return
    if dask is not None and workers is not None:
        raise ForensicsError("--dask names a cluster that has its workers: leave --workers out")
    try:
        from forensics.harness import cluster
    except ModuleNotFoundError as error:
        raise ForensicsError(
            f"{error.name} is not installed: pip install 'image-forensics[dask]'"
        ) from None
    opened = cluster.local(workers) if workers is not None else cluster.at(str(dask))
    with opened as there:
        yield there
