"""What parameters of histories are drawn from, one value a patch: lists of values, and ranges."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from forensics import random
from forensics.errors import ForensicsError

Number = int | float

# So many values stand for a range: in a validation, and where the widest tile is looked for.
_DEALT, _TRIED = 16, 181
_LISTED, _SHOWN = 5, 40


def column(values: Sequence[Number]) -> Tensor:
    """int64 where all values are whole numbers, else float64."""
    whole = all(isinstance(value, int) for value in values)
    return torch.tensor(values, dtype=torch.int64 if whole else torch.float64)


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


@dataclass(frozen=True)
class Draw:
    """Parameters that get one joint value a patch: one of `choices`, each a value for every name
    and all equally likely; or, of a single parameter, a value of a range."""

    names: tuple[str, ...]
    choices: tuple[tuple[Number, ...], ...] | Uniform

    @classmethod
    def of(cls, key: str | tuple[str, ...], given: object) -> Draw:
        """Raises ForensicsError where `given` is no choice of values for these names."""
        names = (key,) if isinstance(key, str) else key
        if isinstance(given, Uniform) and len(names) == 1:
            return cls(names, given)
        if not isinstance(given, Sequence) or isinstance(given, str):
            raise ForensicsError(
                f"{', '.join(names)} is drawn from a list of values, or alone from Uniform(low, "
                f"high) or LogUniform(low, high), not {given!r}"
            )
        rows = tuple(row if isinstance(row, tuple) else (row,) for row in given)
        if not rows or any(len(row) != len(names) for row in rows):
            raise ForensicsError(
                f"{', '.join(names)} is drawn from a range or from a list with "
                f"{'a value' if len(names) == 1 else f'{len(names)} values'} in each place"
            )
        return cls(names, rows)

    @functools.cached_property
    def columns(self) -> dict[str, Tensor]:
        """The values of each name, int64 or float64 `[choices]`; of a range some, the most
        demanding ones among them."""
        if isinstance(self.choices, Uniform):
            return {self.names[0]: self.choices.at(torch.linspace(0, 1, _TRIED))}
        columns = zip(*self.choices, strict=True)
        return {name: column(values) for name, values in zip(self.names, columns, strict=True)}

    def values(self, keys: Tensor) -> dict[str, Tensor]:
        """`[N]` for each name, int64 or float64, on the keys' device; a function of the int64 keys
        `[N]` and the names alone."""
        stream = ",".join(self.names)
        if isinstance(self.choices, Uniform):
            # Computed on the CPU, as logarithms differ between devices in their last bits.
            part = random.uniform(keys, stream).cpu()
            return {self.names[0]: self.choices.at(part).to(keys.device)}
        return self.chosen(random.integers(keys, stream, len(self.choices)))

    def in_turn(self, turns: Tensor, keys: Tensor) -> dict[str, Tensor]:
        """The choices one after the other, at these turns, int64 `[N]`; of a range, which has no
        first one, as `values`."""
        if isinstance(self.choices, Uniform):
            return self.values(keys)
        return self.chosen(turns % len(self.choices))

    def chosen(self, places: Tensor) -> dict[str, Tensor]:
        """The choices at these places."""
        return {name: column.to(places.device)[places] for name, column in self.columns.items()}

    def listed(self, count: int) -> Draw:
        """The same as a list: of a range, `count` values spread evenly over its draws."""
        if not isinstance(self.choices, Uniform):
            return self
        quantiles = (torch.arange(count, dtype=torch.float64) + 0.5) / count
        return Draw(self.names, tuple((v,) for v in self.choices.at(quantiles).tolist()))

    def __str__(self) -> str:
        if isinstance(self.choices, Uniform):
            how = "log-uniform" if isinstance(self.choices, LogUniform) else "uniform"
            return f"{self.names[0]} in {self.choices.low:g}..{self.choices.high:g} ({how})"
        rows = sorted(set(self.choices))
        if len(self.names) > 1:
            shown = ["(" + ", ".join(map(str, row)) + ")" for row in rows]
            rest = f" and {len(rows) - _LISTED} more" if len(rows) > _LISTED else ""
            return f"({', '.join(self.names)}) in {', '.join(shown[:_LISTED])}{rest}"
        values = [row[0] for row in rows]
        if len(values) > _LISTED and math.isclose(values[-1] - values[0] + 1, len(values)):
            listed = f"{values[0]}..{values[-1]}"
        elif len(values) > _SHOWN:
            listed = f"{len(values)} values of {values[0]}..{values[-1]}"
        else:
            listed = ", ".join(map(str, values))
        return f"{self.names[0]} in {listed}"


# By a parameter's name, or by several names for joint values: a range, the values, or tuples.
Draws = Mapping[str | tuple[str, ...], Uniform | Sequence[Number] | Sequence[tuple[Number, ...]]]


def parse(draws: Draws) -> tuple[Draw, ...]:
    """The draws of a recipe, checked. Raises ForensicsError."""
    return tuple(Draw.of(key, given) for key, given in draws.items())


def dealt(drawn: Sequence[Draw], count: int) -> dict[str, Tensor]:
    """Every combination in turn, `[count]` each, or, of too many, an even choice: each parameter
    goes evenly through its values, the later ones in an order of their own (a Latin hypercube,
    McKay, Beckman and Conover 1979)."""
    lists = [draw.listed(min(count, _DEALT)) for draw in drawn]
    sizes = [len(next(iter(draw.columns.values()))) for draw in lists]
    turn = torch.arange(count)
    values: dict[str, Tensor] = {}
    before = 1
    for number, (draw, size) in enumerate(zip(lists, sizes, strict=True)):
        if math.prod(sizes) <= count:
            values |= draw.chosen(turn // before % size)
        else:
            order = random.bits(turn, f"deal {','.join(draw.names)}").argsort().argsort()
            values |= draw.chosen((order if number else turn) * size // count)
        before *= size
    return values


def described(draws: Draws) -> str:
    """What is drawn, for a card: `q in 60, 70`, long ranges shortened."""
    return "; ".join(map(str, parse(draws)))
