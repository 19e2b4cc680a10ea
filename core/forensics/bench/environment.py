"""The environment of a run: what has to be the same in every process that works on its plan."""

from __future__ import annotations

import functools
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from forensics.bench import identity, sources
from forensics.bench.plan import Plan
from forensics.errors import UnknownName
from forensics.models import selection
from forensics.models.registry import MODEL_KINDS

_RELEASES = ("image-forensics", "torch", "numpy", "pillow", "scipy")


@dataclass(frozen=True)
class Environment:
    """What a plan depends on beside its photographs, as pairs: Python, a package, a model or a
    step, and its release or the hash of its sources and weights."""

    items: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, plan: Plan) -> Environment:
        """The environment of a plan in this process."""
        return cls(tuple((thing, _version(thing)) for thing in _things(plan)))


@functools.cache
def difference_here(wanted: Environment) -> str | None:
    """The first difference of this process, as `has kl ..., not ...`, or None. Versions are looked
    up once: code and weights are loaded once, too."""
    for thing, version_there in wanted.items:
        version_here = _remembered(thing)
        if version_here != version_there:
            return f"has {thing} {version_here}, not {version_there}"
    return None


def _things(plan: Plan) -> Iterator[str]:
    yield from ("Python", *_RELEASES, "core")
    models = {str(m): None for c in plan.cells for m in (c.model, c.attacker) if m is not None}
    yield from models
    steps = {s: None for p in plan.conditions.values() for s in p.template.all_steps()}
    for step in steps:
        registered = step.registered
        if "attacker" in registered.kinds:
            yield step.text()
        elif registered.entry.package != "forensics":
            yield f"source {registered.entry.module}"


def _version(thing: str) -> str:
    if thing == "Python":
        return ".".join(platform.python_version_tuple()[:2])
    if thing == "core":
        return identity.core()
    if thing.startswith("source "):
        return sources.of_module(thing.removeprefix("source "))
    try:
        if thing in _RELEASES:
            return version(thing)
        model = selection.model(thing, *MODEL_KINDS)
        return f"{model.registered.version} ({identity.model(model)})"
    except (PackageNotFoundError, UnknownName):
        return "nowhere"


_remembered = functools.cache(_version)
