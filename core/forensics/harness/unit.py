"""The unit of work: one photograph, a pure function (plan, photograph) -> rows."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from forensics import door, random
from forensics.batch import Batch
from forensics.data import Photograph
from forensics.errors import NotApplicable
from forensics.harness import donors
from forensics.harness.asking import attacked, scores
from forensics.harness.places import Place, lead, origins
from forensics.harness.plan import COST, COST_NAMES, Plan, Population
from forensics.harness.store import Row, Rows
from forensics.histories import SLOT, History
from forensics.metrics import cost


@dataclass
class Outcome:
    """What came of a photograph: rows, and models and steps that raised, with tracebacks."""

    rows: list[Row] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)


def work(plan: Plan, photograph: Photograph, stored: Rows, device: torch.device) -> Outcome:
    """Every row of the plan for this photograph that is not stored. A model that raises has no
    rows and is named in `failures`. Raises UnreadableImage where the photograph cannot be read."""
    missing = _missing(plan, photograph, stored)
    outcome = Outcome()
    if not missing:
        return outcome
    pixels = torch.from_numpy(photograph.load(plan.settings.color)).to(device)
    for (_, places), wanted in missing.items():
        populations = [plan.populations[digest] for digest in wanted]
        around = lead(populations[0].trace, plan.settings)
        for start in range(0, len(places), plan.settings.batch):
            some = places[start : start + plan.settings.batch]
            tiles = _tiles(plan, photograph, pixels, some, around)
            count = max(population.history.donors for population in populations)
            if count:
                tiles = replace(tiles, donors=_donors(plan, photograph, some, tiles, count))
            _Group(plan, tiles, populations, wanted, outcome).run()
    return outcome


Missing = dict[tuple[str, tuple[Place, ...]], dict[str, tuple[str, ...]]]


def _missing(plan: Plan, photograph: Photograph, stored: Rows) -> Missing:
    """(trace, places) -> population -> models that have not been stored there."""
    found: dict[tuple[str, tuple[Place, ...]], dict[str, list[str]]] = {}
    for digest, models in plan.wanted.items():
        trace = plan.populations[digest].trace.name
        places = plan.places[trace].get(photograph.sha256, [])
        for model in models:
            have = stored.get((digest, plan.hashes[model], plan.rows_of(model)[0]), {})
            absent = tuple(place for place in places if place not in have)
            if absent:
                found.setdefault((trace, absent), {}).setdefault(digest, []).append(model)
    return {k: {d: tuple(m) for d, m in v.items()} for k, v in found.items()}


def _tiles(
    plan: Plan, photograph: Photograph, pixels: Tensor, places: Sequence[Place], around: int
) -> Batch:
    side = plan.settings.patch + 2 * around
    corners = [(y - around, x - around) for y, x in places]
    cuts = [pixels[:, y : y + side, x : x + side] for y, x in corners]
    keys = [random.key(plan.settings.seed, photograph.sha256, y, x) for y, x in places]
    device = pixels.device
    positions = torch.tensor(places, device=device)
    return Batch(
        torch.stack(cuts),
        torch.tensor(keys, device=device),
        (photograph.sha256,) * len(places),
        positions,
        origins=origins(positions, around),
        room=(around, plan.settings.patch),
    )


def _donors(
    plan: Plan, photograph: Photograph, places: Sequence[Place], tiles: Batch, count: int
) -> Tensor | None:
    """Tiles of other photographs; None where there are too few, which splices then say."""
    color, seed = plan.settings.color, plan.settings.seed
    found = donors.tiles(plan.donors, photograph.sha256, places, tiles.size[0], count, color, seed)
    return None if found is None else found.to(tiles.device)


class _Group:
    """Some patches of one photograph, through all the populations of one trace."""

    def __init__(
        self,
        plan: Plan,
        tiles: Batch,
        populations: Sequence[Population],
        wanted: dict[str, tuple[str, ...]],
        outcome: Outcome,
    ) -> None:
        self.plan, self.tiles, self.wanted, self.outcome = plan, tiles, wanted, outcome
        self.populations = populations
        self.trace = populations[0].trace
        self.lead = lead(self.trace, plan.settings)
        self.drawn = self.trace.drawn(tiles.keys)
        # A state is remembered by the text of its history while somebody still needs it.
        self.states: dict[str, Batch | NotApplicable] = {}
        self.uses = Counter(text for p in populations for text in self._prefixes(p))

    def run(self) -> None:
        handed: dict[str, Batch] = {}
        for population in self.populations:
            state = self._state(population, population.history)
            if isinstance(state, NotApplicable):
                for model in self.wanted[population.digest]:
                    self._emit(population, model, None, (str(state),) * len(self.tiles))
            elif state is not None:
                if COST in self.wanted[population.digest]:
                    self._cost(population)
                handed[population.digest] = self._cut(state)
            self._release(population)
        models = dict.fromkeys(m for d in handed for m in self.wanted[d] if m != COST)
        for model in models:
            self._score(model, {d: b for d, b in handed.items() if model in self.wanted[d]})

    def _prefixes(self, population: Population) -> list[str]:
        steps = population.history.steps
        values = dict(population.point)
        return [History(steps[: n + 1]).text(values) for n in range(len(steps))]

    def _release(self, population: Population) -> None:
        for text in self._prefixes(population):
            self.uses[text] -= 1
            if not self.uses[text]:
                self.states.pop(text, None)

    def _state(self, population: Population, history: History) -> Batch | NotApplicable | None:
        """The tiles after a history; NotApplicable where a step cannot act; None where one
        raised."""
        if not history.steps:
            return self.tiles
        text = history.text(dict(population.point))
        if text not in self.states:
            before = self._state(population, History(history.steps[:-1]))
            if not isinstance(before, Batch):
                return before
            step = history.steps[-1]
            name = step.text(dict(population.point))
            if name in self.outcome.failures:
                return None
            try:
                if population.attacker is not None and name == str(population.attacker):
                    self.states[text] = attacked(name, before)
                else:
                    values = dict(population.point) | self.drawn
                    self.states[text] = step.bind(values).apply(before)
            except NotApplicable as error:
                self.states[text] = error
            except Exception:
                self.outcome.failures[name] = traceback.format_exc()
                return None
        return self.states[text]

    def _cut(self, state: Batch) -> Batch:
        return door.cut(state, self.lead, self.plan.settings.patch, self.trace.handed)

    def _cost(self, population: Population) -> None:
        """PSNR and SSIM at the slot: against the state before the operation that precedes it,
        or the attacker's input where that operation changes the geometry."""
        slot = next(n for n, s in enumerate(population.template.steps) if s.name == SLOT)
        steps = population.history.steps
        output, given, before = (
            self._state(population, History(steps[:n])) for n in (slot + 1, slot, max(slot - 1, 0))
        )
        assert isinstance(output, Batch)
        assert isinstance(given, Batch)
        assert isinstance(before, Batch)
        reference = given if slot and steps[slot - 1].geometric else before
        cut = [self._pixels(b) for b in (output, given, reference)]
        values = {
            "psnr": cost.psnr(cut[0], cut[2]),
            "ssim": cost.ssim(cut[0], cut[2]),
            "psnr_input": cost.psnr(cut[1], cut[2]),
            "ssim_input": cost.ssim(cut[1], cut[2]),
        }
        for name in COST_NAMES:
            self._emit(population, COST, values[name], (None,) * len(self.tiles), name)

    def _pixels(self, state: Batch) -> Tensor:
        end = self.lead + self.plan.settings.patch
        return state.pixels[:, :, self.lead : end, self.lead : end]

    def _score(self, model: str, handed: dict[str, Batch]) -> None:
        if model in self.outcome.failures:
            return
        together = Batch.cat(list(handed.values()))
        try:
            values, reasons = scores(model, together, self.plan.settings.batch)
        except Exception:
            self.outcome.failures[model] = traceback.format_exc()
            return
        n = len(self.tiles)
        for number, digest in enumerate(handed):
            part = slice(number * n, (number + 1) * n)
            self._emit(self.plan.populations[digest], model, values[part], reasons[part])

    def _emit(
        self,
        population: Population,
        model: str,
        values: Tensor | None,
        reasons: Sequence[str | None],
        name: str = "score",
    ) -> None:
        names = (name,) if values is not None else self.plan.rows_of(model)
        numbers = [float("nan")] * len(self.tiles) if values is None else values.tolist()
        places = self.tiles.positions.tolist()
        for each in names:
            for (y, x), value, reason in zip(places, numbers, reasons, strict=True):
                self.outcome.rows.append(
                    Row(
                        population.digest,
                        self.plan.hashes[model],
                        each,
                        self.tiles.photographs[0],
                        (y, x),
                        value,
                        reason,
                    )
                )
