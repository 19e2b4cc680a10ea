"""From settings to work: models -> traces -> points -> histories x attackers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from forensics import data, device
from forensics.bench import choice, donors, identity, labelled
from forensics.bench.conditions import (
    ASKED,
    COST,
    COSTS,
    Cell,
    Condition,
    Judges,
    Plan,
    Query,
    Sample,
)
from forensics.bench.positions import lattice, margin, spread, usable
from forensics.bench.settings import Settings
from forensics.data import Photograph
from forensics.errors import ForensicsError, unknown
from forensics.histories.history import SLOT
from forensics.models import selection
from forensics.models.entries import Range, parse_trace
from forensics.models.selection import Model
from forensics.traces import trace as traces
from forensics.traces.draws import Number
from forensics.traces.trace import Trace

_NAMED = 3  # models in a sentence


def make(settings: Settings) -> Plan:
    """The plan of a run. Raises ForensicsError where it asks for what is not there."""
    device.choose(settings.device)
    asked = {kind: getattr(settings, f"{kind}s") for kind in ASKED}
    slow = selection.skipped_slow(asked)
    judges = {
        kind: [m for m in _chosen(texts, kind) if m not in slow] for kind, texts in asked.items()
    }
    attackers = _chosen(settings.attack, "attacker")
    if not attackers and not slow and not any(judges.values()):
        raise ForensicsError(_nothing(settings))
    unasked = [f"{m}: {selection.SLOWER}" for m in slow]
    if settings.positive is not None:
        sample, cells = labelled.make(settings, judges, attackers)
    else:
        untraced = choice.untraced(judges)
        if untraced and not any(choice.declared(m) for those in judges.values() for m in those):
            raise ForensicsError("; ".join(untraced[:_NAMED]))
        unasked += untraced
        sample, cells = _simulated(settings, judges, attackers)
    conditions, wanted = _work(cells)
    hashes = {str(m): identity.model(m) for models in judges.values() for m in models}
    hashes[COST] = identity.digest(identity.core())
    return Plan(
        **vars(sample),
        settings=settings,
        cells=tuple(cells),
        conditions=conditions,
        wanted=wanted,
        hashes=hashes,
        unasked=tuple(unasked),
    )


def _nothing(settings: Settings) -> str:
    """Why a run without models and attackers has nothing to do."""
    there = {kind: bool(selection.registry().all(kind)) for kind in ASKED}
    asked = [kind for kind in ASKED if getattr(settings, f"{kind}s") not in ((), ("none",))]
    missing = " or ".join(kind for kind in asked if not there[kind])
    why = f"no {missing} is installed" if missing else "no model is asked"
    return f"there is nothing to run: {why}, and no attacker is named (`forensics models`)"


def _simulated(
    settings: Settings, judges: Judges, attackers: Sequence[Model]
) -> tuple[Sample, list[Cell]]:
    """Patches of photographs, and the cells of every trace over them."""
    asked = choice.chosen(settings, judges, attackers)
    chosen = [traces.get(name) for name in asked]
    bare = not any(judges.values())
    _check_settings(settings, chosen)
    source = data.resolve(settings.data, settings.split, settings.photographs, settings.reduce)
    photographs, skipped = usable(source, settings.color)
    small = _too_small(photographs, chosen, settings)
    cells = [
        cell
        for trace in chosen
        for cell in _cells(trace, settings, asked[trace.name], bare, attackers, photographs)
    ]
    if not bare and not cells:
        raise ForensicsError(_unjudged(judges, chosen))
    positions = {
        trace.name: spread(
            ((p.sha256, p.size) for p in photographs),
            settings.patch,
            margin(trace, settings),
            settings.limit,
            settings.seed,
        )
        for trace in chosen
    }
    used = {sha256 for those in positions.values() for sha256 in those}
    if not used:
        side = settings.patch + 2 * min(margin(t, settings) for t in chosen)
        raise ForensicsError(
            f"no photograph of {settings.data} has room for a patch of {settings.patch} with its "
            f"margin ({side} x {side} pixels): choose a smaller --patch or other photographs"
        )
    sample = Sample(
        source.split,
        tuple(p for p in photographs if p.sha256 in used),
        positions,
        (*skipped, *small),
        tuple(str(error) for error in source.skipped),
        tuple(source.warnings),
        {p.sha256: p for p in photographs if any(trace.donors for trace in chosen)},
    )
    return sample, cells


def _unjudged(judges: Judges, chosen: Sequence[Trace]) -> str:
    models = [model for models in judges.values() for model in models]
    judged = {str(m): ", ".join(choice.declared(m)) or "no trace" for m in models[:_NAMED]}
    said = "; ".join(f"{name} judges {names}" for name, names in judged.items())
    more = f"; and {len(models) - _NAMED} more" if len(models) > _NAMED else ""
    return (
        f"no model judges {', '.join(t.name for t in chosen)}: {said}{more}; choose another --trace"
    )


def _chosen(texts: Sequence[str], kind: str) -> list[Model]:
    """Models by their shortest names, each once."""
    found = (model.canonical() for model in selection.models(texts, kind))
    return list({str(model): model for model in found}.values())


def _check_settings(settings: Settings, chosen: Sequence[Trace]) -> None:
    known = sorted({p for trace in chosen for p in trace.parameters})
    for name in settings.set:
        if name not in known:
            raise unknown("parameter of the chosen traces", name, known)
    if not chosen:
        raise ForensicsError("nothing to run: name a trace with --trace, or a detector")


def _too_small(
    photographs: Sequence[Photograph], chosen: Sequence[Trace], settings: Settings
) -> list[str]:
    """Photographs without room for a single patch of any trace, each with that reason."""
    least = min(margin(trace, settings) for trace in chosen)
    return [
        f"{p.name}: too small for a patch of {settings.patch} with its margin of {least}"
        for p in photographs
        if not lattice(p.size, settings.patch, least)
    ]


def _cells(
    trace: Trace,
    settings: Settings,
    judges: Judges,
    bare: bool,
    attackers: Sequence[Model],
    photographs: Sequence[Photograph],
) -> list[Cell]:
    """judges: the models that are asked on the trace; bare: whether the run has none at all."""
    others = tuple(donors.able(photographs, settings.patch + 2 * margin(trace, settings)))

    def condition(side: str, attacker: Model | None) -> Condition:
        return _condition(trace, side, values, attacker, settings, others)

    asked: list[tuple[str | None, Model | None]] = [
        (kind, model) for kind, models in judges.items() for model in models
    ]
    if bare:
        asked = [(None, None)]  # without models a cell still says what the attack costs
    cells = []
    for point in trace.points(settings.set):
        values = tuple(point.items())
        for attacker in (None, *attackers):
            sides = {s: (condition(s, attacker),) for s in trace.sides}
            clean = {s: (condition(s, None),) for s in sides if s != "pristine"}
            for kind, model in asked:
                reason = _beforehand(kind, model, trace, point, attacker, settings)
                cells.append(Cell(kind, model, trace, (values,), attacker, sides, clean, reason))
    return _pooled(cells) if settings.pool else cells


def _pooled(cells: Sequence[Cell]) -> list[Cell]:
    """One cell for all points of a model and an attack; n/a where it is so at one of them."""
    groups: dict[tuple[str | None, ...], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.kind, str(cell.model), str(cell.attacker)), []).append(cell)
    return [
        replace(
            those[0],
            points=tuple(point for cell in those for point in cell.points),
            sides={s: tuple(p for c in those for p in c.sides[s]) for s in those[0].sides},
            clean={s: tuple(p for c in those for p in c.clean[s]) for s in those[0].clean},
            reason=next((cell.reason for cell in those if cell.reason), None),
        )
        for those in groups.values()
    ]


def _restriction(model: Model, trace: Trace) -> dict[str, Range] | None:
    """The ranges that a model is restricted to on a trace; None where it does not judge it."""
    return dict(parse_trace(t) for t in model.entry.traces).get(trace.name)


def _beforehand(
    kind: str | None,
    model: Model | None,
    trace: Trace,
    point: dict[str, Number],
    attacker: Model | None,
    settings: Settings,
) -> str | None:
    """Why a cell cannot have a figure, as far as declarations tell."""
    if kind == "detector" and "pristine" not in trace.sides:
        return f"trace {trace.name} has no pristine side to tell the altered one from"
    if kind == "estimator" and not trace.targets:
        return f"trace {trace.name} has no truth to estimate"
    # What kind of state a slot holds is not declared; inference sees to that of attackers.
    for one, jpeg in ((attacker, True), (model, trace.input == "jpeg")):
        refusal = choice.refusal(one, settings.color, settings.patch, jpeg)
        if refusal:
            return refusal
    restricted = _restriction(model, trace) if model else {}
    for name, (low, high) in (restricted or {}).items():
        if not low <= point.get(name, low) <= high:
            return f"judges {name}={low}{f'..{high}' if high > low else ''} only"
    return None


def _condition(
    trace: Trace,
    side: str,
    point: tuple[tuple[str, Number], ...],
    attacker: Model | None,
    settings: Settings,
    others: Sequence[str],
) -> Condition:
    template = trace.history(side)
    if not any(step.name == SLOT for step in template.steps):
        attacker = None
    used = tuple((k, v) for k, v in point if k in template.parameters)
    digest = identity.digest(
        template.fill(None).text(dict(used)) if attacker is None else template.text(dict(used)),
        identity.model(attacker) if attacker else "",
        *map(identity.step, template.all_steps()),
        repr(trace.draws),
        trace.input,
        f"{settings.patch} {margin(trace, settings)} {settings.color} {settings.seed}",
        *(others if template.donors else ()),
        identity.core(),
    )
    return Condition(trace, template, used, attacker, trace.name, digest)


def _work(cells: Sequence[Cell]) -> tuple[dict[str, Condition], dict[str, tuple[Query, ...]]]:
    conditions: dict[str, Condition] = {}
    wanted: dict[str, list[Query]] = {}
    for cell in cells:
        if cell.reason is not None:
            continue
        for condition in cell.needed:
            conditions.setdefault(condition.digest, condition)
            if cell.query is not None:
                wanted.setdefault(condition.digest, []).append(cell.query)
        for condition in cell.altered if cell.attacker is not None else ():
            wanted.setdefault(condition.digest, []).append(COSTS)
    return conditions, {d: tuple(dict.fromkeys(asked)) for d, asked in wanted.items()}
