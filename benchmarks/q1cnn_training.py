"""Time the training of DenseNet-40 for first quantisations: making double JPEGs, and steps.

    OMP_NUM_THREADS=1 python benchmarks/q1cnn_training.py --data photographs/

Needs the plugin q1cnn. Steps: float32 layer by layer, as torch has them; in bfloat16 and channels
last; and the same with the compiled dense blocks, which is what a training on a CPU does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from unittest.mock import patch

import click
import torch
from rich.console import Console
from rich.table import Table

from forensics import data
from forensics.models import selection
from forensics.nn import densenet
from forensics.training.command import generators
from forensics.training.learner import learner
from forensics.training.recipe import Example, Phase, Progress
from forensics_q1cnn.dense.recipe import DenseRecipe


def seconds(call: Callable[[], object], repeats: int) -> float:
    """The least of several calls, after one to warm up."""
    call()
    spent = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        spent.append(time.perf_counter() - began)
    return min(spent)


def step(recipe: DenseRecipe, example: Example, number: int) -> Callable[[], object]:
    """A step of the optimiser on this example, in one of the recipe's phases."""
    moving = learner(recipe, 0, torch.device("cpu"))
    return lambda: moving.step(example, Progress(0, number, 0.5, 0.5))


def timed(recipe: DenseRecipe, example: Example, number: int, repeats: int) -> list[float]:
    """Seconds of a step in float32, in bfloat16 layer by layer, and in bfloat16 compiled."""
    exact = patch("torch.autocast", lambda *a, **k: torch.amp.autocast("cpu", enabled=False))
    layers = patch.object(densenet, "compiled", lambda planes: False)
    found = []
    for changes in ([exact], [layers], []):
        for change in changes:
            change.start()
        found.append(seconds(step(recipe, example, number), repeats))
        for change in changes:
            change.stop()
    return found


@click.command()
@click.option("--data", "folder", required=True, help="Photographs with the splits train and val.")
@click.option("--model", default="q1cnn-90", help="Whose recipe.")
@click.option("--repeats", default=3)
def main(folder: str, model: str, repeats: int) -> None:
    recipe = selection.model(model, "recipe").create()
    sources = [data.resolve(folder, split) for split in ("train", "val")]
    made, _ = generators(recipe, sources, torch.device("cpu"))
    names = ("crop", "a step", "made/s", "float32/s", "bfloat16/s", "compiled/s", "ratio")
    table = Table(*names, title=f"{model}, {torch.get_num_threads()} threads, patches a second")
    phases: tuple[Phase, ...] = recipe.phases
    for number, phase in enumerate(phases):
        example = made.example(0, 0, phase.crop, phase.batch)
        making = seconds(lambda p=phase: made.example(0, 1, p.crop, p.batch), repeats)
        steps = timed(recipe, example, number, repeats)
        rates = [f"{phase.batch / spent:,.1f}" for spent in (making, *steps)]
        table.add_row(str(phase.crop), str(phase.batch), *rates, f"{steps[1] / steps[2]:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
