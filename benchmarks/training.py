"""How fast training data is made, and how long a step waits for it.

    python benchmarks/training.py [--threads 1] [--repeats 3] [--crop 96] [--batch 64]

Three tables, each figure the median of repeats after a warm-up: of every trace, crops a second
beside those of the trace `jpeg`, and, where a JPEG is all there is to a history, beside Pillow in a
loop; of augmentations and the simulated camera, beside the same without; of training steps of the
recipe given, with the share of the time that they wait for data.
"""

from __future__ import annotations

import io
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import click
import numpy as np
import skimage.data
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table

from forensics import data
from forensics.models import selection
from forensics.models.registry import registry
from forensics.traces import trace as traces
from forensics.training import Camera, Exposure, Gamma, Orientation, Phase, Recipe, Reduction
from forensics.training.budget import Budget
from forensics.training.command import generators
from forensics.training.generator import Generator, Pool
from forensics.training.loop import Training, Watch
from forensics.training.runfiles import Log


@dataclass(frozen=True)
class Points(Recipe):
    """All points of a trace, drawn together."""

    trace: str = "jpeg"
    phases: ClassVar[tuple[Phase, ...]] = (Phase(1, 1, 1),)
    part: ClassVar[str] = "points"

    def draws(self) -> Any:
        trace = traces.get(self.trace)
        points = trace.points()
        names = trace.parameters
        return {names: [tuple(point[n] for n in names) for point in points]} if names else {}

    def validate(self, network: Any, examples: Any) -> dict[str, float]:
        return {"objective": 0.0}


def source(folder: Path) -> data.Source:
    """The same photographs for every machine."""
    for split, names in {"train": ("astronaut", "coffee"), "val": ("rocket",)}.items():
        (folder / split).mkdir(parents=True, exist_ok=True)
        for name in names:
            picture = Image.fromarray(getattr(skimage.data, name)()).resize((768, 768))
            picture.save(folder / split / f"{name}.png")
    return data.resolve(str(folder), "train")


def seconds(repeats: int, device: torch.device, *each: Callable[[int], object]) -> list[float]:
    """The median time of each call; they take turns."""
    found: list[list[float]] = [[] for _ in each]
    for turn in range(repeats + 1):
        for times, call in zip(found, each, strict=True):
            start = time.perf_counter()
            call(turn)
            if device.type == "cuda":
                torch.cuda.synchronize()
            if turn:
                times.append(time.perf_counter() - start)
    return [statistics.median(times) for times in found]


def pillow(generator: Generator, crop: int, batch: int) -> Callable[[int], object]:
    """The trace `jpeg` as a loop over crops would make it."""
    photographs = [photograph.load(False)[0] for photograph in generator.pool.source]

    def make(turn: int) -> object:
        draw = np.random.default_rng(turn)
        made = []
        for _ in range(batch):
            whole = photographs[draw.integers(len(photographs))]
            y, x = (draw.integers(side - crop + 1) for side in whole.shape)
            tile = np.rot90(whole[y : y + crop, x : x + crop], draw.integers(4))
            file = io.BytesIO()
            Image.fromarray(tile).save(file, "JPEG", quality=int(draw.integers(50, 91)))
            made.append((tile.copy(), np.asarray(Image.open(file))))
        return [torch.from_numpy(np.stack(side)) for side in zip(*made, strict=True)]

    return make


@click.command(help=__doc__)
@click.option("--threads", default=1, show_default=True)
@click.option("--repeats", default=3, show_default=True)
@click.option("--crop", default=96, show_default=True)
@click.option("--batch", default=64, show_default=True)
@click.option("--recipe", default="ddcn-dither", show_default=True)
@click.option("--steps", default=12, show_default=True)
def main(threads: int, repeats: int, crop: int, batch: int, recipe: str, steps: int) -> None:
    torch.set_num_threads(threads)
    console = Console(width=100)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    where = f"{batch} crops of {crop} x {crop}, gray, {device.type}, {threads} thread(s)"
    with tempfile.TemporaryDirectory() as folder:
        photographs = source(Path(folder))
        pool = Pool(photographs, False, device)

        def making(generator: Generator) -> Callable[[int], object]:
            return lambda turn: generator.example(0, turn, crop, batch)

        table = Table("trace", "crops/s", "time beside `jpeg`", "tile", title=where)
        base = Generator(Points("jpeg"), pool, (Orientation(),))
        for name in registry().all("trace"):
            generator = Generator(Points(name), pool, (Orientation(),))
            ours, one = seconds(repeats, device, making(generator), making(base))
            tile = generator.source_side(crop)
            table.add_row(name, f"{batch / ours:,.0f}", f"{ours / one:.1f}", str(tile))
        ours, loop = seconds(repeats, device, making(base), pillow(base, crop, batch))
        table.add_row("jpeg, Pillow in a loop", f"{batch / loop:,.0f}", f"{loop / ours:.1f}", "")
        console.print(table)

        table = Table("augmentations of `djpeg`", "crops/s", "time beside none", title=where)
        rgb = Pool(photographs, False, device, rgb=True)
        plain = Generator(Points("djpeg"), pool)
        kinds = ((Orientation(),), (Exposure(1.0), Gamma(1.25)), (Reduction(0.5),))
        cameras = ((Camera(0.25),), (Camera(1.0),), (Reduction(0.5), Camera(1.0)))
        for kind in (*kinds, *cameras):
            pixels = rgb if any(a.rgb for a in kind) else pool
            generator = Generator(Points("djpeg"), pixels, kind)
            ours, none = seconds(repeats, device, making(generator), making(plain))
            label = " ".join(map(repr, kind))
            table.add_row(label, f"{batch / ours:,.0f}", f"{ours / none:.1f}")
        console.print(table)

        chosen = selection.model(recipe, "recipe").create()
        sources = [data.resolve(folder, split) for split in ("train", "val")]
        made, held_out = generators(chosen, sources, device)
        run = Training(chosen, Budget(steps=steps), 0, made, held_out, Path(folder), Watch())
        run.run({}, Log(Path(folder), None))
        table = Table("recipe", "phase", "made/s", "trained/s", "ratio", "waiting", title=where)
        for number, tally in enumerate(run.tallies, 1):
            card = tally.card()
            rates = card["generated_per_second"], card["trained_per_second"]
            cells = (f"{rates[0]:g}", f"{rates[1]:g}", f"{rates[0] / rates[1]:.1f}")
            table.add_row(recipe, str(number), *cells, f"{card['waiting']:.0%}")
        console.print(table)


if __name__ == "__main__":
    main()
