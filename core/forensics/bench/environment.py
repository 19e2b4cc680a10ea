"""What must be the same in every process that works on a plan, and whether it is."""

from __future__ import annotations

import functools
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from forensics.bench import identity
from forensics.bench.plan import Plan
from forensics.errors import UnknownName
from forensics.models import selection
from forensics.models.registry import MODEL_KINDS

_RELEASES = ("image-forensics", "torch", "numpy", "pillow", "scipy")


@dataclass(frozen=True)
class Sameness:
    """What a plan depends on beside its photographs: the thing -> its release or a hash of its
    sources (and weights), as pairs."""

    items: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, plan: Plan) -> Sameness:
        """As it is in this process."""
        return cls(tuple((thing, _found(thing)) for thing in _things(plan)))


@functools.cache
def other_here(same: Sameness) -> str | None:
    """The first thing that this process has otherwise, as `has kl ..., not ...`; None where there
    is none. What was found once is remembered: code and weights are loaded once, too."""
    for thing, wanted in same.items:
        found = _remembered(thing)
        if found != wanted:
            return f"has {thing} {found}, not {wanted}"
    return None


def _things(plan: Plan) -> Iterator[str]:
    yield from ("Python", *_RELEASES, "core")
    models = {str(m): None for c in plan.cells for m in (c.model, c.attacker) if m is not None}
    yield from models
    steps = {s: None for p in plan.conditions.values() for s in p.template.all_steps()}
    for step in steps:
        found = step.registered
        if "attacker" in found.kinds:
            yield step.text()
        elif found.entry.package != "forensics":
            yield f"package {found.entry.package}"


def _found(thing: str) -> str:
    if thing == "Python":
        return ".".join(platform.python_version_tuple()[:2])
    if thing == "core":
        return identity.core()
    if thing.startswith("package "):
        return identity.package(thing.removeprefix("package "))
    try:
        if thing in _RELEASES:
            return version(thing)
        model = selection.model(thing, *MODEL_KINDS)
        return f"{model.registered.version} ({identity.model(model)})"
    except (PackageNotFoundError, UnknownName):
        return "nowhere"


_remembered = functools.cache(_found)
