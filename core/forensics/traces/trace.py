"""Traces: which histories a detector has to tell apart, at which points.

A trace names its histories, the points of its gridded parameters, the draws of the others, what
a model is shown and the targets. All sides are made from the same photographs, at the same
positions, with the same draws. The points of a paper stand in the experiments of its plugin.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import Tensor

from forensics.batch import GRID
from forensics.errors import ForensicsError
from forensics.histories.history import SLOT, History, Step
from forensics.models.registry import registry
from forensics.traces.draws import Draw, Number, column

Grid = tuple[tuple[tuple[str, Number], ...], ...]

# Pixels around a patch that every slot has room for, filled or empty, so that the places of the
# patches do not depend on who attacks. Where later steps need more than half of them, an attacker
# gets half of them around that (`slot_side`).
SLOT_MARGIN = 32


@dataclass(frozen=True)
class Target:
    """What an estimator is asked for. tolerance: the error that still counts as right; none: the
    value on the pristine side, if it has one; classes: words for the classes 0, 1, .. of kind
    "class"; derive: (side, values of the parameters) -> values, where the truth is not the
    parameter of the target's name."""

    name: str
    kind: Literal["class", "step", "real"]
    unit: str
    tolerance: float = 0.0
    none: float | None = None
    classes: tuple[str, ...] = ()
    derive: Callable[[str, Mapping[str, Tensor]], Tensor] | None = None


@dataclass(frozen=True)
class Trace:
    """A choice between histories. histories: by name, the pristine one first; grid: the points
    that a run takes unless it sets others, at most 3; input: what a model is shown."""

    name: str
    histories: tuple[tuple[str, str], ...]
    grid: Grid
    input: Literal["pixels", "jpeg"]
    targets: tuple[Target, ...] = ()
    draws: tuple[Draw, ...] = field(default=())

    def history(self, side: str) -> History:
        """One side, `"pristine"` or `"altered"`, as a history with its slot."""
        return History.parse(dict(self.histories)[side])

    @property
    def sides(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.histories)

    @property
    def donors(self) -> int:
        """How many other photographs the regions of a patch come from."""
        return max(self.history(side).donors for side in self.sides)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The gridded parameters, sorted by name."""
        drawn = {name for draw in self.draws for name in draw.names}
        named = (p for side in self.sides for p in self.history(side).parameters)
        return tuple(sorted({p for p in named if p not in drawn}))

    def points(
        self, settings: Mapping[str, Sequence[Number]] | None = None
    ) -> list[dict[str, Number]]:
        """The points of the grid; `settings` replaces the values of single parameters. Raises
        ForensicsError for a value that a step of the histories does not take."""
        chosen = {k: v for k, v in (settings or {}).items() if k in self.parameters}
        kept = [tuple((k, v) for k, v in p if k not in chosen) for p in self.grid]
        varied = [
            tuple(zip(chosen, values, strict=True))
            for values in itertools.product(*chosen.values())
        ]
        points = [dict(sorted(a + b)) for a in dict.fromkeys(kept) for b in varied]
        drawn = {name: values[0].item() for name, values in self.choices().items()}
        for point in points:
            for side in self.sides:
                for step in self.history(side).fill(None).steps:
                    step.bind(drawn | point)
        return points

    def drawn(self, keys: Tensor) -> dict[str, Tensor]:
        """The drawn parameters of patches, `[N]` each."""
        values: dict[str, Tensor] = {}
        for draw in self.draws:
            values.update(draw.values(keys))
        return values

    def choices(self) -> dict[str, Tensor]:
        """Every value that the drawn parameters may get, `[choices]` each; of a range some."""
        return {name: values for draw in self.draws for name, values in draw.columns.items()}

    def redrawn(self, draws: Sequence[Draw]) -> Trace:
        """The trace with these draws in place of its grid and of its own draws of the same names.

        Raises ForensicsError unless each parameter without a draw of the trace's own is drawn
        once, and where only a part of what the trace draws together is replaced.
        """
        names = [name for draw in draws for name in draw.names]
        kept = tuple(draw for draw in self.draws if not set(draw.names) & set(names))
        for draw in self.draws:
            if draw not in kept and not set(draw.names) <= set(names):
                raise ForensicsError(
                    f"{self.name} draws {', '.join(draw.names)} together; a recipe replaces all "
                    "of them or none"
                )
        wanted = replace(self, draws=kept).parameters
        if sorted(names) != list(wanted):
            raise ForensicsError(
                f"a recipe of {self.name} draws {', '.join(wanted) or 'nothing'}, "
                f"not {', '.join(names) or 'nothing'}"
            )
        return replace(self, grid=(), draws=(*kept, *draws))

    def answers(self, side: str, values: Mapping[str, Any], count: int) -> dict[str, Tensor]:
        """The ground truth of `count` patches of one side by target, float64 `[count]`. values: of
        every parameter, numbers or tensors `[count]`. On the pristine side it is `Target.none`;
        targets without one are left out there."""
        wide = {
            name: value if isinstance(value, Tensor) else column((value,) * count)
            for name, value in values.items()
        }
        found: dict[str, Tensor] = {}
        for target in self.targets:
            if side != "pristine":
                value = target.derive(side, wide) if target.derive else wide[target.name]
                found[target.name] = value.to(torch.float64).expand(count)
            elif target.none is not None:
                found[target.name] = torch.full((count,), target.none, dtype=torch.float64)
        return found

    def margin(
        self,
        color: bool,
        patch: int,
        values: Mapping[str, Sequence[Number]] | None = None,
        slot: bool = True,
    ) -> int:
        """Pixels of the tile on each side of a patch of this side: what the histories need at
        every point of the grid and at every one of `values`, and what a slot gives an attacker.

        values: of parameters, those that a run sets or a training draws. They fix the margin, and
        nothing else that runs does: a run that sets a value beyond the grid has larger tiles,
        whose patches lie at other positions, than one that does not. Raises ForensicsError where a
        value is out of its operation's domain."""
        every = [dict(point) for point in self.grid]
        known: dict[str, Any] = {
            name: column([p[name] for p in every] + list((values or {}).get(name, ())))
            for name in self.parameters
        }
        known |= self.choices()
        widest = max(self._tile(self.history(s), patch, known, color, slot) for s in self.sides)
        return -(-(widest - patch) // (2 * GRID)) * GRID

    @staticmethod
    def _tile(
        history: History, patch: int, values: Mapping[str, Any], color: bool, slot: bool
    ) -> int:
        """The side of the tile that a patch needs, from the last step back to the first."""
        side = patch
        for step in reversed(history.steps):
            if step.name != SLOT:
                side = square_before(step, values, side, patch, color)
            elif slot:
                side = slot_side(side, patch)
        return side


def square_before(step: Step, values: Mapping[str, Any], side: int, patch: int, color: bool) -> int:
    """`Operation.square_before` at all values of a step's parameters, numbers or one tensor each.
    As many values belong together; of other counts every one is met with every other."""
    own = {n: values[n] for n in step.parameters if isinstance(values.get(n), Tensor)}
    counts = sorted({len(column) for column in own.values()})
    turns = torch.meshgrid(*map(torch.arange, counts), indexing="ij") if counts else ()
    index = dict(zip(counts, turns, strict=True))
    every = {name: column[index[len(column)].flatten()] for name, column in own.items()}
    return step.bind({**values, **every}).square_before(side, patch, color)


def slot_side(side: int, patch: int) -> int:
    """The side of the tile that an attacker gets, where later steps need a square of this side
    around a patch: SLOT_MARGIN pixels around the patch or, where that is more, half of it around
    what later steps need. A function of the steps after the slot alone, and the same for most."""
    needed = -(-(side - patch) // (2 * GRID)) * GRID
    return patch + 2 * max(SLOT_MARGIN, needed + SLOT_MARGIN // 2)


@functools.cache
def get(name: str) -> Trace:
    """A registered trace. Raises UnknownName."""
    found = registry().get(name, "trace").entry.load()
    assert isinstance(found, Trace)
    return found


def points_of(**values: Sequence[Number]) -> Grid:
    """Every combination, the last named varying fastest."""
    return tuple(
        tuple(zip(values, point, strict=True)) for point in itertools.product(*values.values())
    )


def crossed(*grids: Grid) -> Grid:
    """Every point of each grid with every one of the others, the last varying fastest."""
    return tuple(tuple(itertools.chain(*those)) for those in itertools.product(*grids))
