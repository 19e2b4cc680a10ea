"""Executors work through the photographs of a plan: this process, or the workers of a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch

from forensics.bench.evaluate import Outcome, work
from forensics.bench.plan import Plan
from forensics.bench.store import Rows
from forensics.data import Photograph
from forensics.errors import ForensicsError, NotApplicable, UnreadableImage


@dataclass(frozen=True)
class Job:
    """A photograph of the plan with the rows that the store has of it."""

    photograph: Photograph
    stored: Rows


# NotApplicable: the photograph does not fit the run; any other error: it is lost.
Result = Outcome | ForensicsError


class Executor(Protocol):
    """Works through jobs. threads: of torch, for each photograph."""

    @property
    def threads(self) -> int: ...

    def results(
        self, plan: Plan, jobs: Iterator[Job], device: torch.device
    ) -> Iterator[tuple[Job, Result]]:
        """Every job with its result, in any order; a job is taken from the iterator when a process
        is free for it."""
        ...


def attempt(plan: Plan, job: Job, device: torch.device) -> Result:
    """The result of a job; an unreadable or unfit photograph is a result too, which can be sent
    between processes."""
    try:
        with torch.inference_mode():
            return work(plan, job.photograph, job.stored, device)
    except (UnreadableImage, NotApplicable) as error:
        return error


class Here:
    """This process, one photograph after the other."""

    @property
    def threads(self) -> int:
        return torch.get_num_threads()

    def results(
        self, plan: Plan, jobs: Iterator[Job], device: torch.device
    ) -> Iterator[tuple[Job, Result]]:
        for job in jobs:
            yield job, attempt(plan, job, device)
