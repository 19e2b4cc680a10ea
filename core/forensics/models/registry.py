"""Who is there: entries of the core and of every installed plugin, by name, without importing
torch. A plugin that fails to load is rolled back and listed with its error; the rest works."""

from __future__ import annotations

import functools
import importlib.util
import os
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from forensics.errors import ForensicsError, UnknownName, unknown
from forensics.models import hookspecs
from forensics.models.entries import BeliefEntry, Entry, ModelEntry, TraceEntry

GROUP = "forensics"
KINDS = (
    "detector",
    "estimator",
    "localizer",
    "attacker",
    "operation",
    "trace",
    "dataset",
    "recipe",
)
MODEL_KINDS = KINDS[:4]


@dataclass(frozen=True)
class Registered:
    """An entry with where it comes from and what it is."""

    entry: Any
    kinds: tuple[str, ...]
    plugin: str
    distribution: str
    version: str


@dataclass(frozen=True)
class Plugin:
    """An entry point that was tried. package: the import package or module that it names;
    error: None, or the last line of what went wrong."""

    name: str
    package: str
    distribution: str
    version: str
    registers: Mapping[str, tuple[str, ...]]
    error: str | None = None
    traceback: str | None = None


class Registry:
    """All that is registered. `get` finds an entry by kind and name."""

    def __init__(self, points: Iterable[EntryPoint]) -> None:
        self.plugins: list[Plugin] = []
        self._things: dict[tuple[str, str], Registered] = {}
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(hookspecs)
        builtin = EntryPoint("builtin", "forensics.builtin", GROUP)
        self._add(builtin, "image-forensics", _version("image-forensics"))
        for point in sorted(points, key=lambda p: p.name):
            dist = point.dist
            self._add(point, dist.name if dist else "?", dist.version if dist else "?")
        self._derived = self._detecting()

    def _add(self, point: EntryPoint, distribution: str, release: str) -> None:
        module: ModuleType | None = None
        package = point.value.partition(":")[0].partition(".")[0]
        try:
            module = point.load()
            if not isinstance(module, ModuleType):
                raise TypeError(f"{point.value} is not a module; an entry point names one")
            found = self._collect(module, point.name)
            things = self._check(found, point.name, distribution, release)
        except (Exception, SystemExit) as error:  # a module may end in sys.exit()
            if os.environ.get("FORENSICS_STRICT") == "1":
                raise
            if module is not None and self._manager.is_registered(module):
                self._manager.unregister(module)
            text = f"{type(error).__name__}: {error}".splitlines()[0]
            trace = traceback.format_exc()
            self.plugins.append(Plugin(point.name, package, distribution, release, {}, text, trace))
            return
        self._things.update(things)
        names = {k: tuple(n for kind, n in things if kind == k) for k in KINDS}
        registers = {kind: listed for kind, listed in names.items() if listed}
        self.plugins.append(Plugin(point.name, package, distribution, release, registers))

    def _collect(self, module: ModuleType, name: str) -> dict[str, list[Entry]]:
        manager = self._manager
        manager.register(module, name)
        manager.check_pending()
        others = [p for p in manager.get_plugins() if p is not module]
        found = {}
        for kind in KINDS:
            caller = manager.subset_hook_caller(f"forensics_{kind}s", others)
            found[kind] = [entry for entries in caller() for entry in entries]
        return found

    def _check(
        self, found: dict[str, list[Entry]], plugin: str, distribution: str, release: str
    ) -> dict[tuple[str, str], Registered]:
        things: dict[tuple[str, str], Registered] = {}
        for kind, entries in found.items():
            for entry in entries:
                wanted = ModelEntry if kind in MODEL_KINDS else Entry
                if not isinstance(entry, wanted):
                    raise TypeError(f"{kind} {entry!r} is not a {wanted.__name__}")
                other = self._clash(kind, entry)
                if other is not None:
                    raise ValueError(
                        f"the {kind} {entry.name!r} of {distribution} is also registered "
                        f"by {other.distribution}"
                    )
                if (kind, entry.name) in things:
                    raise ValueError(f"{distribution} registers the {kind} {entry.name!r} twice")
                kinds = tuple(k for k, those in found.items() if entry in those)
                things[kind, entry.name] = Registered(entry, kinds, plugin, distribution, release)
        return things

    def _detecting(self) -> dict[tuple[str, str], Registered]:
        """Estimators as detectors, where they are none on their own."""
        entries = {name: thing.entry for name, thing in self._of_kind("trace").items()}
        traces = {name: e for name, e in entries.items() if isinstance(e, TraceEntry)}
        derived = {}
        for name, thing in self._of_kind("estimator").items():
            entry = None if "detector" in thing.kinds else BeliefEntry.of(thing.entry, traces)
            if entry is not None:
                alike = entry.traces == thing.entry.traces
                kinds = ("detector", *thing.kinds) if alike else ("detector",)
                derived["detector", name] = replace(thing, entry=entry, kinds=kinds)
                if alike:  # one line in listings
                    self._things["estimator", name] = replace(thing, kinds=kinds)
        return derived

    def _of_kind(self, kind: str) -> dict[str, Registered]:
        return {name: thing for (k, name), thing in self._things.items() if k == kind}

    def _clash(self, kind: str, entry: Entry) -> Registered | None:
        """Models share one space of names; an attacker or operation is also a step's name."""
        for space in (MODEL_KINDS, ("attacker", "operation")):
            if kind in space:
                for k in space:
                    if (k, entry.name) in self._things:
                        return self._things[k, entry.name]
        return self._things.get((kind, entry.name))

    def all(self, kind: str) -> dict[str, Registered]:
        """Everything of a kind, by name, in order of registration; behind the detectors the
        estimators that are detectors by their beliefs."""
        derived = {name: thing for (k, name), thing in self._derived.items() if k == kind}
        return self._of_kind(kind) | derived

    def get(self, name: str, *kinds: str) -> Registered:
        """The entry of that name among these kinds, an estimator as what it is where it may be;
        raises UnknownName with what was meant."""
        for things in (self._things, self._derived):
            for kind in kinds:
                if (kind, name) in things:
                    return things[kind, name]
        raise self.unknown(" or ".join(kinds), name, [n for k in kinds for n in self.all(k)])

    def unknown(self, what: str, name: str, known: Iterable[str]) -> UnknownName:
        """`errors.unknown`; where plugins are broken, with the one whose source has the name, or
        all of them."""
        broken = [p for p in self.plugins if p.error]
        for plugin in broken:
            if name == plugin.name or any(_quotes(path, name) for path in _sources(plugin)):
                return UnknownName(
                    f"no {what} is called {name!r}, as its plugin {plugin.name} is broken: "
                    f"{plugin.error}"
                )
        error = unknown(what, name, known)
        if not broken:
            return error
        said = ", ".join(f"{plugin.name} ({plugin.error})" for plugin in broken)
        return UnknownName(f"{error} (or it is of a broken plugin: {said})")


def _sources(plugin: Plugin) -> Iterable[Path]:
    spec = importlib.util.find_spec(plugin.package)
    if spec is None or not spec.origin:
        return ()
    file = Path(spec.origin)
    return file.parent.rglob("*.py") if spec.submodule_search_locations else (file,)


def _quotes(path: Path, name: str) -> bool:
    text = path.read_text(errors="replace")
    return f'"{name}"' in text or f"'{name}'" in text


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        raise ForensicsError(
            f"{distribution} is not installed: run `pip install -r requirements.txt`"
        ) from None


@functools.cache
def registry() -> Registry:
    """The registry of this process, made at first use."""
    return Registry(entry_points(group=GROUP))


def package_folder(package: str) -> Path | None:
    """Where an import package lies; None where there is none, or it is a single module."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0])


def check_editable(package: Path, option: str) -> None:
    """Raises ForensicsError where the package in this folder is an installed copy, or may not be
    written to. option: what wants to write into a plugin's source."""
    # An installer lists the files that it copied, wherever it put them; of an editable package it
    # copies none.
    records = [path.read_text() for path in package.parent.glob("*.dist-info/RECORD")]
    copied = any(f"{package.name}/" in record for record in records)
    if copied or not os.access(package, os.W_OK):
        raise ForensicsError(
            f"{option} writes into a plugin's source, but {package} is an installed copy: "
            f"install the plugin with `pip install -e`, or leave {option} out"
        )
