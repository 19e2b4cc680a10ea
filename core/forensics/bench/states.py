"""The states of patches of one photograph, over all traces of a run: each made once, and no further
around the patches than later steps need.

A state is what is left of the tiles after the first steps of a history. Two conditions share it
where these steps, with their values, draws and donors, are the same, whatever their traces. It
reaches as far around the patches as the neediest of them asks for, which changes no pixel that the
others need (`Operation.side_before`). An attacker may look at everything that it is given, so
how far that reaches is fixed by the steps after it (`trace.slot_side`), not by who shares it.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from torch import Tensor

from forensics.batch import GRID, Batch
from forensics.bench.conditions import Condition
from forensics.bench.inference import attacked
from forensics.errors import NotApplicable, told
from forensics.histories.history import SLOT, Step
from forensics.traces.trace import Trace, slot_side, square_before

# (trace, how far tiles reach around their patches, of how many other photographs) -> their tiles.
Donors = Callable[[Trace, int, int], Tensor | None]


@dataclass(frozen=True)
class Stage:
    """A step of a condition's history, and the state after it. key: the same for two states where
    they are the same but for how far they reach; name: the step as text, its gridded values filled
    in; before, after: how many pixels around the patch are needed of its input and of its output,
    multiples of GRID; attack: whether an attacker takes it."""

    key: str
    step: Step
    name: str
    before: int
    after: int
    attack: bool


@functools.lru_cache(maxsize=4096)
def stages(condition: Condition, patch: int, color: bool) -> tuple[Stage, ...]:
    """The steps of a condition's history, the first one first. patch: the side of the patches."""
    steps, point, trace = condition.history.steps, dict(condition.point), condition.trace
    # A slot is filled in its place.
    slot = next((n for n, s in enumerate(condition.template.steps) if s.name == SLOT), None)
    attack = slot if condition.attacker is not None else None
    values = point | trace.choices()
    # How many pixels each state needs on a side, exactly, from the last to the first.
    sides = [patch]
    for number, step in reversed(list(enumerate(steps))):
        if number == attack:
            sides[-1] = slot_side(sides[-1], patch)
            sides.append(sides[-1])
        else:
            sides.append(square_before(step, values, sides[-1], patch, color))
    around = [-(-(side - patch) // (2 * GRID)) * GRID for side in reversed(sides)]
    found: list[Stage] = []
    key = ""
    for number, step in enumerate(steps):
        name = step.text(point)
        key += f" {name}#{step.turn}.{step.place}"
        if step.inner is not None:
            key += step.text()  # what it draws by
        drawn = [d for d in trace.draws if set(d.names) & set(step.parameters)]
        key += "".join(f"~{d.names}{hash(d.choices):x}" for d in drawn)
        if number == attack:
            key += f"@{around[number]}"
        if step.donors:
            key += f"<{trace.name}"
        found.append(Stage(key, step, name, around[number], around[number + 1], number == attack))
    return tuple(found)


class States:
    """The states of some patches, through all their conditions.

    tiles: with `around` pixels around each patch, or one whole file (`Batch.window` is None), which
        is never cut.
    failures: what raised, by the text of the step, as `errors.told`; added to here.
    """

    def __init__(
        self,
        tiles: Batch,
        conditions: Iterable[Condition],
        patch: int,
        color: bool,
        failures: dict[str, str],
        donors: Donors | None = None,
    ) -> None:
        self.tiles, self.failures, self.donors = tiles, failures, donors
        self._stages = functools.partial(stages, patch=patch, color=color)
        self._drawn: dict[str, dict[str, Tensor]] = {}
        # A state is remembered while a condition still needs it.
        self._states: dict[str, Batch | NotApplicable] = {}
        self._uses: Counter[str] = Counter()
        self._before: Counter[str] = Counter()
        self._after: Counter[str] = Counter()
        for condition in conditions:
            for stage in self._stages(condition):
                self._uses[stage.key] += 1
                self._before[stage.key] = max(self._before[stage.key], stage.before)
                self._after[stage.key] = max(self._after[stage.key], stage.after)

    def after(self, condition: Condition, count: int | None = None) -> Batch | NotApplicable | None:
        """The state after so many steps of a condition's history, or after all; NotApplicable
        where a step cannot act; None where one raised."""
        taken = self._stages(condition)
        taken = taken if count is None else taken[:count]
        if not taken:
            return self.tiles
        stage = taken[-1]
        if stage.key not in self._states:
            before = self.after(condition, len(taken) - 1)
            if not isinstance(before, Batch):
                return before
            if stage.name in self.failures:
                return None
            try:
                self._states[stage.key] = self._made(condition, stage, before)
            except NotApplicable as error:
                self._states[stage.key] = error
            except Exception as error:
                self.failures[stage.name] = told(error)
                return None
        return self._states[stage.key]

    def _made(self, condition: Condition, stage: Stage, before: Batch) -> Batch:
        around = self._before[stage.key]
        before = narrowed(before, around)
        if stage.attack:
            return stage.step.drawing(functools.partial(attacked, stage.name), before)
        trace = condition.trace
        if stage.step.donors and self.donors is not None:
            before = replace(before, donors=self.donors(trace, around, stage.step.donors))
        if trace.name not in self._drawn:
            self._drawn[trace.name] = trace.drawn(self.tiles.keys)
        values = dict(condition.point) | self._drawn[trace.name]
        made = replace(stage.step.apply(before, values), donors=None)
        return narrowed(made, self._after[stage.key])

    def release(self, condition: Condition) -> None:
        """Forget the states that only this condition still needed."""
        for stage in self._stages(condition):
            self._uses[stage.key] -= 1
            if not self._uses[stage.key]:
                self._states.pop(stage.key, None)


def around(conditions: Iterable[Condition], patch: int, color: bool) -> int:
    """How many pixels around their patches the tiles need for all these conditions."""
    first = (stages(condition, patch, color)[:1] for condition in conditions)
    return max((stage.before for taken in first for stage in taken), default=0)


def narrowed(state: Batch, around: int) -> Batch:
    """The state cut to so many pixels around its patches: pixels, JPEG, mask and place in the
    photograph together. One that reaches no further, and a whole file, stays as it is."""
    if state.window is None or state.window[0] <= around:
        return state
    off = state.window[0] - around
    # A step that crops takes away from the end.
    height, width = (min(side - off, state.window[1] + 2 * around) for side in state.size)
    return state.cut(off, off, height, width)
