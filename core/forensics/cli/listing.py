"""`forensics plugins` and `traces`: listings. Torch is imported for the details of traces only."""

from __future__ import annotations

import fnmatch
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forensics.cli import JSON, Command
from forensics.cli.terminal import lines, table
from forensics.models import weights
from forensics.models.registry import registry

if TYPE_CHECKING:
    from forensics.traces.trace import Target


@click.group(invoke_without_command=True)
@click.option("--verbose", is_flag=True, help="The names of all that they register, too.")
@JSON
@click.pass_context
def plugins(context: click.Context, verbose: bool, as_json: bool) -> int:
    """Every plugin: version, how much it registers, the error of a broken one; and places."""
    return 0 if context.invoked_subcommand else _list_plugins(verbose, as_json)


@plugins.command(cls=Command)
@click.argument("name")
@click.option("--into", default=".", type=click.Path(file_okay=False), help="[this folder]")
def new(name: str, into: str) -> int:
    """Write a plugin, ready to install: a detector, an attacker and their tests."""
    from forensics import scaffold

    folder = scaffold.write(name, Path(into))
    click.echo(f"{folder} is written. Install it, check it, see it in the matrix:")
    click.echo(f"    pip install -e {folder}")
    click.echo(f"    python -m forensics.testing {name}")
    click.echo(f"    forensics run --detectors {name} --attack {name}-dither")
    return 0


def _list_plugins(verbose: bool, as_json: bool) -> int:
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
        counts = ", ".join(f"{kind}s {len(names)}" for kind, names in plugin.registers.items())
        state = "broken" if plugin.error else counts or "nothing"
        rows.append((plugin.name, plugin.distribution, plugin.version, state))
    click.echo("\n" + table(("plugin", "distribution", "version", "registers"), rows) + "\n")
    for plugin in registry().plugins:
        if plugin.error:
            click.echo(lines(f"{plugin.name} is broken: {plugin.error}", 4) + "\n")
        elif verbose:
            click.echo(plugin.name)
            for kind, names in plugin.registers.items():
                click.echo("  " + lines(f"{kind + 's':11} {', '.join(names)}", 14))
            click.echo()
    for name, path in places.items():
        click.echo(f"{name}: {path}")
    return 0


@click.command(cls=Command)
@click.argument("names", nargs=-1, metavar="[NAME...]")
@JSON
def traces(names: tuple[str, ...], as_json: bool) -> int:
    """Every trace; of the NAMEs (globs count) histories, parameters, points."""
    there = registry().all("trace")
    summaries = {name: there[name].entry.summary for name in chosen("trace", names, list(there))}
    if not names and not as_json:
        click.echo("\n" + table(("trace", "the question"), list(summaries.items())) + "\n")
        click.echo("Histories and points: forensics traces NAME.")
        return 0
    from forensics.traces.trace import get

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
        about += [("drawn", f"for each patch, {draw}") for draw in t.draws]
        if t.targets:
            about.append(("targets", _targets([_target(target) for target in t.targets])))
        about.append(("points", _points(t.points())))
        for what, text in about:
            click.echo("  " + lines(f"{what:9} {text}", 12))
    return 0


def chosen(what: str, names: Sequence[str], there: Sequence[str]) -> list[str]:
    """Which of the things that are there names and globs stand for, in the order of registration;
    all where there is no name. Raises UnknownName for one that matches nothing."""
    for name in names:
        if not fnmatch.filter(there, name):
            raise registry().unknown(what, name, there)
    return [t for t in there if not names or any(fnmatch.fnmatchcase(t, name) for name in names)]


def _target(target: Target) -> dict[str, Any]:
    return {name: value for name, value in vars(target).items() if name != "derive"}


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
