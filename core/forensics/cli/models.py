"""`forensics models`: a line a model; of a single named one, everything. Only this imports its
module, for its options; nothing else here imports torch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click
from rich.cells import cell_len
from rich.text import Text

from forensics.bench import identity
from forensics.calibration.cards import cards
from forensics.cli import JSON, Command
from forensics.cli.listing import chosen
from forensics.cli.terminal import lines, width
from forensics.models import weights
from forensics.models.entries import ModelEntry, Needs, parse_trace, spelled
from forensics.models.registry import MODEL_KINDS, Registered, registry
from forensics.models.selection import SLOW, SLOWER, model


@click.command(cls=Command)
@click.argument("names", nargs=-1, metavar="[NAME...]")
@JSON
def models(names: tuple[str, ...], as_json: bool) -> int:
    """Every model, or those of the NAMEs (globs count), a line each; all about a single NAME."""
    everything = [t for kind in MODEL_KINDS for t in registry().all(kind).values()]
    there = dict.fromkeys(thing.entry.name for thing in everything)
    wanted = set(chosen("model", names, list(there)))
    # A model of several kinds is one thing, or one for each kind where its traces differ.
    things = {(t.entry.name, t.kinds): t for t in everything if t.entry.name in wanted}
    if as_json:
        described = [_model(thing, thing.entry.name in names) for thing in things.values()]
        click.echo(json.dumps({"models": described}, indent=1))
    elif not things:
        click.echo("no models are installed: pip install -r requirements.txt")
    elif len(names) == 1 and names[0] in wanted:
        _about(names[0], list(things.values()))
    else:
        _list(wanted)
        click.echo("\n" + lines("`forensics models NAME` says everything about one of them", 2))
    return 0


def _list(wanted: set[str]) -> None:
    """By plugin and kind a line a model: name, state of its weights, first trace, summary."""
    for plugin in registry().plugins:
        rows = {
            kind: [
                _line(t)
                for name, t in registry().all(kind).items()
                if name in wanted and t.plugin == plugin.name
            ]
            for kind in MODEL_KINDS
        }
        cells = [row for found in rows.values() for row in found]
        if not cells:
            continue
        widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
        click.echo(f"\n{plugin.name} {plugin.version}")
        for kind, found in rows.items():
            if found:
                click.echo(f"  {kind}s")
            for row in found:
                padded = [cell.ljust(wide) for cell, wide in zip(row, widths, strict=True)]
                click.echo(_cut("    " + "  ".join(padded).rstrip()))


def _line(thing: Registered) -> tuple[str, str, str, str]:
    entry = thing.entry
    traces = [parse_trace(declared)[0] for declared in entry.traces]
    first = traces[0] if traces else _anywhere(thing)
    more = f" +{len(traces) - 1}" if len(traces) > 1 else ""
    return entry.name, _state(entry), first + more, " ".join(entry.summary.split())


def _anywhere(thing: Registered) -> str:
    """What there is in place of traces where a model names none."""
    return "every slot" if "attacker" in thing.kinds else "no trace"


def _cut(line: str) -> str:
    text = Text(line)
    text.truncate(width(), overflow="ellipsis")
    return text.plain


def _state(entry: ModelEntry) -> str:
    """A word on the weights: unneeded, missing, partly (some are there), user or shipped."""
    if not entry.card:
        return "unneeded"
    there = weights.there(entry)
    if len(there) < len(entry.parts):
        return "partly" if there else "missing"
    return _origin(there)


def _origin(there: Mapping[str, weights.Part]) -> str:
    return "user" if any(p.origin == "user" for p in there.values()) else "shipped"


def _model(thing: Registered, named: bool) -> dict[str, Any]:
    """A model as JSON; its options where it is named."""
    entry = thing.entry
    there = weights.there(entry) if entry.card else {}
    state = "none needed"
    if entry.card:
        state = f"{_origin(there)} {len(there)}/{len(entry.parts)}" if there else "missing"
    described = {
        "name": entry.name,
        "kind": ", ".join(thing.kinds),
        "traces": ", ".join(entry.traces) or _anywhere(thing),
        "needs": _needs(entry.needs),
        "seconds": entry.seconds,
        "weights": state,
        "figures": {name: part.card["figures"][0] for name, part in there.items()},
        "calibrated": _calibrations(thing),
        "summary": entry.summary,
        "paper": entry.paper,
        "plugin": thing.plugin,
        "distribution": thing.distribution,
    }
    if named:
        options = entry.options().items()
        described["options"] = {k: {"default": o.default, "about": o.about} for k, o in options}
    return described


def _about(name: str, things: list[Registered]) -> None:
    """Everything about one model; what holds for all of its kinds is said once."""
    click.echo(f"{name} ({things[0].plugin} {things[0].version}, {things[0].distribution})")
    said: list[_Row] = [row for thing in things for row in _asked(thing)]
    said += [_options(thing.entry) for thing in things]
    said += [("paper", thing.entry.paper) for thing in things if thing.entry.paper]
    said += [row for thing in things for row in _weights(thing.entry)]
    said += [
        ("calibrated", f"({c['origin']}) {c['model']} on {c['basis']}")
        for thing in things
        for c in _calibrations(thing)
    ]
    for what, *texts in dict.fromkeys(said):
        for number, text in enumerate(texts):
            click.echo("  " + lines(f"{'' if number else what:11} {text}", 14))


# What a row is about, and its texts, each on lines of its own.
_Row = tuple[str, ...]


def _asked(thing: Registered) -> Iterator[_Row]:
    entry = thing.entry
    yield "kind", f"{', '.join(thing.kinds)}: {entry.summary}"
    there = registry().all("trace")
    named = (f"{t}{'' if parse_trace(t)[0] in there else ' (no such trace)'}" for t in entry.traces)
    yield "traces", ", ".join(named) or _anywhere(thing)
    yield "needs", _needs(entry.needs)
    slow = f" ({SLOWER})" if entry.seconds > SLOW else ""
    yield "time", f"{entry.seconds:g} s a gray patch of 128 x 128, of processor time{slow}"


def _options(entry: ModelEntry) -> _Row:
    said = [
        f"{name}={spelled(option.default)}" + (f": {option.about}" if option.about else "")
        for name, option in entry.options().items()
    ]
    return "options", *(said or ["none"])


def _weights(entry: ModelEntry) -> Iterator[_Row]:
    """The cards of a model's parts in words, a row a part."""
    if not entry.card:
        yield "weights", "none needed"
    for name in entry.parts:
        part = weights.find(entry, name)
        if part is None:
            yield "weights", f"{name}: missing"
            continue
        card = part.card
        made = (
            f"{name} ({part.origin}): recipe {card['recipe']}, "
            f"{card['data']['train']['photographs']} photographs seen, {card['steps']} steps in "
            f"{card['seconds'] / 60:.1f} minutes"
        )
        limits = [f"limit: {limit}" for limit in card["limits"]]
        yield "weights", made, _figure(card["figures"][0]), *limits


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
    values = ", ".join(
        f"{name} n/a" if value is None else f"{name} {value:.3g}"
        for name, value in figure["values"].items()
    )
    return (
        f"{values} ({figure['split']}, {figure['crops']} crops of {figure['side']} x "
        f"{figure['side']} from {figure['photographs']} photographs)"
    )


def _needs(needs: Needs) -> str:
    words = {
        "gray": needs.channels == (1,),
        "RGB": needs.channels == (3,),
        "JPEG": needs.jpeg or needs.acts_on == "jpeg",
        f">= {needs.smallest} px": needs.smallest > 8,
        f"sides are multiples of {needs.multiple_of}": needs.multiple_of > 1,
    }
    return ", ".join(word for word, said in words.items() if said) or "pixels"
