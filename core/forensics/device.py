"""Where tensors are worked on: the device that a user names, or the best there is; on a CPU, the
compiled paths, the threads that they are shared out to, and memory that is kept."""

from __future__ import annotations

import ctypes
import functools
import math
import os
import platform
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor

from forensics.errors import ForensicsError

Made = TypeVar("Made")

_THREAD_SAMPLES = 1 << 18  # with less work than this a second thread costs more than it brings
# Tensor paths hold up to a hundred bytes a sample: so many samples at a time are 100 MB.
_PART_SAMPLES = 1 << 20


# Parameters of glibc's mallopt: how much free memory at the top of a heap is given back to the
# system, and above what size a block is a mapping of its own, which is given back when it is freed.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT = 1 << 30


def choose(name: str | None = None) -> torch.device:
    """The device of that name; a GPU where there is one for None or `"auto"`. From then on freed
    memory is kept (`keep_memory`). Raises ForensicsError where the device cannot be used."""
    keep_memory()
    if name is None or name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        # A name that is none has torch list some twenty kinds of devices.
        reason = str(error).splitlines()[0].partition("Expected one of ")
        why = "there is no such kind" if reason[1] else reason[0]
        raise ForensicsError(f"device {name} cannot be used ({why}); try --device cpu") from None
    return device


@functools.cache
def keep_memory() -> bool:
    """Have the allocator keep what is freed, up to 1 GiB, for the next batch: pages that go to the
    system and back are cleared each time, a fifth of the time of an attack. Returns whether it
    does: on Linux with glibc, unless the environment sets these thresholds."""
    if platform.libc_ver()[0] != "glibc":
        return False
    if any(f"MALLOC_{name}_THRESHOLD_" in os.environ for name in ("TRIM", "MMAP")):
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return all(mallopt(parameter, _KEPT) for parameter in (_TRIM_THRESHOLD, _MMAP_THRESHOLD))


def compiled(values: Tensor) -> bool:
    """Whether a compiled path takes these values; it gives what the tensor path does, faster."""
    return values.device.type == "cpu" and values.numel() > 0


def parallel_for(work: Callable[[slice], None], images: int, samples: int) -> None:
    """Call `work` on slices of 0..images-1, each of so many samples, in as many threads as torch
    may use where that pays."""
    threads = min(torch.get_num_threads(), images, max(1, images * samples // _THREAD_SAMPLES))
    if threads == 1:
        work(slice(0, images))
        return
    # A pool of its own for each call: one that is kept does not survive a fork.
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, _even(images, threads)))


def _even(images: int, count: int) -> list[slice]:
    """So many slices of 0..images-1, as even as can be."""
    return [slice(images * i // count, images * (i + 1) // count) for i in range(count)]


def side_by_side(
    work: Callable[[slice], Made], images: int, together: int, device: torch.device
) -> list[Made]:
    """What `work` makes of slices of 0..images-1, up to so many images together, in their order.

    On a CPU several slices at once, each in its share of the threads that torch may use: products
    that are small enough for a cache gain little from a second thread of their own. `work` has the
    caller's inference and gradient modes, not its autocast; torch's number of threads is another
    one meanwhile. Raises the first error, in order, once the slices that had begun are done.
    """
    threads = torch.get_num_threads() if device.type == "cpu" else 1
    rounds = math.ceil(images / (threads * together))
    slices = _even(images, min(images, threads * rounds))
    workers = min(threads, len(slices))
    if workers < 2:
        return [work(part) for part in slices]
    inference, gradients = torch.is_inference_mode_enabled(), torch.is_grad_enabled()

    def alone(part: slice) -> Made:
        # Modes are a thread's own.
        with torch.inference_mode(inference), torch.set_grad_enabled(gradients):
            return work(part)

    # A new thread would learn torch's number only by some of its operations.
    each = (threads // workers,)
    try:
        with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=each) as pool:
            return list(pool.map(alone, slices))
    finally:
        torch.set_num_threads(threads)


def in_parts(act: Callable[..., Tensor], pixels: Tensor, *each: Tensor) -> Tensor:
    """`act` on a few images at a time, so that memory is bounded: all are `[N, ...]`."""
    count = max(1, _PART_SAMPLES // max(1, math.prod(pixels.shape[1:])))
    parts = zip(*(values.split(count) for values in (pixels, *each)), strict=True)
    return torch.cat([act(*part) for part in parts])
