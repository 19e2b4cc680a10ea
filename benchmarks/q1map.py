"""Maps of `q1map` against `q1phase` on the same windows, one batch of them after another.

    python benchmarks/q1map.py [--megapixels 1] [--threads 1] [--windows 64] [--prune 0.01]

The picture is a mosaic of photographs of scikit-image, compressed at 75, cropped and saved at 90,
with a quarter of it from a JPEG of 85. Windows in batches are timed on so many of them, in places
drawn at random, and their answers are compared with the map's. Seconds are those of all threads
together, which what else runs on the machine leaves alone.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import click
import numpy as np
import skimage.data
import torch
from rich.console import Console
from rich.table import Table

from forensics import jpeg
from forensics.jpeg.coefficients import Jpeg
from forensics_q1cnn.localization.regions import partition
from forensics_q1cnn.localization.survey import survey
from forensics_q1cnn.localization.windows import Tile, grid
from forensics_q1cnn.phase.features import Luma
from forensics_q1cnn.phase.network import libjpeg_tables
from forensics_q1cnn.phase.posterior import ALIKE, Posterior, every_phase
from forensics_q1cnn.phase.trained import phase_network

T = TypeVar("T")


def picture(megapixels: float) -> Jpeg:
    """4 : 3, whole blocks of 16, of so many pixels."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5 / 16) * 16
    width = height * 4 // 3 // 16 * 16
    sources = [np.asarray(getattr(skimage.data, n)()) for n in ("astronaut", "coffee", "rocket")]
    rows = [np.concatenate([s[:400, :400] for s in sources], 1)] * (height // 400 + 1)
    row = np.concatenate(rows, 0)
    whole = np.concatenate([row] * (width // row.shape[1] + 1), 1)[: height + 16, : width + 16]
    pixels = torch.from_numpy(np.ascontiguousarray(whole)).permute(2, 0, 1)[None]
    scene, donor = (jpeg.decode(jpeg.compress(pixels, q)) for q in (75, 85))
    made = scene[:, :, 3 : 3 + height, 5 : 5 + width].clone()
    part = slice(height // 4, 3 * height // 4), slice(width // 4, 3 * width // 4)
    made[:, :, *part] = donor[:, :, 6 : 6 + height, 2 : 2 + width][:, :, *part]
    return jpeg.compress(made, 90)


def timed(act: Callable[[], T]) -> tuple[T, float, float]:
    """What came of it, processor and wall seconds."""
    processor, wall = time.process_time(), time.perf_counter()
    found = act()
    return found, time.process_time() - processor, time.perf_counter() - wall


@click.command(help=__doc__)
@click.option("--megapixels", default=1.0, show_default=True)
@click.option("--threads", default=1, show_default=True)
@click.option("--windows", default=64, show_default=True)
@click.option("--prune", default=0.01, show_default=True)
def main(megapixels: float, threads: int, windows: int, prune: float) -> None:
    torch.set_num_threads(threads)
    network, tables = phase_network(torch.device("cpu")), libjpeg_tables()
    index = network.index(tables)
    with torch.inference_mode():
        survey(network, Luma.of(picture(0.05)), 0, "expectation")  # compiles
        seen = Luma.of(picture(megapixels))
        rows, columns = grid(seen)
        draw = np.random.default_rng(0)
        corners = [(int(draw.integers(rows)), int(draw.integers(columns))) for _ in range(windows)]
        patches = Luma.cat([Tile(y, x, 1, 1).cut(seen) for y, x in corners])
        alone, batches, batches_wall = timed(lambda: every_phase(network, patches, index))
        expected = Posterior.of(alone, tables, ALIKE).estimates("expectation").sum(1)
        table = Table("", "windows", "phases", "CPU s", "wall s", "ms a window", "ratio", "off by")
        each = batches / windows
        row = [f"{windows}", "64", f"{batches:.1f}", f"{batches_wall:.1f}", f"{1000 * each:.2f}"]
        table.add_row("batches of windows", *row, "1", "")
        for left_out in dict.fromkeys((0.0, prune)):
            mapped = partial(survey, network, seen, left_out, "expectation")
            found, spent, wall = timed(mapped)
            n = rows * columns
            off = max(
                float((found.total[y, x] - total).abs())
                for (y, x), total in zip(corners, expected, strict=True)
            )
            row = [f"{n}", f"{found.looked_at:.1f}", f"{spent:.1f}", f"{wall:.1f}"]
            row += [f"{1000 * spent / n:.2f}", f"{each * n / spent:.1f}", f"{off:.2g}"]
            table.add_row(f"map, prune {left_out:g}", *row)
    _, spent, wall = timed(lambda: partition(found.evidence, -8.0))
    table.add_row("regions of the last", f"{n}", "", f"{spent:.1f}", f"{wall:.1f}")
    Console(width=110).print(table)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{megapixels:g} megapixels, {threads} thread(s), at most {most:,.0f} MB of memory")


if __name__ == "__main__":
    main()
