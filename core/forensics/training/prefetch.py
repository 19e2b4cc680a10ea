"""The next step's data: made when it is asked for on a CPU; on a GPU, where a thread of the host
and a stream of their own have time for it, while the step before it runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

import torch

from forensics.training.recipe import Example

# (step, phase) -> its example, which depends on nothing else.
Make = Callable[[int, int], Example]
Timed = tuple[Example, float]


def settle(device: torch.device) -> None:
    """Wait for what this thread has begun on a GPU, and for nothing that others have."""
    if device.type == "cuda":
        torch.cuda.current_stream(device).synchronize()


class Examples:
    """Makes each example when it is taken."""

    def __init__(self, device: torch.device, make: Make) -> None:
        self.device, self.make = device, make

    def take(self, step: int, phase: int) -> Timed:
        """The example of a step and the seconds that making it took."""
        began = time.perf_counter()
        example = self.make(step, phase)
        settle(self.device)
        return example, time.perf_counter() - began

    def __enter__(self) -> Examples:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends what is under way."""


class Prefetch(Examples):
    """Begins the next step's example as soon as one is taken. Where the phase turns out to be
    another, that one was made for nothing.

    The caller settles its stream before it lets go of an example, so that the memory is free.
    """

    def __init__(self, device: torch.device, make: Make) -> None:
        super().__init__(device, make)
        self.thread = ThreadPoolExecutor(1, "examples")
        self.stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        self.coming: tuple[tuple[int, int], Future[Timed]] | None = None

    def take(self, step: int, phase: int) -> Timed:
        if self.coming is None or self.coming[0] != (step, phase):
            self._begin(step, phase)
        assert self.coming is not None
        taken = self.coming[1].result()
        self._begin(step + 1, phase)
        return taken

    def _begin(self, step: int, phase: int) -> None:
        self.coming = ((step, phase), self.thread.submit(self._made, step, phase))

    def _made(self, step: int, phase: int) -> Timed:
        with torch.cuda.stream(self.stream):
            return super().take(step, phase)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.thread.shutdown(cancel_futures=True)


def prefetch(device: torch.device, make: Make) -> Examples:
    """The way that suits the device. On a CPU, data and steps would take the same cores from one
    another."""
    return (Prefetch if device.type == "cuda" else Examples)(device, make)
