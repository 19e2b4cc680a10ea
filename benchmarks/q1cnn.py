"""Patches a second of the estimators of first quantisation steps, and each as a ratio to q1phase.

    python benchmarks/q1cnn.py [--threads 2] [--repeats 5] [--patches 32] [--only q1analytic]

Double JPEGs, 70 then 90, of 64 x 64 crops of a photograph that scikit-image ships, RGB, 4:2:0; all
64 phases. Each figure is that of the quickest repeat: all take turns, and what else a machine
does only ever slows one down; one round of warm-up, in which numba compiles. Beside the seconds of
the clock, those that the cores were at work, which a busy machine changes less. An estimator whose
weights are not there is left out; without q1phase, ratios are 0. On a GPU the batch is 16 times
larger.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import click
import numpy as np
import skimage.data
import torch
from rich.console import Console
from rich.table import Table

import forensics
from forensics import jpeg
from forensics.batch import Batch
from forensics.errors import ForensicsError

SIDE, SHIFT = 64, 16
YARDSTICK = "q1phase"
Call = Callable[[], object]


def twice(n: int, device: str) -> Batch:
    """n patches at places spread over a photograph, each after two JPEGs on grids of their own."""
    picture = skimage.data.astronaut()
    side = SIDE + SHIFT
    places = [(37 * i % (513 - side), 91 * i % (513 - side)) for i in range(n)]
    stack = np.stack([picture[y : y + side, x : x + side] for y, x in places])
    pixels = torch.from_numpy(stack).permute(0, 3, 1, 2).contiguous().to(device)
    first = jpeg.decode(jpeg.compress(pixels, 70, "4:2:0"))
    second = jpeg.compress(first[:, :, 3 : 3 + SIDE, 5 : 5 + SIDE].contiguous(), 90, "4:2:0")
    return Batch.of(jpeg.decode(second), second)


def q1phase(batch: Batch) -> Call:
    return estimating("q1phase:given=double", batch)


def q1analytic(batch: Batch) -> Call:
    return estimating("q1analytic", batch)


def estimating(name: str, batch: Batch) -> Call:
    model = forensics.load(name)
    return lambda: model.estimate(batch)


ESTIMATORS: dict[str, Callable[[Batch], Call]] = {"q1phase": q1phase, "q1analytic": q1analytic}


def rates(
    calls: Mapping[str, Call], batch: Batch, repeats: int, clock: Callable[[], float]
) -> dict[str, float]:
    """Patches a second of a clock."""
    seconds = dict.fromkeys(calls, float("inf"))
    for turn in range(repeats + 1):
        for name, call in calls.items():
            start = clock()
            call()
            if batch.device.type == "cuda":
                torch.cuda.synchronize()
            if turn:
                seconds[name] = min(seconds[name], clock() - start)
    return {name: len(batch) / taken for name, taken in seconds.items()}


def ready(names: list[str], batch: Batch, console: Console) -> dict[str, Call]:
    calls = {}
    for name in names:
        try:
            call = ESTIMATORS[name](batch)
            call()
        except ForensicsError as error:
            console.print(f"{name} is left out: {error}")
        else:
            calls[name] = call
    return calls


@click.command(help=__doc__)
@click.option("--threads", default=2, show_default=True)
@click.option("--repeats", default=5, show_default=True)
@click.option("--patches", default=32, show_default=True)
@click.option("--only", multiple=True, type=click.Choice(list(ESTIMATORS)))
def main(threads: int, repeats: int, patches: int, only: tuple[str, ...]) -> None:
    torch.set_num_threads(threads)
    console = Console(width=100)
    title = f"{SIDE} x {SIDE}, RGB, 64 phases, {threads} thread(s)"
    columns = ("patches/s", f"x {YARDSTICK}", "patches/s of a core", f"x {YARDSTICK}")
    table = Table("device", "estimator", "batch", *columns, title=title)
    for device in ["cpu"] + ["cuda"] * torch.cuda.is_available():
        batch = twice(patches * (16 if device == "cuda" else 1), device)
        with torch.inference_mode():
            calls = ready(list(only or ESTIMATORS), batch, console)
            found = rates(calls, batch, repeats, time.perf_counter)
            busy = rates(calls, batch, repeats, time.process_time) if device == "cpu" else {}
        for name, rate in found.items():
            ratios = [r[name] / r[YARDSTICK] if r and YARDSTICK in r else 0 for r in (found, busy)]
            cells = [f"{rate:,.0f}", f"{ratios[0]:.2f}", "", ""]
            if busy:
                cells[2:] = [f"{busy[name]:,.0f}", f"{ratios[1]:.2f}"]
            table.add_row(device, name, str(len(batch)), *cells)
    console.print(table)


if __name__ == "__main__":
    main()
