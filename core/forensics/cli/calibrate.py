"""`forensics calibrate`: a detector's threshold, and its scores as likelihood ratios."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from forensics.calibration.making import Calibrated
from forensics.calibration.making import calibrate as make
from forensics.cli import JSON, VERBOSE, Command, targets
from forensics.cli.bar import progress
from forensics.cli.run import name_ignored, set_options, tell_losses
from forensics.cli.terminal import lines
from forensics.errors import ForensicsError


@click.command(cls=Command)
@click.argument("model")
@click.option("--data", required=True, metavar="DIR", help="Photographs; the split calib is taken.")
@click.option("--unseen", is_flag=True, help="My word: DIR, without splits, trained nothing.")
@click.option("--trace", metavar="NAME", help="[the one that the model judges]")
@click.option("--method", metavar="NAME", default="logistic", help="Or isotonic. [logistic]")
@click.option("--attack", multiple=True, metavar="NAME", help="Altered patches attacked too.")
@click.option("--set", "settings", multiple=True, metavar="q=60,70", help="Values of a parameter.")
@click.option("--patch", type=int, metavar="PIXELS", help="Side of a patch. [128]")
@click.option("--color/--gray", default=None, help="RGB, 4:2:0. [gray]")
@click.option("--limit", type=int, metavar="N", help="Patches a condition. [48]")
@click.option("--seed", type=int, help="[0]")
@click.option("--device", metavar="NAME", help="cpu, cuda, cuda:1. [a GPU if there is one]")
@click.option("--batch", type=int, metavar="N", help="Patches worked on at once. [64]")
@click.option("--publish", is_flag=True, help="Copy the card into the plugin's source too.")
@click.option(
    "--tippett", type=click.Path(dir_okay=False, path_type=Path), help="Tippett data as CSV."
)
@VERBOSE
@JSON
def calibrate(
    model: str,
    data: str,
    settings: tuple[str, ...],
    tippett: Path | None,
    verbose: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Calibrate MODEL on photographs that trained nothing and chose nothing.

    Scores of both sides of its trace become log10 likelihood ratios and a threshold. The card
    goes to $FORENSICS_HOME/calibrations; it counts for this model with these weights, options and
    sources only.
    """
    chosen = {k: v for k, v in options.items() if v is not None and v != ()}
    if tippett is not None:
        targets.checked_file(tippett)
    if verbose:
        name_ignored([data])
    with progress() as report:
        result = make(model, data, set=set_options(settings), progress=report, **chosen)
    if tippett is not None:
        _write(tippett, result.tippett)
    if as_json:
        content = {"card": result.card, "tippett": result.tippett, "path": str(result.path)}
        click.echo(json.dumps(content, indent=1, allow_nan=False))
    else:
        click.echo("\n".join(map(lines, _lines(result))))
    for warning in result.warnings:
        click.echo(f"warning: {warning}", err=True)
    return tell_losses([result.run])


def _lines(result: Calibrated) -> list[str]:
    card = result.card
    scale, n = card["scale"], card["n"]
    side = "from" if scale["higher"] else "below"
    figures = ", ".join(f"{name} {_figure(value)}" for name, value in card["figures"].items())
    lines = [
        f"{card['model']} on {card['trace']}, {card['method']}: log10 LR "
        f"{scale['log10_lr'][0]:+.2f} at a score of {scale['scores'][0]:.4g}, "
        f"{scale['log10_lr'][-1]:+.2f} at {scale['scores'][-1]:.4g}",
        f"altered {side} {scale['threshold']:.4g} ({card['criterion']})",
        f"held out by photograph: {figures}",
        f"{n['pristine']} pristine and {n['altered']} altered patches of "
        f"{card['data']['photographs']} photographs, so within ±{card['limit']:.2f}",
    ]
    if n["na"]:
        lines.append(f"{n['na']} patches of both sides have no answer and are left out")
    if not scale["higher"]:
        lines.append("this detector goes the wrong way: lower scores mean altered")
    lines.append(str(result.path))
    if result.published is not None:
        lines.append(f"published to {result.published}")
    return lines


def _figure(value: dict[str, Any]) -> str:
    return "{value:.3f} ({low:.3f} to {high:.3f})".format(**value)


def _write(path: Path, data: dict[str, list[float]]) -> None:
    import pandas

    try:
        pandas.DataFrame(data).to_csv(path, index=False)
    except OSError as error:
        raise ForensicsError(f"cannot write {path}: {error.strerror}") from None
