"""The same work by the processes of a `dask.distributed` cluster, on this machine or on many.

A worker gets the plan once, then photographs, one at a time. Its rows go back to the process that
runs the plan, which alone writes to the store. The photograph of a lost worker goes to another one.
"""

from __future__ import annotations

import dataclasses
import logging
import pickle
import socket
import threading
import time
from collections.abc import Collection, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import distributed
import torch
from distributed.comm import get_address_host_port
from distributed.scheduler import KilledWorker

from forensics import device as devices
from forensics.bench.environment import Environment, difference_here
from forensics.bench.executor import Job, Result, attempt
from forensics.bench.plan import Plan
from forensics.data import Photograph
from forensics.errors import ForensicsError

_CONNECTING = 10.0  # seconds until a scheduler counts as not there
_ALONE = 30.0  # seconds without a single worker until a cluster counts as empty
_LOOKING = 1.0  # seconds between looks at whether anybody is there
# Ctrl-C reaches every process of a terminal; this one stops its workers itself.
_DEAF = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
_AHEAD = 2  # photographs that are under way, for each worker


class Cluster:
    """The workers of a scheduler, as an executor. Raises ForensicsError where none come."""

    def __init__(self, client: distributed.Client, name: str) -> None:
        self._client, self._name = client, name
        try:
            client.wait_for_workers(1, timeout=_ALONE)
        except TimeoutError:
            raise self._empty() from None
        self._threads: int = min(self._workers().values())

    @property
    def threads(self) -> int:
        """The threads that every worker uses: the fewest that one has, since sums of floats may
        depend on their number."""
        return self._threads

    def results(
        self, plan: Plan, jobs: Iterator[Job], device: torch.device
    ) -> Iterator[tuple[Job, Result]]:
        environment = Environment.of(plan)
        # A task and not scattered data: it is done again where the workers that have it are lost.
        photographs = tuple(_absolute(p) for p in plan.photographs)
        donors = {sha256: _absolute(p) for sha256, p in plan.donors.items()}
        elsewhere = dataclasses.replace(plan, photographs=photographs, donors=donors)
        pickled = pickle.dumps(elsewhere)
        sent = self._client.submit(_receive, pickled, environment, pure=False)
        under_way: dict[Any, Job] = {}
        suspects: list[Job] = []

        def give(job: Job) -> None:
            there = dataclasses.replace(job, photograph=_absolute(job.photograph))
            arguments = (sent, there, str(device), self._threads, environment)
            under_way[self._client.submit(_work, *arguments, pure=False)] = job

        try:
            while True:
                room = _AHEAD * max(1, len(self._workers()))
                while len(under_way) < room and (job := next(jobs, None)) is not None:
                    give(job)
                alone = not under_way
                if alone:
                    if not suspects:
                        return
                    give(suspects.pop())
                for future in self._finished(under_way):
                    job = under_way.pop(future)
                    # What waited on a worker that died is suspected with what killed it: each is
                    # tried once more with nothing beside it.
                    if not alone and _killed(future):
                        suspects.append(job)
                    else:
                        yield job, self._result(future, job)
        finally:
            if self._client.status == "running":
                self._client.cancel([*under_way, sent])

    def _workers(self) -> dict[str, Any]:
        try:
            return dict(self._client.nthreads())
        except (OSError, CancelledError):
            raise self._gone() from None

    def _finished(self, under_way: Collection[Any]) -> set[Any]:
        """The futures that are done, at least one. Raises ForensicsError where none works."""
        left = time.monotonic()
        while True:
            try:
                with self._client.as_current():
                    waited = distributed.wait([*under_way], _LOOKING, "FIRST_COMPLETED")
                return set(waited.done)
            except TimeoutError:
                if self._workers():
                    left = time.monotonic()
                if time.monotonic() - left > _ALONE:
                    raise self._empty() from None
            except CancelledError:
                raise self._gone() from None

    def _result(self, future: Any, job: Job) -> Result:
        try:
            result: Result = future.result()
        except KilledWorker as error:
            return ForensicsError(
                f"{job.photograph.name}: {error.allowed_failures + 1} workers were lost while they "
                "worked on it: they may need more memory, or a smaller --batch"
            )
        except CancelledError:
            raise self._gone() from None
        except ModuleNotFoundError as error:
            raise ForensicsError(
                f"a worker of {self._name} has no {error.name}: install the same there as here"
            ) from None
        except RuntimeError as error:
            if "deserialization of the task graph" not in str(error):
                raise
            raise ForensicsError(
                f"the scheduler {self._name} cannot read the work: install the same there as here"
            ) from None
        return result

    def _gone(self) -> ForensicsError:
        return ForensicsError(
            f"{self._name} is gone; what was finished is stored: start it and the same command "
            "goes on"
        )

    def _empty(self) -> ForensicsError:
        return ForensicsError(
            f"{self._name} has no workers: start some with `dask worker {self._name}`"
        )


def _killed(future: Any) -> bool:
    return future.status == "error" and isinstance(future.exception(), KilledWorker)


@contextmanager
def at(address: str) -> Iterator[Cluster]:
    """The cluster whose scheduler has this address, such as `tcp://10.0.0.1:8786`. Raises
    ForensicsError where there is none within 10 s, or one without workers for 30 s."""
    _quiet()
    try:
        socket.create_connection(get_address_host_port(address), _CONNECTING).close()
        client = distributed.Client(address, timeout=_CONNECTING, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ForensicsError(
            f"there is no scheduler at {address} ({error}): start one with `dask scheduler`"
        ) from None
    with client:
        yield Cluster(client, address)


@contextmanager
def local(workers: int) -> Iterator[Cluster]:
    """A cluster of so many processes of this machine, which share the threads that torch has."""
    _quiet()
    with (
        distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=max(1, torch.get_num_threads() // workers),
            processes=True,
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
            preload=_DEAF,
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield Cluster(client, "the local cluster")


def _quiet() -> None:
    """What a run says of its cluster it says itself."""
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _absolute(photograph: Photograph) -> Photograph:
    """The same files for a process in another folder."""
    paths = {name: path.absolute() for name, path in _paths(photograph).items()}
    return dataclasses.replace(photograph, **paths)  # type: ignore[arg-type]


def _paths(photograph: Photograph) -> dict[str, Path]:
    values = {f.name: getattr(photograph, f.name) for f in dataclasses.fields(photograph)}
    return {name: value for name, value in values.items() if isinstance(value, Path)}


# On a worker from here on. A process works on one photograph at a time, with all its threads.
_ONE_AT_A_TIME = threading.Lock()


def _receive(pickled: bytes, environment: Environment) -> Plan:
    _refuse(environment)
    plan: Plan = pickle.loads(pickled)
    for photograph in plan.donors.values():
        _refuse_absent(photograph)
    return plan


def _work(plan: Plan, job: Job, device: str, threads: int, environment: Environment) -> Result:
    with _ONE_AT_A_TIME:
        _refuse(environment)
        _refuse_absent(job.photograph)
        torch.set_num_threads(threads)
        return attempt(plan, job, devices.choose(device))


def _refuse_absent(photograph: Photograph) -> None:
    for path in _paths(photograph).values():
        if not path.is_file():
            raise ForensicsError(
                f"worker {_address()} sees no {path}: put the photographs under the same path "
                "on every machine"
            )


def _refuse(environment: Environment) -> None:
    difference = difference_here(environment)
    if difference is not None:
        raise ForensicsError(
            f"worker {_address()} {difference}: install the same there, and restart it"
        )


def _address() -> str:
    return str(distributed.get_worker().address)
