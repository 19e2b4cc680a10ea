"""The Radon feature of patches: one sparse product, beside scikit-image's `radon` in a loop.

    python benchmarks/radon.py [--threads 1] [--repeats 9] [--patches 1024]

Two lines: the projections alone, and the whole feature with Laplacian, root and FFT. Each figure is
that of the quickest repeat; one round of warm-up.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import click
import numpy as np
import skimage.data
import torch
from rich.console import Console
from rich.table import Table
from skimage.transform import radon

from forensics_resampling.radon import Radon, directions, matrix

LOOP = 16


def quickest(work: Callable[[], object], repeats: int, count: int) -> float:
    """Milliseconds for one of `count`."""
    found = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found[1:]) / count * 1e3


@click.command()
@click.option("--threads", default=1)
@click.option("--repeats", default=9)
@click.option("--patches", default=1024)
def main(threads: int, repeats: int, patches: int) -> None:
    torch.set_num_threads(threads)
    feature = Radon()
    photograph = torch.from_numpy(skimage.data.astronaut()).float().mean(2)
    every = photograph.unfold(0, 64, 8).unfold(1, 64, 8).reshape(-1, 64, 64)
    gray = every[torch.arange(patches) % len(every)].contiguous()
    angles = directions(feature.angles)
    errors = feature.error(gray)
    columns = errors.flatten(1).T.contiguous().numpy()[:, :128]
    framed = [np.pad(one.numpy(), 1) for one in errors[:LOOP]]

    def loop() -> None:
        for one in gray[:LOOP].numpy():
            error = one[:-2, 1:-1] + one[2:, 1:-1] + one[1:-1, :-2] + one[1:-1, 2:]
            error = np.sqrt(np.abs(error - 4 * one[1:-1, 1:-1]))
            lines = radon(np.pad(error, 1), theta=angles, circle=False)
            np.abs(np.fft.rfft(lines, axis=0))

    rows = {
        "projections": (
            quickest(
                lambda: [radon(one, theta=angles, circle=False) for one in framed], repeats, LOOP
            ),
            quickest(lambda: matrix(64, feature.angles) @ columns, repeats, columns.shape[1]),
        ),
        "whole feature": (
            quickest(loop, repeats, LOOP),
            quickest(lambda: feature.features(gray), repeats, patches),
        ),
    }
    table = Table(
        "ms a patch of 64 x 64", "scikit-image", "here", "times", title=f"{threads} threads"
    )
    for name, (theirs, ours) in rows.items():
        table.add_row(name, f"{theirs:.3f}", f"{ours:.4f}", f"{theirs / ours:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
