"""The unit of work: one photograph, a pure function (plan, photograph) -> rows."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from forensics import random
from forensics.batch import Batch
from forensics.data import Photograph
from forensics.errors import NotApplicable
from forensics.harness import donors, labelled
from forensics.harness.asking import answer, attacked
from forensics.harness.places import Place, lead, origins
from forensics.harness.populations import (
    COST,
    COST_NAMES,
    COSTS,
    Plan,
    Population,
    Question,
    rows_of,
)
from forensics.harness.store import Row, Rows, answered
from forensics.harness.views import FileView, TileView, View
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
    if plan.settings.positive is not None:
        file = labelled.state(photograph, plan.settings, device)
        for (_, places), wanted in missing.items():
            whole = FileView(places, plan.settings.patch, plan.settings.seed)
            _Group(plan, file, wanted, outcome, whole).run()
        return outcome
    pixels = torch.from_numpy(photograph.load(plan.settings.color)).to(device)
    for (_, places), wanted in missing.items():
        trace = plan.populations[next(iter(wanted))].trace
        around = lead(trace, plan.settings)
        for start in range(0, len(places), plan.settings.batch):
            some = places[start : start + plan.settings.batch]
            tiles = _tiles(plan, photograph, pixels, some, around)
            count = max(plan.populations[digest].history.donors for digest in wanted)
            if count:
                tiles = replace(tiles, donors=_donors(plan, photograph, some, tiles, count))
            view = TileView(some, around, plan.settings.patch, trace.handed)
            _Group(plan, tiles, wanted, outcome, view).run()
    return outcome


Missing = dict[tuple[str, tuple[Place, ...]], dict[str, tuple[Question, ...]]]


def _missing(plan: Plan, photograph: Photograph, stored: Rows) -> Missing:
    """(sample, places) -> population -> questions that have not been answered there."""
    there = answered(stored)
    found: dict[tuple[str, tuple[Place, ...]], dict[str, list[Question]]] = {}
    for digest, questions in plan.wanted.items():
        sample = plan.populations[digest].sample
        places = plan.places[sample].get(photograph.sha256, [])
        for question in questions:
            have = there.get((digest, plan.hashes[question.model], question.kind), set())
            absent = tuple(place for place in places if place not in have)
            if absent:
                found.setdefault((sample, absent), {}).setdefault(digest, []).append(question)
    return {k: {d: tuple(q) for d, q in v.items()} for k, v in found.items()}


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
    """Some patches of one photograph, through all the populations of one sample."""

    def __init__(
        self,
        plan: Plan,
        tiles: Batch,
        wanted: dict[str, tuple[Question, ...]],
        outcome: Outcome,
        view: View,
    ) -> None:
        self.plan, self.tiles, self.wanted, self.outcome = plan, tiles, wanted, outcome
        self.populations, self.view = [plan.populations[digest] for digest in wanted], view
        self.drawn = self.populations[0].trace.drawn(tiles.keys)
        # A state is remembered by the text of its history while somebody still needs it.
        self.states: dict[str, Batch | NotApplicable] = {}
        self.uses = Counter(text for p in self.populations for text in self._prefixes(p))

    def run(self) -> None:
        handed: dict[str, tuple[Batch, Tensor]] = {}
        for population in self.populations:
            state = self._state(population, population.history)
            if isinstance(state, NotApplicable):
                for question in self.wanted[population.digest]:
                    self._decline(population, question, str(state))
            elif state is not None:
                if COSTS in self.wanted[population.digest]:
                    self._cost(population)
                handed[population.digest] = self.view.cut(state), self.view.mask(state)
            self._release(population)
        questions = dict.fromkeys(q for d in handed for q in self.wanted[d] if q != COSTS)
        for question in questions:
            # A file that is attacked may be a JPEG no more: those are asked about on their own.
            for jpeg in (False, True):
                those = {
                    digest: shown
                    for digest, shown in handed.items()
                    if question in self.wanted[digest] and (shown[0].jpeg is not None) == jpeg
                }
                if those:
                    self._ask(question, those)

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
        cut = [self.view.pixels(b) for b in (output, given, reference)]
        values = {
            "psnr": cost.psnr(cut[0], cut[2]),
            "ssim": cost.ssim(cut[0], cut[2]),
            "psnr_input": cost.psnr(cut[1], cut[2]),
            "ssim_input": cost.ssim(cut[1], cut[2]),
        }
        for name in COST_NAMES:
            self._emit(population, COST, name, values[name].tolist(), None)

    def _ask(self, question: Question, handed: dict[str, tuple[Batch, Tensor]]) -> None:
        if question.model in self.outcome.failures:
            return
        together = Batch.cat([batch for batch, _ in handed.values()])
        masks = torch.cat([mask for _, mask in handed.values()])
        try:
            given = answer(question, together, masks, self.view.batch(self.plan.settings.batch))
        except Exception:
            self.outcome.failures[question.model] = traceback.format_exc()
            return
        n = len(self.view.places)
        for number, digest in enumerate(handed):
            population, part = self.plan.populations[digest], slice(number * n, (number + 1) * n)
            if isinstance(given, str):
                self._decline(population, question, given)
                continue
            for name, values in given.values.items():
                reasons, evidence = given.reasons[name][part], given.evidence[name][part]
                self._emit(
                    population, question.model, name, values[part].tolist(), reasons, evidence
                )

    def _decline(self, population: Population, question: Question, reason: str) -> None:
        """Rows without a value, for one reason."""
        n = len(self.view.places)
        for name in rows_of(question, population.trace):
            self._emit(population, question.model, name, [float("nan")] * n, [reason] * n)

    def _emit(
        self,
        population: Population,
        model: str,
        name: str,
        values: Sequence[float],
        reasons: Sequence[str | None] | None,
        evidence: Sequence[bytes | None] | None = None,
    ) -> None:
        nothing = [None] * len(values)
        rows = zip(self.view.places, values, reasons or nothing, evidence or nothing, strict=True)
        for place, value, reason, said in rows:
            self.outcome.rows.append(
                Row(
                    population.digest,
                    self.plan.hashes[model],
                    name,
                    self.tiles.photographs[0],
                    place,
                    value,
                    reason,
                    said,
                )
            )
