"""What every model takes, beside what its entry declares: processor time, and memory.

    python benchmarks/costs.py [MODELS ...] [--megapixels 2] [--once]
    python benchmarks/costs.py --memory 20

Time: of 8 patches of 128 x 128 in a batch, and of whole pictures, on one thread. `seconds` is what
an entry should say, for a gray patch, from the largest of the pictures; the last columns are
`ModelEntry.takes` over what was measured. Pictures are mosaics of photographs of scikit-image,
JPEGs of quality 75, 80 or 90 (as a model takes) after one of 85 on another grid.
Memory: the most that a process of its own takes for a picture of so many megapixels.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable

import click
import numpy as np
import skimage.data
import torch
from rich.console import Console
from rich.table import Table

from forensics import jpeg
from forensics.batch import Batch
from forensics.bench.inference import fitting, refused
from forensics.errors import NotApplicable
from forensics.models import selection
from forensics.models.interfaces import Attacker, Detector, Estimator

KINDS = ("detector", "estimator", "localizer", "attacker")
WEB = (534, 956)
PATCHES = 8
_MOST = 5 << 30  # bytes: who wants more fails


def picture(height: int, width: int, quality: int) -> Batch:
    """Gray."""
    sources = [np.asarray(getattr(skimage.data, n)()) for n in ("astronaut", "coffee", "rocket")]
    row = np.concatenate([s[:400, :400].mean(2).astype(np.uint8) for s in sources], 1)
    down, across = (height + 8) // row.shape[0] + 1, (width + 8) // row.shape[1] + 1
    whole = torch.from_numpy(np.tile(row, (down, across)))[None, None]
    first = jpeg.decode(jpeg.compress(whole, 85))[..., 3 : 3 + height, 5 : 5 + width]
    made = jpeg.compress(first.contiguous(), quality)
    return Batch.of(jpeg.decode(made), jpeg=made)


def quality_of(name: str) -> int:
    """Some networks look at files of one quality alone."""
    return 80 if name.endswith("-80") else 90


def asked(kind: str, model: object) -> Callable[[Batch], object]:
    if isinstance(model, Attacker):
        return model.apply
    if kind == "localizer":
        return model.localize  # type: ignore[attr-defined]
    if isinstance(model, Estimator):
        return model.estimate
    assert isinstance(model, Detector)
    return model.score


def spent(act: Callable[[Batch], object], batch: Batch) -> float:
    """Processor seconds."""
    before = time.process_time()
    with torch.inference_mode():
        act(batch)
    return time.process_time() - before


def chosen(names: tuple[str, ...]) -> list[tuple[str, selection.Model]]:
    """Each once, though it be of two kinds; maps apart from scores."""
    found = {}
    for kind in KINDS:
        there = {str(m): m for m in selection.models(("all",), kind)}
        picked = there.values() if not names else [m for n, m in there.items() if n in names]
        for model in picked:
            found.setdefault((kind == "localizer", str(model)), (kind, model))
    return list(found.values())


@click.command(help=__doc__)
@click.argument("names", nargs=-1)
@click.option("--megapixels", default=2.0, show_default=True)
@click.option("--memory", default=0.0, help="Megapixels; instead of time.")
def main(names: tuple[str, ...], megapixels: float, memory: float) -> None:
    torch.set_num_threads(1)
    if memory and not (len(names) == 1 and "@" in names[0]):
        apart(names, memory)
    elif memory:
        alone(*names[0].split("@"), memory)
    else:
        timed(names, megapixels)


def timed(names: tuple[str, ...], megapixels: float) -> None:
    """A row a model."""
    table = Table("model", "declared", "seconds", "patches", "web", "large", "takes: web", "large")
    side = round((megapixels * 1e6 / 12) ** 0.5)
    for kind, model in chosen(names):
        sizes = [WEB, (3 * side // 8 * 8, 4 * side // 8 * 8)]
        row = _row(kind, model, sizes)
        table.add_row(f"{kind} {model}", *row)
        print(f"{kind} {model}", *row, file=sys.stderr, flush=True)
    Console(width=130).print(table)


def _row(kind: str, model: selection.Model, sizes: list[tuple[int, int]]) -> list[str]:
    entry, made = model.entry, model.create()
    act, quality = asked(kind, made), quality_of(model.name)
    patch = picture(128, 128, quality)
    refusal = refused(made.needs, fitting(made.needs, patch))
    if refusal:
        return ["", refusal]
    try:
        spent(act, patch)  # compiles, reads weights
    except NotApplicable as error:
        return ["", str(error)]
    many = Batch.cat([patch] * PATCHES)
    measured = [spent(act, many) / PATCHES]
    ratios = []
    for size in sizes:
        if measured[-1] * size[0] * size[1] / 128**2 > 30:
            break
        shown = fitting(made.needs, picture(*size, quality))
        seconds = spent(act, shown)
        ratios.append(entry.takes(*size) / max(seconds, 1e-6))
        patches = size[0] * size[1] / 128**2
        measured.append(seconds / min(patches, entry.most_patches or patches))
    shown_ratios = [f"{r:.2f}" for r in ratios]
    times = [f"{m:.5f}" for m in measured]
    return [
        f"{entry.seconds:g}",
        f"{measured[-1]:.2g}",
        *times,
        *[""] * (3 - len(times)),
        *shown_ratios,
    ]


def apart(names: tuple[str, ...], megapixels: float) -> None:
    """Each model in a process of its own."""
    for kind, model in chosen(names):
        given = [sys.executable, __file__, f"{kind}@{model}", "--memory", f"{megapixels}"]
        told = subprocess.run(given, capture_output=True, text=True)
        last = (told.stdout or told.stderr).strip().splitlines()[-1:]
        print(f"{kind} {model}: {''.join(last)}", flush=True)


def alone(kind: str, name: str, megapixels: float) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (_MOST, _MOST))
    made = selection.model(name, kind).create()
    side = round((megapixels * 1e6 / 12) ** 0.5)
    shown = fitting(made.needs, picture(3 * side // 8 * 8, 4 * side // 8 * 8, quality_of(name)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    try:
        seconds = spent(asked(kind, made), shown)
    except NotApplicable as error:
        print(f"n/a: {error}")
        return
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{most:,.0f} MB at most, {before:,.0f} MB before it was asked, {seconds:.1f} CPU s")


if __name__ == "__main__":
    main()
