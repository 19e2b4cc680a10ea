"""Processing histories: operations in a row, as a text that parses back.

    jpeg({q1}) ATTACK crop({r},{c}) jpeg({q2})

`{name}` is a parameter, `ATTACK` a slot that holds an attacker or nothing. A step may hold a
history: `maybe(0.5,median(3))`, `splice(jpeg(60) crop(3,5),donor=1)`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.histories import grammar
from forensics.histories.operations.chain import Chain, apart
from forensics.models.interfaces import Attacker, Operation
from forensics.models.registry import Registered, registry
from forensics.models.selection import Model, parse_options, parse_value

SLOT = "ATTACK"
_PARAMETER = re.compile(r"\{([A-Za-z]\w*)\}")


@dataclass(frozen=True)
class Parameter:
    """A value that is not known yet, written `{name}`."""

    name: str


@dataclass(frozen=True)
class Step:
    """One step as it was written: a name and arguments, each a value, a parameter or, where the
    step holds one, a history. turn: how many equal steps stand before it; place: how many of its
    name. By these, steps of one history draw independently, and a step that stands on several sides
    of a trace draws the same there."""

    name: str
    arguments: tuple[tuple[str, Any], ...] = ()
    options: tuple[tuple[str, Any], ...] = ()
    turn: int = 0
    place: int = 0

    @property
    def registered(self) -> Registered:
        """The operation or attacker of this name. Raises UnknownName for a name that nobody
        registered, and for a slot."""
        return registry().get(self.name, "operation", "attacker")

    @property
    def inner(self) -> History | None:
        """The history that this step holds."""
        return next((v for _, v in self.arguments if isinstance(v, History)), None)

    @property
    def parameters(self) -> tuple[str, ...]:
        found: list[str] = []
        for _, value in self.arguments:
            if isinstance(value, Parameter):
                found.append(value.name)
            elif isinstance(value, History):
                found += value.parameters
        return tuple(found)

    @property
    def geometric(self) -> bool:
        """Whether it moves pixels; see `Operation`."""
        factory = self.registered.entry.load()
        inside = self.inner
        return bool(factory.geometric) or (
            inside is not None and any(step.geometric for step in inside.steps)
        )

    @property
    def donors(self) -> int:
        """How many tiles of other photographs it takes a region from, for each patch."""
        factory = self.registered.entry.load()
        names = list(inspect.signature(factory).parameters)
        given = {k or names[i]: v for i, (k, v) in enumerate(self.arguments) if i < len(names)}
        donor = given.get("donor", 0) if "donor" in names else None
        own = donor + 1 if isinstance(donor, int) else 0
        return max(own, self.inner.donors if self.inner else 0)

    def text(self, values: Mapping[str, Any] | None = None) -> str:
        """The step as text, with these parameters replaced by their values."""
        if self.options:
            return str(Model(registry().get(self.name, "attacker"), self.options))
        given = values or {}
        words = []
        for keyword, value in self.arguments:
            if isinstance(value, Parameter):
                value = given.get(value.name, "{" + value.name + "}")
            elif isinstance(value, History):
                value = value.text(values)
            if isinstance(value, bool):
                value = str(value).lower()
            words.append(f"{keyword}={value}" if keyword else str(value))
        return f"{self.name}({','.join(words)})" if words else self.name

    def apply(self, batch: Batch, values: Mapping[str, Any]) -> Batch:
        """The batch after this step."""
        return self.drawing(self.bind(values).apply, batch)

    def drawing(self, act: Callable[[Batch], Batch], batch: Batch) -> Batch:
        """`act`, which draws by the batch's keys, with the keys of this step's place."""
        return act(batch) if not self.place else apart(act, batch, f"{self.name} {self.place}")

    def bind(self, values: Mapping[str, Any]) -> Operation:
        """The operation, with every parameter replaced by its number or int64 tensor `[N]`."""
        found = self.registered
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
        factory = found.entry.load()
        positional, named = [], {}
        for keyword, value in self.arguments:
            if isinstance(value, Parameter):
                value = values[value.name]
            elif isinstance(value, History):
                value = self._chain(value, values)
            if keyword:
                named[keyword] = value
            else:
                positional.append(value)
        if factory.holds_history and self.inner is None:
            named["history"] = self._chain(History(), values)
        try:
            inspect.signature(factory).bind(*positional, **named)
        except TypeError as error:
            wanted = ", ".join(inspect.signature(factory).parameters)
            raise ForensicsError(f"{self.text()}: {error}; write {self.name}({wanted})") from None
        operation = factory(*positional, **named)
        assert isinstance(operation, Operation)
        return operation

    def _chain(self, history: History, values: Mapping[str, Any]) -> Chain:
        # Parameters stay open in the name, so that what is drawn is the same at all points.
        stream = f"{self.text()} {self.turn}"
        return Chain(tuple(step.bind(values) for step in history.steps), stream)


@dataclass(frozen=True)
class History:
    """Steps in order. `str(history)` parses back to an equal history."""

    steps: tuple[Step, ...] = ()

    @classmethod
    def parse(cls, text: str) -> History:
        """Raises ForensicsError where the text is no history, UnknownName for a step that is not
        registered."""
        return cls._of(grammar.Piece(text, 0, len(text)))

    @classmethod
    def _of(cls, piece: grammar.Piece) -> History:
        steps: list[Step] = []
        for written in grammar.steps(piece):
            step = _step(written)
            turn = sum(replace(s, turn=0, place=0) == step for s in steps)
            steps.append(replace(step, turn=turn, place=_place(step.name, steps)))
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
    def donors(self) -> int:
        """How many tiles of other photographs each patch needs; see `Batch.donors`."""
        return max((step.donors for step in self.steps if step.name != SLOT), default=0)

    @property
    def has_slot(self) -> bool:
        return any(step.name == SLOT for step in self.steps)

    def all_steps(self) -> Iterator[Step]:
        """All steps, also those inside of steps, without slots."""
        for step in self.steps:
            if step.name != SLOT:
                yield step
            if step.inner is not None:
                yield from step.inner.all_steps()

    def fill(self, attacker: Step | None) -> History:
        """The history with the slot filled, or left out."""
        filled: list[Step] = []
        for step in self.steps:
            if step.name != SLOT:
                filled.append(step)
            elif attacker is not None:
                filled.append(replace(attacker, place=_place(attacker.name, filled)))
        return History(tuple(filled))

    def apply(self, batch: Batch, values: Mapping[str, Any] | None = None) -> Batch:
        """The batch after every step."""
        for step in self.steps:
            batch = step.apply(batch, values or {})
        return batch


def _place(name: str, before: Sequence[Step]) -> int:
    return sum(step.name == name for step in before)


def _step(written: grammar.Written) -> Step:
    name, text = written.name, str(written.piece)
    if name == SLOT:
        if text != SLOT:
            raise ForensicsError(f"{text}: {SLOT} is a place and takes no arguments")
        return Step(SLOT)
    found = registry().get(name, "operation", "attacker")
    options = parse_options(written.options) if written.options else ()
    if options and "attacker" not in found.kinds:
        raise ForensicsError(f"{text}: {name} takes its arguments in parentheses")
    arguments = written.arguments or ()
    held = _held(found.entry.load(), arguments) if "operation" in found.kinds else None
    return Step(
        name,
        tuple((a.keyword, _inner(name, a) if a is held else _value(a)) for a in arguments),
        options,
    )


def _held(
    factory: type[Operation], arguments: tuple[grammar.Argument, ...]
) -> grammar.Argument | None:
    """The argument that is a history, where the operation holds one."""
    if not factory.holds_history:
        return None
    place = list(inspect.signature(factory).parameters).index("history")
    named = [a for a in arguments if a.keyword == "history"]
    placed = [a for a in arguments[place : place + 1] if not a.keyword]
    return next(iter(named + placed), None)


def _inner(name: str, argument: grammar.Argument) -> History:
    history = History._of(argument.value)
    if history.has_slot:
        raise argument.value.error(f"{SLOT} has no place inside {name}(...)")
    return history


def _value(argument: grammar.Argument) -> Any:
    value = str(argument.value)
    parameter = _PARAMETER.fullmatch(value)
    if parameter:
        return Parameter(parameter[1])
    if "(" in value:
        raise argument.value.error(f"{value!r} stands where a value is wanted")
    # YAML 1.1 reads 4:2:0 as a number in base 60; a chroma sampling is a text.
    return value if ":" in value else parse_value(value)
