"""Traces: which histories a detector has to tell apart, at which points.

A trace names its histories, the grids of its gridded parameters, the draws of the others, what a
model is handed and the truth. All sides are made from the same photographs, at the same places,
with the same draws.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

from forensics import random
from forensics.errors import ForensicsError
from forensics.histories import History
from forensics.interfaces import Operation
from forensics.registry import registry

Point = Mapping[str, int | float]

# Pixels around a patch that every slot gives an attacker, filled or empty, so that the places of
# the patches do not depend on who attacks. Wider than the receptive field of the attackers here.
SLOT_MARGIN = 32
# Patch corners lie on multiples of this: the grid of 4:2:0 JPEGs.
_ALIGN = 16


@dataclass(frozen=True)
class Draw:
    """Parameters that get one joint value a patch, uniformly from `choices`."""

    names: tuple[str, ...]
    choices: tuple[tuple[int, ...], ...]

    def values(self, keys: Tensor) -> dict[str, Tensor]:
        """int64 `[N]` for each name; a function of the patches' keys and the names alone."""
        index = random.integers(keys, ",".join(self.names), len(self.choices))
        table = index.new_tensor(self.choices)
        return dict(zip(self.names, table[index].unbind(1), strict=True))


@dataclass(frozen=True)
class Truth:
    """What an estimator is asked for. tolerance: how far off still counts as right; none: the
    value that stands for 'not there'."""

    name: str
    kind: Literal["class", "step", "real"]
    unit: str
    tolerance: float = 0.0
    none: float | None = None


@dataclass(frozen=True)
class Trace:
    """A choice between histories. histories: by name, the pristine one first; grids: by name,
    the points of each; handed: what the door gives to models."""

    name: str
    summary: str
    histories: tuple[tuple[str, str], ...]
    grids: tuple[tuple[str, tuple[tuple[tuple[str, int], ...], ...]], ...]
    handed: Literal["pixels", "jpeg"]
    truth: tuple[Truth, ...] = ()
    draws: tuple[Draw, ...] = field(default=())

    def history(self, side: str) -> History:
        """One side, `"pristine"` or `"altered"`, as a history with its slot."""
        return History.parse(dict(self.histories)[side])

    @property
    def sides(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.histories)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The gridded parameters, in the order of the histories."""
        drawn = {name for draw in self.draws for name in draw.names}
        named = (p for side in self.sides for p in self.history(side).parameters)
        return tuple(sorted({p for p in named if p not in drawn}))

    def points(
        self, grid: str = "quick", settings: Mapping[str, Sequence[int]] | None = None
    ) -> list[dict[str, int]]:
        """The points of a grid; `settings` replaces the values of single parameters. Raises
        ForensicsError for a grid that the trace does not have, and for a value that a step of
        its histories does not take."""
        grids = dict(self.grids)
        if grid not in grids:
            raise ForensicsError(f"trace {self.name} has the grids {', '.join(grids)}, not {grid}")
        chosen = {k: v for k, v in (settings or {}).items() if k in self.parameters}
        kept = [tuple((k, v) for k, v in p if k not in chosen) for p in grids[grid]]
        varied = [
            tuple(zip(chosen, values, strict=True))
            for values in itertools.product(*chosen.values())
        ]
        points = [dict(sorted(a + b)) for a in dict.fromkeys(kept) for b in varied]
        for point in points:
            for side in self.sides:
                self._operations(side, point)
        return points

    def _operations(self, side: str, point: Point) -> list[Operation]:
        """One side's steps at a point, the slot left out and what is drawn at 0."""
        history = self.history(side).fill(None)
        values = {name: point.get(name, 0) for name in history.parameters}
        return [step.bind(values) for step in history.steps]

    def drawn(self, keys: Tensor) -> dict[str, Tensor]:
        """The drawn parameters of patches, int64 `[N]` each."""
        values: dict[str, Tensor] = {}
        for draw in self.draws:
            values.update(draw.values(keys))
        return values

    def lead(self, color: bool, slot: bool = True) -> int:
        """Pixels of the tile on each side of the patch, from the trace's own declaration: what
        the border rules of its steps can reach, and what a slot gives an attacker."""
        widest = 0
        for side in self.sides:
            first = self.points()[0]
            margins = [step.margin(color) for step in self._operations(side, first)]
            if slot and self.history(side).has_slot:
                margins.append(SLOT_MARGIN)
            widest = max(widest, sum(margins))
        return -(-widest // _ALIGN) * _ALIGN


_RESTRICTED = re.compile(r"(?P<trace>[\w-]+)(\[(?P<points>\w+=\d+(, *\w+=\d+)*)\])?")


def judged(declared: str) -> tuple[str, dict[str, int]]:
    """`"djpeg[q2=90]"` as the trace's name and the values that a model is restricted to."""
    match = _RESTRICTED.fullmatch(declared)
    if match is None:
        raise ForensicsError(f"a model's trace is written djpeg or djpeg[q2=90], not {declared!r}")
    pairs = (item.partition("=") for item in (match["points"] or "").split(",") if item)
    return match["trace"], {name.strip(): int(value) for name, _, value in pairs}


@functools.cache
def get(name: str) -> Trace:
    """A registered trace. Raises UnknownName."""
    found = registry().get(name, "trace").entry.load()
    assert isinstance(found, Trace)
    return found


def _grid(**values: Sequence[int]) -> tuple[tuple[tuple[str, int], ...], ...]:
    return tuple(
        tuple(zip(values, point, strict=True)) for point in itertools.product(*values.values())
    )


_OFFSETS = Draw(("r", "c"), tuple(p for p in itertools.product(range(8), range(8)) if any(p)))
_FIRST = (Truth("q1", "step", "JPEG quality"),)
_QUALITIES = (50, 60, 70, 80, 90)
_DOUBLE = (
    ("quick", _grid(q1=(60, 80), q2=(95,)) + _grid(q1=(60,), q2=(75,))),
    ("paper", _grid(q1=_QUALITIES, q2=(75, 85, 95))),
)

JPEG = Trace(
    "jpeg",
    "was it JPEG-compressed before it was saved without loss?",
    (("pristine", ""), ("altered", "jpeg({q}) ATTACK")),
    (("quick", _grid(q=(60, 80, 90))), ("paper", _grid(q=_QUALITIES))),
    "pixels",
    (Truth("q", "step", "JPEG quality"),),
)
DJPEG = Trace(
    "djpeg",
    "was this JPEG a JPEG before, on the same grid?",
    (("pristine", "jpeg({q2})"), ("altered", "jpeg({q1}) ATTACK jpeg({q2})")),
    _DOUBLE,
    "jpeg",
    _FIRST,
)
DJPEG_SHIFTED = Trace(
    "djpeg-shifted",
    "was this JPEG a JPEG before, on another grid?",
    (
        ("pristine", "crop({r},{c}) jpeg({q2})"),
        ("altered", "jpeg({q1}) ATTACK crop({r},{c}) jpeg({q2})"),
    ),
    _DOUBLE,
    "jpeg",
    _FIRST,
    (_OFFSETS,),
)
