"""The unit of work: one photograph, a pure function (plan, photograph) -> rows."""

from __future__ import annotations

import functools
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from forensics import random
from forensics.batch import Batch
from forensics.bench import donors, labelled
from forensics.bench.conditions import COST, COST_NAMES, COSTS, Condition, Plan, Query, rows_of
from forensics.bench.inference import answer, attacked
from forensics.bench.positions import Position, margin, origins
from forensics.bench.store import Row, Rows, answered
from forensics.bench.views import FileView, TileView, View
from forensics.data import Photograph
from forensics.errors import NotApplicable
from forensics.histories.history import SLOT, History
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
        for (_, positions), wanted in missing.items():
            whole = FileView(positions, plan.settings.patch, plan.settings.seed)
            _Group(plan, file, wanted, outcome, whole).run()
        return outcome
    pixels = torch.from_numpy(photograph.load(plan.settings.color)).to(device)
    for (_, positions), wanted in missing.items():
        trace = plan.conditions[next(iter(wanted))].trace
        around = margin(trace, plan.settings)
        for start in range(0, len(positions), plan.settings.batch):
            some = positions[start : start + plan.settings.batch]
            tiles = _tiles(plan, photograph, pixels, some, around)
            count = max(plan.conditions[digest].history.donors for digest in wanted)
            if count:
                tiles = replace(tiles, donors=_donors(plan, photograph, some, tiles, count))
            view = TileView(some, around, plan.settings.patch, trace.input)
            _Group(plan, tiles, wanted, outcome, view).run()
    return outcome


Missing = dict[tuple[str, tuple[Position, ...]], dict[str, tuple[Query, ...]]]


def _missing(plan: Plan, photograph: Photograph, stored: Rows) -> Missing:
    """(sample, positions) -> condition -> queries that have not been answered there."""
    there = answered(stored)
    found: dict[tuple[str, tuple[Position, ...]], dict[str, list[Query]]] = {}
    for digest, queries in plan.wanted.items():
        sample = plan.conditions[digest].sample
        positions = plan.positions[sample].get(photograph.sha256, [])
        for query in queries:
            have = there.get((digest, plan.hashes[query.model], query.kind), set())
            absent = tuple(position for position in positions if position not in have)
            if absent:
                found.setdefault((sample, absent), {}).setdefault(digest, []).append(query)
    return {k: {d: tuple(q) for d, q in v.items()} for k, v in found.items()}


def _tiles(
    plan: Plan, photograph: Photograph, pixels: Tensor, positions: Sequence[Position], around: int
) -> Batch:
    side = plan.settings.patch + 2 * around
    corners = [(y - around, x - around) for y, x in positions]
    cuts = [pixels[:, y : y + side, x : x + side] for y, x in corners]
    keys = [random.key(plan.settings.seed, photograph.sha256, y, x) for y, x in positions]
    device = pixels.device
    placed = torch.tensor(positions, device=device)
    return Batch(
        torch.stack(cuts),
        torch.tensor(keys, device=device),
        (photograph.sha256,) * len(positions),
        placed,
        origins=origins(placed, around),
        window=(around, plan.settings.patch),
    )


def _donors(
    plan: Plan, photograph: Photograph, positions: Sequence[Position], tiles: Batch, count: int
) -> Tensor | None:
    """Tiles of other photographs; None where there are too few, which splices then say."""
    color, seed = plan.settings.color, plan.settings.seed
    found = donors.tiles(
        plan.donors, photograph.sha256, positions, tiles.size[0], count, color, seed
    )
    return None if found is None else found.to(tiles.device)


class _Group:
    """Some patches of one photograph, through all the conditions of one sample."""

    def __init__(
        self,
        plan: Plan,
        tiles: Batch,
        wanted: dict[str, tuple[Query, ...]],
        outcome: Outcome,
        view: View,
    ) -> None:
        self.plan, self.tiles, self.wanted, self.outcome = plan, tiles, wanted, outcome
        self.conditions, self.view = [plan.conditions[digest] for digest in wanted], view
        self.drawn = self.conditions[0].trace.drawn(tiles.keys)
        # A state is remembered by the text of its history while somebody still needs it.
        self.states: dict[str, Batch | NotApplicable] = {}
        self.uses = Counter(text for p in self.conditions for text in self._prefixes(p))

    def run(self) -> None:
        input: dict[str, tuple[Batch, Tensor]] = {}
        for condition in self.conditions:
            state = self._state(condition, condition.history)
            if isinstance(state, NotApplicable):
                for query in self.wanted[condition.digest]:
                    self._decline(condition, query, str(state))
            elif state is not None:
                if COSTS in self.wanted[condition.digest]:
                    self._cost(condition)
                input[condition.digest] = self.view.cut(state), self.view.mask(state)
            self._release(condition)
        queries = dict.fromkeys(q for d in input for q in self.wanted[d] if q != COSTS)
        for query in queries:
            # A file that is attacked may be a JPEG no more: those are asked about on their own.
            for jpeg in (False, True):
                those = {
                    digest: shown
                    for digest, shown in input.items()
                    if query in self.wanted[digest] and (shown[0].jpeg is not None) == jpeg
                }
                if those:
                    self._ask(query, those)

    def _prefixes(self, condition: Condition) -> list[str]:
        steps = condition.history.steps
        values = dict(condition.point)
        return [History(steps[: n + 1]).text(values) for n in range(len(steps))]

    def _release(self, condition: Condition) -> None:
        for text in self._prefixes(condition):
            self.uses[text] -= 1
            if not self.uses[text]:
                self.states.pop(text, None)

    def _state(self, condition: Condition, history: History) -> Batch | NotApplicable | None:
        """The tiles after a history; NotApplicable where a step cannot act; None where one
        raised."""
        if not history.steps:
            return self.tiles
        text = history.text(dict(condition.point))
        if text not in self.states:
            before = self._state(condition, History(history.steps[:-1]))
            if not isinstance(before, Batch):
                return before
            step = history.steps[-1]
            name = step.text(dict(condition.point))
            if name in self.outcome.failures:
                return None
            try:
                if condition.attacker is not None and name == str(condition.attacker):
                    self.states[text] = step.drawing(functools.partial(attacked, name), before)
                else:
                    values = dict(condition.point) | self.drawn
                    self.states[text] = step.apply(before, values)
            except NotApplicable as error:
                self.states[text] = error
            except Exception:
                self.outcome.failures[name] = traceback.format_exc()
                return None
        return self.states[text]

    def _cost(self, condition: Condition) -> None:
        """PSNR and SSIM at the slot: against the state before the operation that precedes it,
        or the attacker's input where that operation changes the geometry."""
        slot = next(n for n, s in enumerate(condition.template.steps) if s.name == SLOT)
        steps = condition.history.steps
        output, given, before = (
            self._state(condition, History(steps[:n])) for n in (slot + 1, slot, max(slot - 1, 0))
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
            self._emit(condition, COST, name, values[name].tolist(), None)

    def _ask(self, query: Query, input: dict[str, tuple[Batch, Tensor]]) -> None:
        if query.model in self.outcome.failures:
            return
        together = Batch.cat([batch for batch, _ in input.values()])
        masks = torch.cat([mask for _, mask in input.values()])
        try:
            given = answer(query, together, masks, self.view.batch(self.plan.settings.batch))
        except Exception:
            self.outcome.failures[query.model] = traceback.format_exc()
            return
        n = len(self.view.positions)
        for number, digest in enumerate(input):
            condition, part = self.plan.conditions[digest], slice(number * n, (number + 1) * n)
            if isinstance(given, str):
                self._decline(condition, query, given)
                continue
            for name, values in given.values.items():
                reasons, evidence = given.reasons[name][part], given.evidence[name][part]
                self._emit(condition, query.model, name, values[part].tolist(), reasons, evidence)

    def _decline(self, condition: Condition, query: Query, reason: str) -> None:
        """Rows without a value, for one reason."""
        n = len(self.view.positions)
        for name in rows_of(query, condition.trace):
            self._emit(condition, query.model, name, [float("nan")] * n, [reason] * n)

    def _emit(
        self,
        condition: Condition,
        model: str,
        name: str,
        values: Sequence[float],
        reasons: Sequence[str | None] | None,
        evidence: Sequence[bytes | None] | None = None,
    ) -> None:
        nothing = [None] * len(values)
        rows = zip(
            self.view.positions, values, reasons or nothing, evidence or nothing, strict=True
        )
        for position, value, reason, said in rows:
            self.outcome.rows.append(
                Row(
                    condition.digest,
                    self.plan.hashes[model],
                    name,
                    self.tiles.photographs[0],
                    position,
                    value,
                    reason,
                    said,
                )
            )
