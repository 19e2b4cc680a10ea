"""The checks themselves: each is a name and a call that raises AssertionError."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import entry_points
from itertools import chain
from typing import Any

import torch

from forensics.batch import Batch
from forensics.errors import BrokenPlugin, NotApplicable, UnknownName
from forensics.models import weights
from forensics.models.entries import ModelEntry, TraceEntry, parse_trace
from forensics.models.interfaces import Attacker, Detector, Estimator, Localizer
from forensics.models.registry import GROUP, KINDS, MODEL_KINDS, Registered, registry
from forensics.testing.answers import Answer, ask, assert_same
from forensics.testing.inputs import Form, forms, traced, wide
from forensics.traces import trace as traces

_CLASS = {
    "detector": Detector,
    "estimator": Estimator,
    "localizer": Localizer,
    "attacker": Attacker,
}


@dataclass(frozen=True)
class Check:
    """One check; `str(check)` names it. A call raises AssertionError, or the plugin's own error,
    where the contract is broken; it returns why the check did not apply, or None."""

    name: str
    run: Callable[[], str | None]

    def __str__(self) -> str:
        return self.name

    def __call__(self) -> str | None:
        return self.run()


def checks(plugin: str) -> list[Check]:
    """All checks of what an installed plugin registers; `plugin` is the entry point's name.

    Raises UnknownName where there is none. A plugin that fails to load has one check, which
    raises its error.
    """
    found = {p.name: p for p in registry().plugins}
    if plugin not in found:
        raise UnknownName(f"no plugin is called {plugin!r}; there are: {', '.join(found)}")
    listed = [Check(f"{plugin}: loads", partial(_loads, found[plugin]))]
    if found[plugin].error:
        return listed
    listed.append(Check(f"{plugin}: registers without torch", partial(_imports_no_torch, plugin)))
    for kind in KINDS:
        for name, thing in registry().all(kind).items():
            if thing.plugin == plugin:
                about = f"{kind} {name}"
                listed.append(Check(f"{about}: entry", partial(_entry, kind, thing)))
                if kind in MODEL_KINDS:
                    listed += _of_model(about, kind, thing.entry)
    return listed


def report(plugin: str) -> int:
    """Run every check of a plugin and print a line on each, and their number at the end; 1 if one
    failed. A model that cannot be made has one line."""
    ran, failed, idle = 0, 0, 0
    broken: set[str] = set()
    for check in checks(plugin):
        about = str(check).partition(": ")[0]
        if about in broken:
            continue
        ran += 1
        try:
            reason = check()
        except BrokenPlugin as error:
            broken.add(about)  # all other checks of it would say the same
            failed += 1
            print(f"FAILED {check}: {error}")
        except Exception as error:
            failed += 1
            print(f"FAILED {check}: {type(error).__name__}: {error}")
        else:
            idle += reason is not None
            print(f"n/a {check}: {reason}" if reason else f"ok {check}")
    print(f"{plugin}: {ran} checks ran, {failed} failed, {idle} n/a")
    return int(failed > 0)


def _loads(plugin: Any) -> None:
    assert plugin.error is None, f"{plugin.error}\n{plugin.traceback}"


def _imports_no_torch(plugin: str) -> None:
    points = {point.name: point.module for point in entry_points(group=GROUP)}
    module = points.get(plugin, "forensics.builtin")
    script = (
        f"import sys; sys.path[:] = {sys.path!r}; import {module}; "
        "print(*(m for m in ('torch', 'sklearn') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not done.stdout.split(), f"import {module} imports {done.stdout.strip()}"


def _entry(kind: str, thing: Registered) -> None:
    """Every registered entry can be loaded and is of its kind."""
    entry = thing.entry
    assert entry.summary.strip(), "no summary"
    loaded = entry.load()
    if kind == "trace":
        told = "pristine" in loaded.sides and any(t.none is not None for t in loaded.targets)
        wanted = "a TraceEntry" if told else "an Entry: no target has a value for 'none'"
        assert isinstance(entry, TraceEntry) == told, f"{entry.name} has to be {wanted}"
    if kind not in MODEL_KINDS:
        return
    made = entry.make()
    assert isinstance(made, _CLASS[kind]), f"{entry.factory} is no {_CLASS[kind].__name__}"
    assert hash(entry.make()) == hash(entry.make()), f"{entry.factory} is no frozen dataclass"
    silent = [key for key, option in entry.options().items() if not option.about]
    assert not silent, f"options without a line on them: {', '.join(silent)}; write option(...)"
    for text in entry.traces:
        trace, ranges = parse_trace(text)
        unknown = set(ranges) - set(traces.get(trace).parameters)
        assert not unknown, f"{trace} has no parameter {', '.join(sorted(unknown))} to restrict"


def _of_model(about: str, kind: str, entry: ModelEntry) -> Iterator[Check]:
    if entry.card is not None:
        for part in entry.parts:
            yield Check(f"{about}: weights {part}", partial(_weights, entry, part))
    for form in forms(entry.needs):
        for check in (_answers, _repeats, _one_by_one, _leaves_input, _extremes):
            name = f"{about}: {check.__name__.strip('_').replace('_', ' ')}, {form}"
            yield Check(name, partial(_where_it_can, check, kind, entry, form))
    once: dict[str, tuple[Callable[[str, Any, Form], None], Form]] = {}
    if kind == "estimator":
        once["names"] = partial(_knows_names, entry), forms(entry.needs)[0]
    if kind == "localizer":
        once["its map covers the image"] = _covers, wide(entry.needs)
    if kind != "attacker":
        once["answers something"] = partial(_says_something, entry), forms(entry.needs)[0]
    for name, (asked, form) in once.items():
        yield Check(f"{about}: {name}", partial(_where_it_can, asked, kind, entry, form))


def _weights(entry: ModelEntry, part: str) -> str | None:
    """Weights have the hash of their card (`weights.load` compares it) and are finite."""
    if weights.find(entry, part) is None:
        return f"no weights for {part}"
    for name, tensor in weights.load(entry, part).items():
        assert not tensor.is_floating_point() or tensor.isfinite().all(), f"{name} is not finite"
    return None


def _where_it_can(
    check: Callable[[str, Any, Form], None], kind: str, entry: ModelEntry, form: Form
) -> str | None:
    """Without its weights a model is n/a; with them it takes every form that it claims."""
    complete = entry.card is None or len(weights.there(entry)) == len(entry.parts)
    model = entry.make()
    if complete:
        check(kind, model, form)
        return None
    try:
        check(kind, model, form)
    except NotApplicable as error:
        return str(error) or "no weights"
    return None


def _answers(kind: str, model: Any, form: Form) -> None:
    ask(kind, model, form.photographs())


def _knows_names(entry: ModelEntry, kind: str, model: Any, form: Form) -> None:
    """An estimator answers at least one target of each of its traces, and none twice."""
    names = model.estimate(form.photographs()).names
    assert len(set(names)) == len(names), f"a name occurs twice: {', '.join(names)}"
    for text in entry.traces:
        target = {target.name for target in traces.get(parse_trace(text)[0]).targets}
        wanted = ", ".join(sorted(target)) or "nothing"
        assert target & set(names), f"it answers {', '.join(names)}, and {text} asks for {wanted}"


def _covers(kind: str, model: Any, form: Form) -> None:
    """A map ends about as far from the far edges of an image as it begins from the near ones."""
    found = model.localize(form.photographs())
    for side, cells in zip((form.height, form.width), found.values.shape[1:], strict=True):
        last = found.offset + (cells - 1) * found.stride
        apart = abs(side - last - found.offset)
        assert apart <= found.stride + 1, (
            f"by offset {found.offset} and stride {found.stride} the last of {cells} cells stands "
            f"for pixel {last} of {side}"
        )


def _says_something(entry: ModelEntry, kind: str, model: Any, form: Form) -> None:
    """Of photographs of every form, and as its traces make them, one at least is answered."""
    reasons: set[str] = set()
    for batch in chain((one.photographs() for one in forms(entry.needs)), traced(entry)):
        if batch.device == torch.device("cpu"):
            answer = ask(kind, model, batch)
            if None in answer.reasons:
                return
            reasons |= {str(reason) for reason in answer.reasons}
    raise AssertionError(f"it answers no photograph: {'; '.join(sorted(reasons))}")


def _repeats(kind: str, model: Any, form: Form) -> None:
    """A model answers the same twice: chance comes from `forensics.random` and the keys."""
    torch.manual_seed(1)
    first = ask(kind, model, form.photographs())
    torch.manual_seed(2)
    assert_same(ask(kind, model, form.photographs()), first)


def _one_by_one(kind: str, model: Any, form: Form) -> None:
    batch = form.photographs()
    alone = [ask(kind, model, batch[i : i + 1]) for i in range(len(batch))]
    together = {
        name: torch.cat([answer.tensors[name] for answer in alone]) for name in alone[0].tensors
    }
    reasons = tuple(reason for answer in alone for reason in answer.reasons)
    assert_same(ask(kind, model, form.photographs()), Answer(together, reasons))


def _leaves_input(kind: str, model: Any, form: Form) -> None:
    batch = form.photographs()
    before = [tensor.clone() for tensor in _tensors(batch)]
    ask(kind, model, batch)
    untouched = map(torch.equal, _tensors(batch), before)
    assert all(untouched), "it wrote into its input"


def _extremes(kind: str, model: Any, form: Form) -> None:
    """An answer or a reason for each image, nothing infinite, no exception."""
    for name, batch in form.extremes():
        try:
            ask(kind, model, batch)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error


def _tensors(batch: Batch) -> Iterator[torch.Tensor]:
    yield from (batch.pixels, batch.keys, batch.positions)
    if batch.jpeg is not None:
        yield from (*batch.jpeg.coefficients, batch.jpeg.tables)
