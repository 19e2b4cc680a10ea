"""How long a training lasts, in seconds or in steps, and where in it one stands."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from forensics.errors import ForensicsError
from forensics.training.recipe import Phase, Progress

_BUDGET = re.compile(
    r"(?:(?P<h>\d+(?:\.\d+)?)h)?(?:(?P<m>\d+(?:\.\d+)?)m)?(?:(?P<s>\d+(?:\.\d+)?)s)?"
)
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0}


@dataclass(frozen=True)
class Budget:
    """seconds of wall time or a number of steps: exactly one of them. With steps, and on a CPU,
    the same seed gives the same run."""

    seconds: float | None = None
    steps: int | None = None

    @classmethod
    def of(cls, budget: str | float | None, steps: int | None) -> Budget:
        """From what a user gives: a budget such as `25m`, `90s`, `1h30m` or a number of seconds,
        or a number of steps. Raises ForensicsError unless it is one of them and positive."""
        if budget is not None and steps is not None:
            raise ForensicsError("give a budget or a number of steps, not both")
        if steps is not None:
            if steps < 1:
                raise ForensicsError("a training takes at least one step")
            return cls(steps=steps)
        seconds = budget if isinstance(budget, int | float) else _parse(budget or "25m")
        if not seconds > 0:
            raise ForensicsError("a training takes a budget of more than nothing: write 25m or 90s")
        return cls(seconds=float(seconds))

    def __str__(self) -> str:
        return f"{self.steps} steps" if self.steps is not None else f"{self.seconds:g} seconds"

    def done(self, step: int, seconds: float) -> float:
        """0..1 of the whole after so many steps and seconds."""
        if self.steps is not None:
            return min(1.0, step / self.steps)
        assert self.seconds is not None
        return min(1.0, seconds / self.seconds)

    def progress(self, step: int, seconds: float, phases: Sequence[Phase]) -> Progress:
        """Where the training stands; with steps, a phase's end is rounded to a whole step."""
        total = self.done(step, seconds)
        whole = sum(phase.share for phase in phases)
        ends = [end / whole for end in itertools.accumulate(phase.share for phase in phases)]
        if self.steps is not None:
            ends = [round(end * self.steps) / self.steps for end in ends]
        number = next((i for i, end in enumerate(ends) if total < end), len(phases) - 1)
        start = ends[number - 1] if number else 0.0
        within = (total - start) / (ends[number] - start) if ends[number] > start else 1.0
        return Progress(step, number, total, min(1.0, within))


def _parse(budget: str) -> float:
    match = _BUDGET.fullmatch(budget.strip())
    if match is None or not budget.strip():
        raise ForensicsError(f"a budget is written 25m, 90s or 1h30m, not {budget!r}")
    return sum(float(match[unit]) * size for unit, size in _SECONDS.items() if match[unit])
