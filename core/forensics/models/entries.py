"""What a plugin registers: entries, which name a thing and say where its class lies, as text.

Nothing here imports torch."""

from __future__ import annotations

import importlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from forensics.errors import ForensicsError
from forensics.models.interfaces import Needs

_NAME = re.compile(r"[A-Za-z][\w-]*")
_NUMBER = r"-?\d+(?:\.\d+)?"
_POINT = rf"\w+={_NUMBER}(?:\.\.{_NUMBER})?"
_JUDGED = re.compile(rf"(?P<trace>[\w-]+)(\[(?P<points>{_POINT}(, *{_POINT})*)\])?")

Range = tuple[int | float, int | float]


def parse_trace(declared: str) -> tuple[str, dict[str, Range]]:
    """`"djpeg[q1=60, q2=88..92]"` as the trace's name and the least and greatest values that a
    model is restricted to."""
    match = _JUDGED.fullmatch(declared)
    if match is None:
        raise ForensicsError(
            f"a model's trace is written djpeg, djpeg[q2=90] or djpeg[q2=88..92], not {declared!r}"
        )
    pairs = (item.partition("=") for item in (match["points"] or "").split(",") if item)
    texts = ((name.strip(), value.partition("..")) for name, _, value in pairs)
    ranges = {name: (number(low), number(high or low)) for name, (low, _, high) in texts}
    if any(low > high for low, high in ranges.values()):
        raise ForensicsError(f"{declared!r} has a range whose end lies before its beginning")
    return match["trace"], ranges


def number(text: str) -> int | float:
    """A whole number, or else a real one. Raises ValueError for anything else, infinity too."""
    try:
        return int(text)
    except ValueError:
        value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no finite number")
    return value


@dataclass(frozen=True)
class Entry:
    """One registered thing. factory: `"module:attribute"`, imported at first use;
    options: what may follow the name as `name:key=value`, each with a word on it."""

    name: str
    factory: str
    summary: str
    paper: str = ""
    options: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise ForensicsError(f"a name is letters, digits, _ and -, not {self.name!r}")

    @property
    def package(self) -> str:
        """The import package that brings it, or the name of a single module."""
        return self.factory.partition(":")[0].partition(".")[0]

    def load(self) -> Any:
        """The factory itself; imports its module."""
        module, _, attribute = self.factory.partition(":")
        return getattr(importlib.import_module(module), attribute)


@dataclass(frozen=True)
class ModelEntry(Entry):
    """A detector, estimator, localizer or attacker.

    traces: the traces it judges, each optionally with restricted points: `"djpeg[q2=90]"`,
        `"djpeg[q2=88..92]"`; an attacker leaves it empty, for its place is the slot of every trace.
    needs: what it asks of its input.
    card: where its weights and their cards lie, `"package:folder"`; None = needs no training.
    parts: the weight files in that folder, without suffix, one for each network of the model.
    weights_of: the name of the model whose weights these are, where it has none of its own.
    seconds: a gray patch of 128 x 128 takes on two CPU cores, for `--plan`.
    """

    traces: tuple[str, ...] = ()
    needs: Needs = field(default_factory=Needs)
    card: str | None = None
    parts: tuple[str, ...] = ()
    weights_of: str = ""
    seconds: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.traces, str):
            raise ForensicsError(f"the traces of {self.name} are a tuple of names, not a text")
        for declared in self.traces:
            parse_trace(declared)


@dataclass(frozen=True)
class RecipeEntry(Entry):
    """A recipe whose name is not that of its model, as one model's parts may be trained in several
    ways. model: the name of the model whose part it makes."""

    model: str = ""
