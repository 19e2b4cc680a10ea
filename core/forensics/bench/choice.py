"""Which traces a run takes, on which of them each model is asked, and who cannot be asked."""

from __future__ import annotations

from collections.abc import Sequence

from forensics.bench import identity
from forensics.bench.conditions import Judges
from forensics.bench.settings import Settings
from forensics.errors import ForensicsError
from forensics.histories.history import SLOT, History
from forensics.models import selection
from forensics.models.entries import parse_trace
from forensics.models.selection import Model
from forensics.traces import trace as traces
from forensics.traces.trace import Trace

# Said of a run that names no trace.
ONE_TRACE = (
    "Each model on one trace, the first it declares on which all attackers can act; "
    "--trace all: on all that it judges."
)


def chosen(
    settings: Settings, judges: Judges, attackers: Sequence[Model]
) -> dict[str, dict[str, list[Model]]]:
    """The traces of a run, by name, in the order in which they are registered, and the models that
    are asked on each, by kind.

    Where settings name traces, or `"all"`, models are asked on each that they judge; otherwise on
    one. Raises ForensicsError where a named trace can tell nothing to any of the models."""
    there = list(selection.registry().all("trace"))
    named = tuple(settings.trace)
    asked = {
        (kind, str(model)): _one(kind, model, attackers) if not named else declared(model)
        for kind, models in judges.items()
        for model in models
    }
    judged = {name for names in asked.values() for name in names}
    if not asked:
        judged = set(there) if named == ("all",) else {"jpeg"}
    if named and named != ("all",):
        names = list(dict.fromkeys(named))
        for name in names:
            _check_sides(traces.get(name), judges)
    else:
        names = [name for name in there if name in judged]
    return {
        name: {k: [m for m in judges[k] if name in asked[k, str(m)]] for k in judges}
        for name in names
    }


def declared(model: Model) -> tuple[str, ...]:
    """The traces that a model judges, as far as they are there."""
    there = selection.registry().all("trace")
    names = dict.fromkeys(parse_trace(text)[0] for text in model.entry.traces)
    return tuple(name for name in names if name in there)


def untraced(judges: Judges) -> list[str]:
    """The models that judge no trace that is there, each with the reason."""
    found = []
    for model in (m for models in judges.values() for m in models if not declared(m)):
        registry, why = selection.registry(), "it judges no trace"
        for name in [parse_trace(text)[0] for text in model.entry.traces][:1]:
            why = str(registry.unknown("trace", name, registry.all("trace")))
        found.append(f"{model}: {why}")
    return list(dict.fromkeys(found))


def _one(kind: str, model: Model, attackers: Sequence[Model]) -> tuple[str, ...]:
    """The first trace that a model declares on which all attackers can act; else its first. A
    detector is asked where there is a pristine side, if anywhere."""
    names = declared(model)
    if kind == "detector":
        names = tuple(n for n in names if "pristine" in traces.get(n).sides) or names
    able = [name for name in names if all(_acts(a, traces.get(name)) for a in attackers)]
    return tuple([*able, *names][:1])


def _acts(attacker: Model, trace: Trace) -> bool:
    """Whether there is a slot, and what the attacker acts on in it."""
    histories = [h for h in map(trace.history, trace.sides) if h.has_slot]
    needs = attacker.entry.needs
    jpeg = needs.jpeg or needs.acts_on == "jpeg"
    return bool(histories) and (not jpeg or all(map(_slot_holds_jpeg, histories)))


def _slot_holds_jpeg(history: History) -> bool:
    """Whether the step before the slot makes a JPEG."""
    names = [step.name for step in history.steps]
    before = history.steps[: names.index(SLOT)]
    return bool(before) and bool(before[-1].registered.entry.load().makes_jpeg)


def refusal(one: Model | None, color: bool, side: int | None, jpeg: bool) -> str | None:
    """Why a model or attacker can take no patches of this side, gray or in colour, as far as
    declarations tell. side: None where it is not known; jpeg: whether the patches may be JPEGs."""
    if one is None:
        return None
    needs = one.entry.needs
    side = needs.smallest * needs.multiple_of if side is None else side
    refused = needs.refusal(3 if color else 1, side, side, jpeg)
    return identity.untrained(one) or (refused and f"{one.name}: {refused}")


def _check_sides(trace: Trace, judges: Judges) -> None:
    if "pristine" not in trace.sides and not (judges["estimator"] or judges["localizer"]):
        raise ForensicsError(
            f"trace {trace.name} has one history, for estimators: a matrix of detectors "
            "needs a pristine one to tell it from"
        )
