"""What estimators say of a picture, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import torch

from forensics.jpeg import ZIGZAG, standard_tables
from forensics.models.entries import ModelEntry, parse_trace
from forensics.models.registry import registry
from forensics.traces import trace as traces
from forensics.traces.trace import Target

_STEPS = tuple(f"step{n}" for n in range(1, 16))
_SURE = 0.995
_STATED = 0.9  # a share from which on answers are held against one another


def targets(entry: ModelEntry) -> dict[str, Target]:
    """What a model estimates, by name, as its traces define it, the first of them first."""
    named = [parse_trace(text)[0] for text in entry.traces]
    there = registry().all("trace")
    defined = [t for name in named if name in there for t in traces.get(name).targets]
    return {target.name: target for target in reversed(defined)}


def estimate(answer: Mapping[str, Any], of: Mapping[str, Target], steps: bool = False) -> str:
    """An estimate: a first JPEG by the quality of libjpeg whose steps these are, else by its steps,
    with the share of the least sure of its values; of anything else each value with its share.

    of: what is estimated, by name; steps: the steps are given beside the quality too.
    """
    values, shares = dict(answer["values"]), _shares(answer)
    first = [values.pop(name) for name in _STEPS if name in values]
    if len(first) < len(_STEPS):
        return ", ".join(_value(name, x, shares, of) for name, x in answer["values"].items())
    quality, figures = _quality(first), " ".join(map(short, first))
    by = f"as by libjpeg at quality {quality}" if quality else f"by steps {figures}"
    words = f"compressed before, {by}"
    if quality and steps:
        words += f" (steps {figures})"
    if {"r", "c"} <= set(values):
        r, c = values.pop("r"), values.pop("c")
        moved = f"grid moved by {short(r)} rows and {short(c)} columns"
        words += f", {moved if r or c else 'on the same grid'}"
    of_jpeg = [shares[name] for name in (*_STEPS, "r", "c") if name in shares]
    if of_jpeg:
        sure = min(of_jpeg)
        words += "; surely" if sure >= _SURE else f"; its least sure value at {100 * sure:.0f} %"
    return ", ".join([words, *(_value(name, x, shares, of) for name, x in values.items())])


def nothing(answer: Mapping[str, Any], of: Mapping[str, Target]) -> bool:
    """Whether it says of everything it estimates that nothing was done."""
    return all(
        name in of and of[name].none is not None and value == of[name].none
        for name, value in answer["values"].items()
    )


def least(answer: Mapping[str, Any]) -> float:
    """The share of the least sure of its values, 1 where it states no shares."""
    return min(_shares(answer).values(), default=1.0)


def contradictions(answers: Mapping[str, Any], entries: Mapping[str, ModelEntry]) -> Iterator[str]:
    """A sentence for each two estimators that state different values of the same thing, both with a
    share of at least .9. answers, entries: by model; n/a says nothing."""
    stated = {
        name: {n: v for n, v in answer["values"].items() if _shares(answer).get(n, 0) >= _STATED}
        for name, answer in answers.items()
        if "values" in answer
    }
    for one, other in combinations(stated, 2):
        if not _judged(entries[one]) & _judged(entries[other]):
            continue  # what has the same name there is not the same
        of = targets(entries[one])
        differ = [
            name
            for name in stated[one].keys() & stated[other].keys()
            if abs(stated[one][name] - stated[other][name])
            > (of[name].tolerance if name in of else 0)
        ]
        if differ:
            what = "the first JPEG" if set(differ) & {*_STEPS, "r", "c"} else ", ".join(differ)
            yield f"{one} and {other} contradict each other on {what}: one of them is wrong."


def saved(tables: torch.Tensor) -> str:
    """How a JPEG was saved last, in words, by its luma table, int32 `[8, 8]`."""
    standard = standard_tables(torch.arange(1, 101), 1)[:, 0]
    fits = [q for q, table in enumerate(standard, 1) if torch.equal(table, tables.to(table))]
    return f"saved as by libjpeg at quality {fits[0]}" if fits else "saved by a table of its own"


def short(value: float | None) -> str:
    """Four digits."""
    return "n/a" if value is None else f"{value:.4g}"


def _judged(entry: ModelEntry) -> set[str]:
    return {parse_trace(text)[0] for text in entry.traces}


def _shares(answer: Mapping[str, Any]) -> dict[str, float]:
    """How probable the most probable value is, by name."""
    return {
        name: max(said["shares"])
        for name, said in answer["beliefs"].items()
        if said["shares"] and None not in said["shares"]
    }


def _value(
    name: str, value: float | None, shares: Mapping[str, float], of: Mapping[str, Target]
) -> str:
    target = of.get(name)
    sure = f" ({100 * shares[name]:.0f} %)" if name in shares else ""
    if target is None or value is None:
        return f"{name} {short(value)}{sure}"
    if target.classes:
        return f"{name}: {target.classes[int(value)]}{sure}"
    if value == target.none:
        return f"{name}: none{sure}"
    return f"{name} {short(value)} {target.unit}{sure}"


def _quality(steps: Sequence[float | None]) -> str:
    """The qualities at which libjpeg's luma table begins with these steps; empty: at none."""
    tables = standard_tables(torch.arange(1, 101), 1)[:, 0].flatten(1)[:, list(ZIGZAG[:15])]
    fits = [q for q, table in enumerate(tables.tolist(), 1) if table == steps]
    return f"{fits[0]} to {fits[-1]}" if len(fits) > 2 else " or ".join(map(str, fits))
