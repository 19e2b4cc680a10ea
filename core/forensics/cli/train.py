"""`forensics train`: train a model by its recipe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forensics.cli import Command
from forensics.cli.bar import progress

if TYPE_CHECKING:
    from forensics.training import Watch


@click.command(cls=Command)
@click.argument("model")
@click.option("--data", required=True, help="Folder or data set with the splits train and val.")
@click.option("--budget", help="How long: 25m (the default), 90s, 1h30m.")
@click.option("--steps", type=int, help="So many steps instead; the same seed, the same run.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint.")
@click.option("--device", help="cpu or cuda; a GPU where there is one.")
@click.option("--threads", type=click.IntRange(1), help="Processor threads to use.")
@click.option("--seed", type=int, help="Of all that is drawn (0).")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the weights, instead of $FORENSICS_HOME/weights/MODEL.",
)
@click.option("--publish", is_flag=True, help="Copy the weights into the plugin's source too.")
@click.option("--plot", is_flag=True, help="Draw the learning curve; needs matplotlib.")
def train(model: str, data: str, threads: int | None, **options: Any) -> None:
    """Train MODEL by its recipe; options are written MODEL:key=value,...

    Trains on the split train and chooses on val. Weights, card, log and checkpoint go to
    $FORENSICS_HOME/weights/MODEL; Ctrl-C leaves a checkpoint for --resume.
    """
    import torch

    from forensics import training

    if threads is not None:
        torch.set_num_threads(threads)
    with _watch() as watch:
        result = training.train(model, data, **options, watch=watch)
    figures = result.card["figures"][0]
    values = "  ".join(
        f"{name} {'n/a' if value is None else f'{value:.4g}'}"
        for name, value in figures["values"].items()
    )
    click.echo(f"val, {figures['crops']} crops of {figures['photographs']} photographs: {values}")
    for number, phase in enumerate(result.card["phases"], 1):
        click.echo(
            f"phase {number}: {phase['steps']} steps; patches a second: "
            f"{phase['generated_per_second']:g} made, {phase['trained_per_second']:g} trained; "
            f"{phase['waiting']:.0%} of the time waiting for data"
        )
    click.echo(f"{result.path} ({result.card['dtype']})")
    if result.plot is not None:
        click.echo(f"learning curve: {result.plot}")
    if result.published is not None:
        click.echo(f"published to {result.published}")


@contextmanager
def _watch() -> Iterator[Watch]:
    """Progress and figures on standard error."""
    from forensics.training import Watch

    with progress("training") as tell:

        class Told(Watch):
            def at(self, done: float, text: str) -> None:
                tell(done, 1, text)

            def line(self, text: str) -> None:
                click.echo(text, err=True)

        yield Told()
