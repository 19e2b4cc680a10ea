"""The next step's data: made when it is asked for on a CPU; on a GPU, where a thread of the host
and a stream of their own have time for it, while the step before it runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import torch

from forensics.training.recipe import Example

# (step, phase) -> its example, which depends on nothing else; the same with the seconds it took.
Make = Callable[[int, int], Example]
Take = Callable[[int, int], tuple[Example, float]]


def settle(device: torch.device) -> None:
    """Wait for what this thread has begun on a GPU, and for nothing that others have."""
    if device.type == "cuda":
        torch.cuda.current_stream(device).synchronize()


@contextmanager
def prefetch(device: torch.device, make: Make, ahead: bool | None = None) -> Iterator[Take]:
    """What gives the example of a step and the seconds that making it took.

    ahead: whether the next step's example is begun as soon as one is taken, None: on a GPU alone,
    as data and steps would take the same cores of a CPU from one another. Where the next phase
    turns out to be another, that example was made for nothing. The caller settles its stream
    before it lets go of an example, so that the memory is free.
    """
    stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    def timed(step: int, phase: int) -> tuple[Example, float]:
        began = time.perf_counter()
        with torch.cuda.stream(stream):
            example = make(step, phase)
            settle(device)
        return example, time.perf_counter() - began

    if ahead is False or (ahead is None and stream is None):
        yield timed
        return
    thread = ThreadPoolExecutor(1, "examples")
    coming: dict[tuple[int, int], Future[tuple[Example, float]]] = {}

    def take(step: int, phase: int) -> tuple[Example, float]:
        under_way = coming.pop((step, phase), None) or thread.submit(timed, step, phase)
        coming.clear()
        taken = under_way.result()
        coming[step + 1, phase] = thread.submit(timed, step + 1, phase)
        return taken

    try:
        yield take
    finally:
        thread.shutdown(cancel_futures=True)
