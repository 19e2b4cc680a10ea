"""Double JPEGs whose first table need not be libjpeg's."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from forensics.jpeg import ZIGZAG
from forensics.traces.draws import Draw
from forensics.traces.trace import Target, Trace, points_of
from forensics_q1cnn import tables


@dataclass(frozen=True)
class _Step:
    """A first luma step, by its place in zig-zag order counted from 1."""

    number: int

    def __call__(self, side: str, values: Mapping[str, Tensor]) -> Tensor:
        made = tables.tables(values["t"], 1)
        return made.flatten(1)[:, ZIGZAG[self.number - 1]]


_NAMED = range(tables.FIRST_NAMED, tables.FIRST_NAMED + len(tables.NAMED))

_POINTS = points_of(t=tuple(_NAMED), u=(90,))
_STEPS = tuple(
    Target(f"step{i}", "step", "first luma step, zig-zag", derive=_Step(i)) for i in range(1, 16)
)

Q1_TABLES = Trace(
    "q1-tables",
    (("altered", "qtable({t}) ATTACK crop({r},{c}) qtable({u})"),),
    _POINTS,
    "jpeg",
    (*_STEPS, Target("r", "class", "pixels"), Target("c", "class", "pixels")),
    (Draw(("r", "c"), tuple(itertools.product(range(8), range(8)))),),
)
Q1_TABLES_ALIGNED = Trace(
    "q1-tables-aligned",
    (("altered", "qtable({t}) ATTACK qtable({u})"),),
    _POINTS,
    "jpeg",
    _STEPS,
)
