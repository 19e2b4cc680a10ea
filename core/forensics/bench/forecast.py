"""How much work a plan is, and how long it takes, before anything is run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from forensics.bench.conditions import COST, Condition, Plan
from forensics.bench.states import Stage, stages
from forensics.bench.store import Store, answered
from forensics.data import Photograph
from forensics.progress import duration


@dataclass(frozen=True)
class Forecast:
    """patches: of all conditions; scores: numbers to compute; stored: numbers that the store has;
    seconds: of processor time, from what models declare."""

    patches: int
    scores: int
    stored: int
    seconds: float

    @property
    def time(self) -> str:
        """The seconds in words."""
        return f"{duration(self.seconds)} of processor time"


def forecast(plan: Plan, folder: Path) -> Forecast:
    """The work of a plan whose results are kept under `folder`."""
    store = Store(folder)
    speeds = {str(m): m.entry.seconds for c in plan.cells for m in (c.model, c.attacker) if m}
    patches = scores = done = 0
    seconds = 0.0
    for photograph in plan.photographs:
        there = answered(store.read(photograph.sha256))
        attacks: dict[str, float] = {}  # seconds, by the states that they make
        for digest, queries in plan.wanted.items():
            condition = plan.conditions[digest]
            positions = plan.positions[condition.sample].get(photograph.sha256, [])
            patches += len(positions)
            asked, attacked = _areas(plan, condition, photograph)
            absent = 0
            for model, kind in queries:
                have = there.get((digest, plan.hashes[model], kind), set())
                missing = sum(position not in have for position in positions)
                scores, done = scores + missing, done + len(positions) - missing
                seconds += missing * asked * speeds.get(model, 0.0) if model != COST else 0.0
                absent = max(absent, missing)
            if condition.attacker is not None:
                made, once = _attack(plan, condition), speeds[str(condition.attacker)]
                attacks[made] = max(attacks.get(made, 0.0), absent * attacked * once)
        seconds += sum(attacks.values())
    return Forecast(patches, scores, done, seconds)


def _attack(plan: Plan, condition: Condition) -> str:
    """Names the state that the attacker makes, which other conditions may share."""
    if plan.settings.positive is not None:
        return condition.digest
    return next(s.key for s in _stages(plan, condition) if s.attack)


def _stages(plan: Plan, condition: Condition) -> tuple[Stage, ...]:
    return stages(condition, plan.settings.patch, plan.settings.color)


def _areas(plan: Plan, condition: Condition, photograph: Photograph) -> tuple[float, float]:
    """The pixels that a model and an attacker see for a patch, in units of 128 x 128."""
    patch, (height, width) = plan.settings.patch, photograph.size
    if plan.settings.positive is None:
        margin = next((s.before for s in _stages(plan, condition) if s.attack), 0)
        return (patch / 128) ** 2, ((patch + 2 * margin) / 128) ** 2
    whole = height * width / 128**2
    patches = len(plan.positions[condition.sample].get(photograph.sha256, ())) or 1
    return ((patch / 128) ** 2, whole / patches) if patch else (whole, whole)
