"""How much work a plan is, and how long it takes, before anything is run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from forensics.data import Photograph
from forensics.harness.places import lead
from forensics.harness.populations import COST, Plan, Population
from forensics.harness.store import Store, answered


@dataclass(frozen=True)
class Forecast:
    """patches: of all populations; scores, stored: numbers to compute, and those that are
    there; seconds: from the models' declared speeds, on two CPU cores."""

    patches: int
    scores: int
    stored: int
    seconds: float

    @property
    def time(self) -> str:
        """The seconds in words; a declared speed is only that."""
        if self.seconds < 90:
            return f"about {self.seconds:.0f} s on 2 CPU cores"
        return f"about {self.seconds / 60:.0f} min on 2 CPU cores"


def forecast(plan: Plan, folder: Path) -> Forecast:
    """Counts what is stored under `folder`, and adds up what is not."""
    store = Store(folder)
    speeds = {str(m): m.entry.seconds for c in plan.cells for m in (c.model, c.attacker) if m}
    patches = scores = done = 0
    seconds = 0.0
    for photograph in plan.photographs:
        there = answered(store.read(photograph.sha256))
        for digest, questions in plan.wanted.items():
            population = plan.populations[digest]
            places = plan.places[population.sample].get(photograph.sha256, [])
            patches += len(places)
            asked, attacked = _areas(plan, population, photograph)
            absent = 0
            for model, kind in questions:
                have = there.get((digest, plan.hashes[model], kind), set())
                missing = sum(place not in have for place in places)
                scores, done = scores + missing, done + len(places) - missing
                seconds += missing * asked * speeds.get(model, 0.0) if model != COST else 0.0
                absent = max(absent, missing)
            if population.attacker is not None:
                seconds += absent * attacked * speeds[str(population.attacker)]
    return Forecast(patches, scores, done, seconds)


def _areas(plan: Plan, population: Population, photograph: Photograph) -> tuple[float, float]:
    """How many times 128 x 128 pixels a model is shown for a patch, and an attacker."""
    patch, (height, width) = plan.settings.patch, photograph.size
    if plan.settings.positive is None:
        side = patch + 2 * lead(population.trace, plan.settings)
        return (patch / 128) ** 2, (side / 128) ** 2
    whole = height * width / 128**2
    patches = len(plan.places[population.sample].get(photograph.sha256, ())) or 1
    return ((patch / 128) ** 2, whole / patches) if patch else (whole, whole)
