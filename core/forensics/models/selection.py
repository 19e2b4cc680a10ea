"""From what a user writes to models: names, globs, `trace:`, `plugin:`, `all`, options."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from forensics.errors import ForensicsError
from forensics.models.entries import parse_trace, spelled
from forensics.models.registry import Registered, Registry, registry

# Processor seconds a gray patch of 128 x 128, above which a model is run by name only.
SLOW = 0.5
# Processor seconds that `forensics analyze` has on a file for the models that are not named, and
# more of them for each megapixel.
BUDGET, PER_MEGAPIXEL = 3.0, 1.0
SLOWER = "slower than half a second a patch: name it to run it"


@dataclass(frozen=True)
class Model:
    """A registered model with its options. `str()` is its identity: `kqf`, `ku2:relative=true`."""

    registered: Registered
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def entry(self) -> Any:
        return self.registered.entry

    @property
    def name(self) -> str:
        return self.registered.entry.name

    def __str__(self) -> str:
        if not self.options:
            return self.name
        return f"{self.name}:" + ",".join(f"{k}={spelled(v)}" for k, v in self.options)

    def canonical(self) -> Model:
        """The same without options that have their default value: one model, one identity.
        Imports its module only where there are options; raises as `create` does."""
        if not self.options:
            return self
        self.create()
        there = self.entry.options()
        kept = tuple((k, v) for k, v in self.options if v != there[k].default)
        return Model(self.registered, kept)

    def create(self) -> Any:
        """The model itself; imports its module. Raises ForensicsError on an option it has not."""
        return self.entry.make(dict(self.options))


def parse_options(text: str) -> tuple[tuple[str, Any], ...]:
    """`"a=1,b=true"` as sorted pairs of name and value, the values read as YAML reads them."""
    pairs = {}
    for item in text.split(","):
        option, equals, value = item.partition("=")
        if not equals or not option.strip() or not value.strip():
            raise ForensicsError(f"an option is written key=value, not {item!r}")
        pairs[option.strip()] = parse_value(value)
    return tuple(sorted(pairs.items()))


def parse_value(text: str) -> Any:
    """A number, truth value or text, as YAML reads it. Raises ForensicsError on broken YAML."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise ForensicsError(f"cannot read {text!r} as a value: write a number or a word") from None


def model(text: str, *kinds: str, within: Registry | None = None) -> Model:
    """One model from `name` or `name:key=value,...`."""
    name, _, options = text.partition(":")
    found = (within or registry()).get(name, *kinds)
    return Model(found, parse_options(options) if options else ())


def models(texts: Iterable[str], *kinds: str, within: Registry | None = None) -> list[Model]:
    """Models from names, globs, `trace:NAME`, `plugin:NAME`, `all` and `none`, each once, in
    order. Raises UnknownName for a text that matches nothing."""
    everything = within or registry()
    there = {name: thing for kind in kinds for name, thing in everything.all(kind).items()}
    chosen: dict[str, Model] = {}
    for text in texts:
        found = _matches(text, there, everything)
        if found is None:
            found = [model(text, *kinds, within=everything)]
        chosen.update({str(m): m for m in found})
    return list(chosen.values())


def skipped_slow(asked: Mapping[str, Sequence[str]]) -> list[Model]:
    """Those of the models that are asked for (by kind, texts as `models` reads them) that take more
    than half a second a patch and that no text names: who asks for a group (`all`, a glob,
    `trace:`, `plugin:`) wants an answer soon. Empty where that would leave nothing to ask."""
    named = names(asked)
    found = {str(m): m for kind, texts in asked.items() for m in models(texts, kind)}
    slow = [m for m in found.values() if m.entry.seconds > SLOW and m.name not in named]
    return slow if len(slow) < len(found) else []


def baselines(asked: Mapping[str, Sequence[str]]) -> list[Model]:
    """The baselines among the models that are asked for, as `skipped_slow` reads them, that no text
    names. Empty where that would leave nothing to ask."""
    named = names(asked)
    found = {str(m): m for kind, texts in asked.items() for m in models(texts, kind)}
    rivals = [m for m in found.values() if m.entry.baseline and m.name not in named]
    return rivals if len(rivals) < len(found) else []


def too_long(asked: Iterable[tuple[str, Model]], height: int, width: int) -> dict[str, float]:
    """By name, of models and the kinds they are asked as those that an image of this size leaves no
    time for, and the processor seconds that each takes: the quickest are asked first, for as long
    as the budget lasts. What has the same weights counts once, as such detectors share their
    work."""
    takes: dict[str, float] = {}
    shares: dict[tuple[bool, str], set[str]] = {}
    for kind, model in asked:
        takes[str(model)] = model.entry.takes(height, width)
        same = kind == "localizer", model.entry.weights_of or str(model)
        shares.setdefault(same, set()).add(str(model))
    each = sorted((max(takes[name] for name in those), sorted(those)) for those in shares.values())
    budget = BUDGET + PER_MEGAPIXEL * height * width / 1e6
    spent, left = 0.0, {}
    for seconds, those in each:
        spent += seconds
        if spent > budget:
            left.update({name: takes[name] for name in those})
    return left


def names(asked: Mapping[str, Sequence[str]]) -> set[str]:
    """What the texts name outright, whatever its options."""
    return {text.partition(":")[0] for texts in asked.values() for text in texts}


def _matches(text: str, there: dict[str, Registered], within: Registry) -> list[Model] | None:
    """Models that a text stands for as a group; None when it is the name of one."""
    if text == "none":
        return []
    if text == "all":
        return [Model(thing) for thing in there.values()]
    prefix, _, rest = text.partition(":")
    if prefix == "trace":
        judges = {
            name: {parse_trace(t)[0] for t in thing.entry.traces} for name, thing in there.items()
        }
        traces = set().union(*judges.values())
        if rest not in traces:
            raise within.unknown("trace that a model here judges", rest, traces)
        return [Model(thing) for name, thing in there.items() if rest in judges[name]]
    if prefix == "plugin":
        plugins = {thing.plugin for thing in there.values()}
        if rest not in plugins:
            raise within.unknown("plugin with models of this kind", rest, plugins)
        return [Model(thing) for thing in there.values() if thing.plugin == rest]
    if any(c in text for c in "*?[") and ":" not in text:
        found = [Model(t) for name, t in there.items() if fnmatch.fnmatchcase(name, text)]
        if not found:
            raise within.unknown("model", text, there)
        return found
    return None
