"""What the parameters of a training's histories are drawn from."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from forensics import random
from forensics.errors import ForensicsError
from forensics.traces import trace as traces
from forensics.traces.trace import Number, Trace

# So many values stand for a range: in a validation, and where the widest tile is looked for.
_DEALT, _TRIED = 16, 181
_LISTED, _SHOWN = 5, 40


@dataclass(frozen=True)
class Uniform:
    """Real values, all equally likely from `low` to `high`."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ForensicsError(f"a range goes from a lower to a higher number, not {self}")

    def at(self, quantiles: Tensor) -> Tensor:
        """The values below which these parts of all draws lie, float64."""
        return self.low + (self.high - self.low) * quantiles.double()


@dataclass(frozen=True)
class LogUniform(Uniform):
    """Real values whose logarithms are equally likely, `low` above 0."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.low <= 0:
            raise ForensicsError(f"a range of logarithms begins above 0, not {self}")

    def at(self, quantiles: Tensor) -> Tensor:
        return self.low * torch.exp(math.log(self.high / self.low) * quantiles.double())


# By a parameter's name, or by several names for joint values: a range, the values, or tuples.
Draws = Mapping[str | tuple[str, ...], Uniform | Sequence[Number] | Sequence[tuple[Number, ...]]]


@dataclass(frozen=True, eq=False)
class Choice:
    """One drawn parameter, or several that are drawn together.

    columns: the values of each name, one tensor a name; a range has none.
    """

    names: tuple[str, ...]
    span: Uniform | None
    columns: tuple[Tensor, ...] = ()

    @classmethod
    def of(cls, key: str | tuple[str, ...], given: object) -> Choice:
        """Raises ForensicsError where `given` is no choice of values for these names."""
        names = (key,) if isinstance(key, str) else key
        if isinstance(given, Uniform) and len(names) == 1:
            return cls(names, given)
        rows = [row if isinstance(row, tuple) else (row,) for row in _values(names, given)]
        if not rows or any(len(row) != len(names) for row in rows):
            raise ForensicsError(
                f"{', '.join(names)} is drawn from a range or from a list with "
                f"{'a value' if len(names) == 1 else f'{len(names)} values'} in each place"
            )
        columns = tuple(traces.column(values) for values in zip(*rows, strict=True))
        return cls(names, None, columns)

    def drawn(self, keys: Tensor) -> dict[str, Tensor]:
        """A value for each of the int64 keys `[N]`, which lie on the CPU."""
        stream = f"draw {','.join(self.names)}"
        if self.span is not None:
            return {self.names[0]: self.span.at(random.uniform(keys, stream))}
        return self.chosen(random.integers(keys, stream, len(self.columns[0])))

    def in_turn(self, turns: Tensor, keys: Tensor) -> dict[str, Tensor]:
        """The values of a list, one after the other, at these turns, int64 `[N]`; of a range, which
        has no first one, as `drawn`."""
        if self.span is not None:
            return self.drawn(keys)
        return self.chosen(turns % len(self.columns[0]))

    def listed(self, count: int) -> Choice:
        """The same as a list: of a range, `count` values spread evenly over its draws."""
        if self.span is None:
            return self
        quantiles = (torch.arange(count, dtype=torch.float64) + 0.5) / count
        return Choice(self.names, None, (self.span.at(quantiles),))

    def chosen(self, places: Tensor) -> dict[str, Tensor]:
        """The values at these places of a list."""
        columns = zip(self.names, self.columns, strict=True)
        return {name: column[places] for name, column in columns}

    def tried(self) -> dict[str, list[Number]]:
        """Values of each name among which the most demanding ones are."""
        if self.span is not None:
            return {self.names[0]: self.span.at(torch.linspace(0, 1, _TRIED)).tolist()}
        return {n: c.tolist() for n, c in zip(self.names, self.columns, strict=True)}

    def __str__(self) -> str:
        if self.span is not None:
            how = "log-uniform" if isinstance(self.span, LogUniform) else "uniform"
            return f"{self.names[0]} in {self.span.low:g}..{self.span.high:g} ({how})"
        rows = sorted(set(zip(*(c.tolist() for c in self.columns), strict=True)))
        if len(self.names) > 1:
            shown = ["(" + ", ".join(map(str, row)) + ")" for row in rows]
            rest = f" and {len(rows) - _LISTED} more" if len(rows) > _LISTED else ""
            return f"({', '.join(self.names)}) in {', '.join(shown[:_LISTED])}{rest}"
        values = [row[0] for row in rows]
        whole = len(values) > _LISTED and math.isclose(values[-1] - values[0] + 1, len(values))
        if whole:
            listed = f"{values[0]}..{values[-1]}"
        elif len(values) > _SHOWN:
            listed = f"{len(values)} values of {values[0]}..{values[-1]}"
        else:
            listed = ", ".join(map(str, values))
        return f"{self.names[0]} in {listed}"


def _values(names: tuple[str, ...], given: object) -> Sequence[object]:
    if isinstance(given, Sequence) and not isinstance(given, str):
        return given
    raise ForensicsError(
        f"{', '.join(names)} is drawn from a list of values, or alone from Uniform(low, high) or "
        f"LogUniform(low, high), not {given!r}"
    )


def choices(draws: Draws) -> tuple[Choice, ...]:
    """The draws of a recipe, checked. Raises ForensicsError."""
    return tuple(Choice.of(key, given) for key, given in draws.items())


def narrowed(trace: Trace, drawn: Sequence[Choice]) -> Trace:
    """The trace with these draws in place of its grid and of its own draws of the same names.

    Raises ForensicsError unless each parameter without a draw of the trace's own is drawn once,
    and where only a part of what the trace draws together is replaced.
    """
    names = [name for choice in drawn for name in choice.names]
    kept = tuple(draw for draw in trace.draws if not set(draw.names) & set(names))
    for draw in trace.draws:
        if draw not in kept and not set(draw.names) <= set(names):
            raise ForensicsError(
                f"{trace.name} draws {', '.join(draw.names)} together; a recipe replaces all of "
                "them or none"
            )
    narrow = dataclasses.replace(trace, grid=(), draws=kept)
    if sorted(names) != list(narrow.parameters):
        raise ForensicsError(
            f"a recipe of {trace.name} draws {', '.join(narrow.parameters) or 'nothing'}, "
            f"not {', '.join(names) or 'nothing'}"
        )
    return narrow


def dealt(drawn: Sequence[Choice], count: int) -> dict[str, Tensor]:
    """Every combination in turn, `[count]` each, or, of too many, an even choice: each parameter
    goes evenly through its values, the later ones in an order of their own (a Latin hypercube,
    McKay, Beckman and Conover 1979)."""
    lists = [choice.listed(min(count, _DEALT)) for choice in drawn]
    sizes = [len(choice.columns[0]) for choice in lists]
    turn = torch.arange(count)
    values: dict[str, Tensor] = {}
    before = 1
    for number, (choice, size) in enumerate(zip(lists, sizes, strict=True)):
        if math.prod(sizes) <= count:
            values |= choice.chosen(turn // before % size)
        else:
            order = random.bits(turn, f"deal {','.join(choice.names)}").argsort().argsort()
            values |= choice.chosen((order if number else turn) * size // count)
        before *= size
    return values


def described(draws: Draws) -> str:
    """What is drawn, for a card: `q in 60, 70`, long ranges shortened."""
    return "; ".join(map(str, choices(draws)))
