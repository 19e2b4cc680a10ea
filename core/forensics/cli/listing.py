"""`forensics models`, `plugins` and `traces`: what is there. The first two import no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forensics import weights
from forensics.calibration.cards import cards
from forensics.cli.terminal import table
from forensics.harness import identity
from forensics.registry import MODEL_KINDS, Registered, registry
from forensics.selection import model

if TYPE_CHECKING:
    from forensics.traces import Truth


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def models(as_json: bool) -> int:
    """Detectors, estimators, localizers and attackers: what they judge, need and reach."""
    found = {name: thing for kind in MODEL_KINDS for name, thing in registry().all(kind).items()}
    described = [_model(thing) for thing in found.values()]
    if as_json:
        click.echo(json.dumps({"models": described}, indent=1))
        return 0
    if not described:
        click.echo("no models are installed: pip install -r requirements.txt")
        return 0
    rows = [
        (m["name"], m["kind"], m["traces"], m["needs"], m["weights"], m["summary"])
        for m in described
    ]
    click.echo(table(("name", "kind", "traces", "needs", "weights", "what it looks at"), rows))
    for m in described:
        for part, figure in m["figures"].items():
            click.echo(f"{m['name']} {part}: {_figure(figure)}")
        for found in m["calibrated"]:
            click.echo(f"{found['model']} is calibrated ({found['origin']}) on {found['basis']}")
    return 0


def _model(thing: Registered) -> dict[str, Any]:
    entry = thing.entry
    there = weights.there(entry) if entry.card else {}
    origin = "user" if any(p.origin == "user" for p in there.values()) else "shipped"
    state = "none needed"
    if entry.card:
        state = f"{origin} {len(there)}/{len(entry.parts)}" if there else "missing"
    figures = {name: part.card["figures"][0] for name, part in there.items()}
    return {
        "name": entry.name,
        "kind": ", ".join(thing.kinds),
        "traces": ", ".join(entry.traces) or "every slot",
        "needs": _needs(entry.needs),
        "weights": state,
        "figures": figures,
        "calibrated": _calibrations(thing),
        "summary": entry.summary,
        "paper": entry.paper,
        "options": dict(entry.options or {}),
        "distribution": thing.distribution,
    }


def _calibrations(thing: Registered) -> list[dict[str, Any]]:
    """The calibrations that count, of the model with any options, a row a trace."""
    if "detector" not in thing.kinds:
        return []
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for card in cards(thing.entry):
        name = str(card.content["model"])
        if card.content["identity"] == identity.model(model(name, "detector")):
            row = {"model": name, "trace": card.trace, "origin": card.origin, "basis": card.basis}
            found.setdefault((name, card.trace), row)
    return list(found.values())


def _figure(figure: dict[str, Any]) -> str:
    """One line of a card: what was measured, on what."""
    values = ", ".join(f"{name} {value:.3g}" for name, value in figure["values"].items())
    return (
        f"{values} ({figure['split']}, {figure['crops']} crops of {figure['side']} x "
        f"{figure['side']} from {figure['photographs']} photographs)"
    )


def _needs(needs: Any) -> str:
    colors = {(1,): "gray", (3,): "RGB"}.get(needs.channels, "")
    jpeg = "JPEG" if needs.jpeg or needs.acts_on == "jpeg" else ""
    side = f">= {needs.smallest} px" if needs.smallest > 8 else ""
    return ", ".join(word for word in (colors, jpeg, side) if word) or "pixels"


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.pass_context
def plugins(context: click.Context, as_json: bool) -> int:
    """Every plugin: version, what it registers, the error of a broken one; and places."""
    return 0 if context.invoked_subcommand else _list_plugins(as_json)


@plugins.command()
@click.argument("name")
@click.option("--into", default=".", type=click.Path(file_okay=False), help="[this folder]")
def new(name: str, into: str) -> int:
    """Write a plugin, ready to install: a detector, an attacker and their tests."""
    from forensics import scaffold

    folder = scaffold.write(name, Path(into))
    click.echo(f"{folder} is written. Install it, run its tests, see it in the matrix:")
    click.echo(f"    pip install -e {folder}")
    click.echo(f"    pytest {folder}")
    click.echo(f"    forensics run --detectors {name} --attack {name}-dither")
    return 0


def _list_plugins(as_json: bool) -> int:
    places = {name: str(weights.home() / name) for name in ("weights", "calibrations", "store")}
    described = [
        {
            "name": p.name,
            "distribution": p.distribution,
            "version": p.version,
            "registers": {kind: list(names) for kind, names in p.registers.items()},
            "error": p.error,
        }
        for p in registry().plugins
    ]
    if as_json:
        click.echo(json.dumps({"plugins": described, "places": places}, indent=1))
        return 0
    rows = []
    for plugin in registry().plugins:
        found = "; ".join(f"{k}s: {', '.join(v)}" for k, v in plugin.registers.items())
        state = f"broken: {plugin.error}" if plugin.error else found or "nothing"
        rows.append((plugin.name, plugin.distribution, plugin.version, state))
    click.echo(table(("plugin", "distribution", "version", "registers"), rows))
    for name, path in places.items():
        click.echo(f"{name}: {path}")
    return 0


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def traces(as_json: bool) -> int:
    """Every trace: its histories, its parameters, the points of its grids."""
    from forensics.traces import get

    summaries = {name: t.entry.summary for name, t in registry().all("trace").items()}
    found = [get(name) for name in summaries]
    if as_json:
        content = [
            {
                "name": t.name,
                "summary": summaries[t.name],
                "histories": dict(t.histories),
                "handed": t.handed,
                "drawn": [n for draw in t.draws for n in draw.names],
                "donors": t.donors,
                "truth": [_truth(truth) for truth in t.truth],
                "grids": {name: t.points(name) for name, _ in t.grids},
            }
            for t in found
        ]
        click.echo(json.dumps({"traces": content}, indent=1))
        return 0
    for t in found:
        click.echo(f"{t.name}: {summaries[t.name]}")
        for side, history in t.histories:
            click.echo(f"  {side:9} {history or '(untouched)'}")
        click.echo(f"  handed    {'the JPEG' if t.handed == 'jpeg' else 'pixels'}")
        if t.donors:
            click.echo(f"  donors    {t.donors} of the other photographs, for each patch")
        for draw in t.draws:
            click.echo(f"  drawn     {', '.join(draw.names)} of {len(draw.choices)} values")
        if t.truth:
            click.echo(f"  truth     {_truths([_truth(truth) for truth in t.truth])}")
        for name, _ in t.grids:
            click.echo(f"  {name:9} {_points(t.points(name))}")
    return 0


def _truth(truth: Truth) -> dict[str, Any]:
    return {
        "name": truth.name,
        "kind": truth.kind,
        "unit": truth.unit,
        "tolerance": truth.tolerance,
        "none": truth.none,
        "classes": list(truth.classes),
    }


def _truths(truths: Sequence[Mapping[str, Any]]) -> str:
    """What an estimator is asked for: what is alike is said once."""
    said: dict[str, list[str]] = {}
    for truth in truths:
        about = ", ".join(truth["classes"]) or truth["unit"]
        about += f", within {truth['tolerance']:g}" if truth["tolerance"] else ""
        about += f", none is {truth['none']:g}" if truth["none"] is not None else ""
        said.setdefault(about, []).append(truth["name"])
    return "; ".join(f"{', '.join(names)} ({about})" for about, names in said.items())


def _points(points: Sequence[Mapping[str, float]]) -> str:
    if points == [{}]:
        return "one point, without parameters"
    shown = [" ".join(f"{k}={v}" for k, v in p.items()) for p in points[:5]]
    return ", ".join(shown) + (f", ... ({len(points)} points)" if len(points) > 5 else "")
