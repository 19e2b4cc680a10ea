"""`forensics models`, `plugins` and `traces`: listings. The first two import no torch."""

from __future__ import annotations

import fnmatch
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forensics.bench import identity
from forensics.calibration.cards import cards
from forensics.cli import JSON, Command
from forensics.cli.terminal import lines, table
from forensics.errors import unknown
from forensics.models import weights
from forensics.models.registry import MODEL_KINDS, Registered, registry
from forensics.models.selection import model

if TYPE_CHECKING:
    from forensics.traces.trace import Draw, Target


@click.command(cls=Command)
@JSON
def models(as_json: bool) -> int:
    """Detectors, estimators, localizers and attackers: what they judge, need and reach."""
    # A model of several kinds has one line, or one for each kind where its traces differ.
    found = {
        (name, thing.kinds): thing
        for kind in MODEL_KINDS
        for name, thing in registry().all(kind).items()
    }
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
    header = ("name", "kind", "traces", "needs", "weights", "what it looks at")
    click.echo("\n" + table(header, rows, ("kind", "traces", header[-1])) + "\n")
    said = dict.fromkeys(
        f"{m['name']} {part}: {_figure(figure)}"
        for m in described
        for part, figure in m["figures"].items()
    )
    for line in said:
        click.echo(lines(line, 4))
    for m in described:
        for found in m["calibrated"]:
            basis = f"{found['model']} is calibrated ({found['origin']}) on {found['basis']}"
            click.echo(lines(basis, 4))
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
    """The figures of a card and what they were measured on, in one line."""
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
@JSON
@click.pass_context
def plugins(context: click.Context, as_json: bool) -> int:
    """Every plugin: version, what it registers, the error of a broken one; and places."""
    return 0 if context.invoked_subcommand else _list_plugins(as_json)


@plugins.command(cls=Command)
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
    click.echo("\n" + table(("plugin", "distribution", "version", "registers"), rows) + "\n")
    for name, path in places.items():
        click.echo(f"{name}: {path}")
    return 0


@click.command(cls=Command)
@click.argument("names", nargs=-1, metavar="[NAME...]")
@JSON
def traces(names: tuple[str, ...], as_json: bool) -> int:
    """Every trace, or those of the NAMEs (globs count): histories, parameters, points."""
    from forensics.traces.trace import get

    there = registry().all("trace")
    summaries = {name: there[name].entry.summary for name in _chosen(names, list(there))}
    found = [get(name) for name in summaries]
    if as_json:
        content = [
            {
                "name": t.name,
                "summary": summaries[t.name],
                "histories": dict(t.histories),
                "input": t.input,
                "drawn": [n for draw in t.draws for n in draw.names],
                "donors": t.donors,
                "targets": [_target(target) for target in t.targets],
                "points": t.points(),
            }
            for t in found
        ]
        click.echo(json.dumps({"traces": content}, indent=1))
        return 0
    for t in found:
        click.echo(lines(f"{t.name}: {summaries[t.name]}", 2))
        about = [(side, history or "(untouched)") for side, history in t.histories]
        about.append(("input", "the JPEG" if t.input == "jpeg" else "pixels"))
        if t.donors:
            about.append(("donors", f"{t.donors} of the other photographs, for each patch"))
        about += [("drawn", _drawn(draw)) for draw in t.draws]
        if t.targets:
            about.append(("targets", _targets([_target(target) for target in t.targets])))
        about.append(("points", _points(t.points())))
        for what, text in about:
            click.echo("  " + lines(f"{what:9} {text}", 12))
    return 0


def _chosen(names: Sequence[str], there: Sequence[str]) -> list[str]:
    """The traces that names and globs stand for, in the order of registration."""
    for name in names:
        if not fnmatch.filter(there, name):
            raise unknown("trace", name, there)
    return [t for t in there if not names or any(fnmatch.fnmatchcase(t, name) for name in names)]


def _target(target: Target) -> dict[str, Any]:
    return {
        "name": target.name,
        "kind": target.kind,
        "unit": target.unit,
        "tolerance": target.tolerance,
        "none": target.none,
        "classes": list(target.classes),
    }


def _targets(targets: Sequence[Mapping[str, Any]]) -> str:
    """The targets of an estimator; targets with the same unit and tolerance share a description."""
    said: dict[str, list[str]] = {}
    for target in targets:
        about = ", ".join(target["classes"]) or target["unit"]
        about += f", within {target['tolerance']:g}" if target["tolerance"] else ""
        if target["none"] is not None and not target["classes"]:
            about += f", none is {target['none']:g}"
        said.setdefault(about, []).append(target["name"])
    return "; ".join(f"{_short(names, 6)} ({about})" for about, names in said.items())


def _drawn(draw: Draw) -> str:
    """The values of a draw, or their number where they are many."""
    values = [" ".join(map(str, choice)) for choice in draw.choices]
    listed = ", ".join(values) if len(values) <= 5 else f"{len(values)} choices"
    return f"{', '.join(draw.names)}, for each patch one of {listed}"


def _points(points: Sequence[Mapping[str, float]]) -> str:
    """The points as --set takes them where they are all combinations of values; else the first
    points."""
    if points == [{}]:
        return "one point, without parameters"
    axes = {name: list(dict.fromkeys(p[name] for p in points)) for name in points[0]}
    count = f" ({len(points)} points)"
    if len(points) == math.prod(map(len, axes.values())):
        shown = " ".join(f"{name}={_short(v, 16, ',')}" for name, v in axes.items())
        return shown + (count if len(axes) > 1 else "")
    listed = [" ".join(f"{k}={v}" for k, v in p.items()) for p in points[:5]]
    return ", ".join(listed) + (", ..." + count if len(points) > 5 else "")


def _short(values: Sequence[object], most: int, comma: str = ", ") -> str:
    """All of them, or the first two and the last."""
    texts = [str(value) for value in values]
    if len(texts) > most:
        texts = [*texts[:2], "...", texts[-1]]
    return comma.join(texts)
