"""Processing histories: operations in a row, as a text that parses back.

    jpeg({q1}) ATTACK crop({r},{c}) jpeg({q2})

`{name}` is a parameter, `ATTACK` a slot that holds an attacker or nothing.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.interfaces import Attacker, Operation
from forensics.registry import registry
from forensics.selection import Model, parse_options, parse_value

SLOT = "ATTACK"
_STEP = re.compile(r"(?P<name>[A-Za-z][\w-]*)(:(?P<options>[^()\s]+))?(\((?P<arguments>[^()]*)\))?")
_PARAMETER = re.compile(r"\{([A-Za-z]\w*)\}")


@dataclass(frozen=True)
class Parameter:
    """A value that is not known yet, written `{name}`."""

    name: str


@dataclass(frozen=True)
class Step:
    """One step as it was written: a name and arguments, values or parameters."""

    name: str
    arguments: tuple[tuple[str, Any], ...] = ()
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(v.name for _, v in self.arguments if isinstance(v, Parameter))

    @property
    def geometric(self) -> bool:
        """Whether it moves pixels; see `Operation`."""
        factory = registry().get(self.name, "operation", "attacker").entry.load()
        return bool(factory.geometric)

    def text(self, values: Mapping[str, Any] | None = None) -> str:
        """The step as text, with these parameters replaced by their values."""
        if self.options:
            return str(Model(registry().get(self.name, "attacker"), self.options))
        given = values or {}
        words = []
        for keyword, value in self.arguments:
            if isinstance(value, Parameter):
                value = given.get(value.name, "{" + value.name + "}")
            if isinstance(value, bool):
                value = str(value).lower()
            words.append(f"{keyword}={value}" if keyword else str(value))
        return f"{self.name}({','.join(words)})" if words else self.name

    def bind(self, values: Mapping[str, Any]) -> Operation:
        """The operation, with every parameter replaced by its number or int64 tensor `[N]`."""
        found = registry().get(self.name, "operation", "attacker")
        if "attacker" in found.kinds:
            if self.arguments:
                raise ForensicsError(
                    f"{self.name} is an attacker: options are written {self.name}:key=value"
                )
            attacker = Model(found, self.options).create()
            assert isinstance(attacker, Attacker)
            return attacker
        missing = [name for name in self.parameters if name not in values]
        if missing:
            raise ForensicsError(f"{self.text()} needs a value for {{{missing[0]}}}")
        positional, named = [], {}
        for keyword, value in self.arguments:
            value = values[value.name] if isinstance(value, Parameter) else value
            if keyword:
                named[keyword] = value
            else:
                positional.append(value)
        factory = found.entry.load()
        try:
            inspect.signature(factory).bind(*positional, **named)
        except TypeError as error:
            wanted = ", ".join(inspect.signature(factory).parameters)
            raise ForensicsError(f"{self.text()}: {error}; write {self.name}({wanted})") from None
        operation = factory(*positional, **named)
        assert isinstance(operation, Operation)
        return operation


@dataclass(frozen=True)
class History:
    """Steps in order. `str(history)` parses back to an equal history."""

    steps: tuple[Step, ...] = ()

    @classmethod
    def parse(cls, text: str) -> History:
        """Raises ForensicsError where the text is no history, UnknownName for a step that is not
        registered."""
        steps = []
        position, text = 0, text.strip()
        while position < len(text):
            match = _STEP.match(text, position)
            end = match.end() if match else position
            if match is None or (end < len(text) and not text[end].isspace()):
                raise ForensicsError(
                    f"{text!r} is not a history: cannot read {text[position:].split()[0]!r}; "
                    "write steps such as `jpeg(60) crop(3,5) jpeg(90)`"
                )
            steps.append(_step(match))
            position = end + len(text[end:]) - len(text[end:].lstrip())
        return cls(tuple(steps))

    def __str__(self) -> str:
        return self.text()

    def text(self, values: Mapping[str, Any] | None = None) -> str:
        """The history as text, with these parameters replaced by their values."""
        return " ".join(step.text(values) for step in self.steps)

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(p for step in self.steps for p in step.parameters))

    @property
    def has_slot(self) -> bool:
        return any(step.name == SLOT for step in self.steps)

    def fill(self, attacker: Step | None) -> History:
        """The history with the slot filled, or left out."""
        filled = (attacker if step.name == SLOT else step for step in self.steps)
        return History(tuple(step for step in filled if step is not None))

    def apply(self, batch: Batch, values: Mapping[str, Any] | None = None) -> Batch:
        """The batch after every step."""
        for step in self.steps:
            batch = step.bind(values or {}).apply(batch)
        return batch


def _step(match: re.Match[str]) -> Step:
    name = match["name"]
    if name == SLOT:
        if match.group() != SLOT:
            raise ForensicsError(f"{match.group()}: {SLOT} is a place and takes no arguments")
        return Step(SLOT)
    found = registry().get(name, "operation", "attacker")
    options = parse_options(match["options"]) if match["options"] else ()
    if options and "attacker" not in found.kinds:
        raise ForensicsError(f"{match.group()}: {name} takes its arguments in parentheses")
    arguments = []
    for word in (match["arguments"] or "").split(","):
        if not word.strip():
            continue
        keyword, equals, value = word.partition("=")
        keyword, value = (keyword.strip(), value.strip()) if equals else ("", word.strip())
        parameter = _PARAMETER.fullmatch(value)
        # YAML 1.1 reads 4:2:0 as a number in base 60; a chroma sampling is a text.
        plain = value if ":" in value else parse_value(value)
        arguments.append((keyword, Parameter(parameter[1]) if parameter else plain))
    return Step(name, tuple(arguments), options)
