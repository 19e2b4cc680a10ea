"""The unit of work: one photograph, a pure function (plan, photograph) -> rows."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from forensics import random
from forensics.batch import Batch
from forensics.bench import donors, labelled, states
from forensics.bench.conditions import COST, COST_NAMES, COSTS, Condition, Plan, Query, rows_of
from forensics.bench.inference import answers, wants_jpeg
from forensics.bench.positions import Position, margin, origins
from forensics.bench.states import States
from forensics.bench.store import Row, Rows, answered
from forensics.bench.views import FileView, TileView, View
from forensics.data import Photograph
from forensics.errors import NotApplicable, told
from forensics.histories.history import SLOT
from forensics.metrics import cost
from forensics.models.entries import NO_JPEG
from forensics.progress import Parts
from forensics.traces.trace import Trace


@dataclass
class Outcome:
    """What came of a photograph: rows, and models and steps that raised, as `errors.told`."""

    rows: list[Row] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)


def work(plan: Plan, photograph: Photograph, stored: Rows, device: torch.device) -> Outcome:
    """Every row of the plan for this photograph that is not stored. A model that raises has no
    rows and is named in `failures`. Raises UnreadableImage where the photograph cannot be read."""
    missing = _missing(plan, photograph, stored)
    outcome = Outcome()
    if not missing:
        return outcome
    parts = Parts(sum(len(positions) * _asked(wanted) for positions, wanted in missing))
    if plan.settings.positive is not None:
        file = labelled.file(photograph, plan.settings, device)
        for positions, wanted in missing:
            _Group(plan, file.state, positions, wanted, outcome, parts, file).run()
        return outcome
    pixels = torch.from_numpy(photograph.load(plan.settings.color)).to(device)
    for positions, wanted in missing:
        for start in range(0, len(positions), plan.settings.batch):
            some = positions[start : start + plan.settings.batch]
            tiles = _tiles(plan, photograph, pixels, some, wanted)
            _Group(plan, tiles, some, wanted, outcome, parts).run()
    return outcome


# Condition, by its digest, -> queries.
Wanted = Mapping[str, tuple[Query, ...]]


def _asked(wanted: Wanted) -> int:
    """How many questions are put of a patch."""
    return sum(query != COSTS for queries in wanted.values() for query in queries)


def _missing(
    plan: Plan, photograph: Photograph, stored: Rows
) -> list[tuple[tuple[Position, ...], Wanted]]:
    """Positions that lack the same answers, over all traces, with the queries of these."""
    there = answered(stored)
    absent: dict[Position, dict[str, list[Query]]] = {}
    for digest, queries in plan.wanted.items():
        sample = plan.conditions[digest].sample
        have = {q: there.get((digest, plan.hashes[q.model], q.kind), set()) for q in queries}
        for position in plan.positions[sample].get(photograph.sha256, []):
            lacking = [q for q in queries if position not in have[q]]
            if lacking:
                absent.setdefault(position, {})[digest] = lacking
    groups: dict[tuple[tuple[str, tuple[Query, ...]], ...], list[Position]] = {}
    for position, wanted in absent.items():
        same = tuple((digest, tuple(queries)) for digest, queries in wanted.items())
        groups.setdefault(same, []).append(position)
    return [(tuple(positions), dict(same)) for same, positions in groups.items()]


def _tiles(
    plan: Plan,
    photograph: Photograph,
    pixels: Tensor,
    positions: Sequence[Position],
    wanted: Wanted,
) -> Batch:
    """Tiles around patches, as large as the neediest of their conditions asks for."""
    patch, seed = plan.settings.patch, plan.settings.seed
    margin = states.around((plan.conditions[d] for d in wanted), patch, plan.settings.color)
    side = patch + 2 * margin
    corners = [(y - margin, x - margin) for y, x in positions]
    cuts = [pixels[:, y : y + side, x : x + side] for y, x in corners]
    keys = [random.key(seed, photograph.sha256, y, x) for y, x in positions]
    device = pixels.device
    placed = torch.tensor(positions, device=device)
    return Batch(
        torch.stack(cuts),
        torch.tensor(keys, device=device),
        (photograph.sha256,) * len(positions),
        placed,
        origins=origins(placed, margin),
        window=(margin, patch),
    )


class _Group:
    """Some patches of one photograph, or a file, through all their conditions."""

    def __init__(
        self,
        plan: Plan,
        tiles: Batch,
        positions: Sequence[Position],
        wanted: Wanted,
        outcome: Outcome,
        parts: Parts,
        file: labelled.File | None = None,
    ) -> None:
        self.plan, self.tiles, self.positions = plan, tiles, positions
        self.wanted, self.outcome, self.parts, self.file = wanted, outcome, parts, file
        self.states = States(
            tiles,
            [plan.conditions[digest] for digest in wanted],
            plan.settings.patch,
            plan.settings.color,
            outcome.failures,
            self._donors,
        )

    def run(self) -> None:
        samples: dict[str, list[Condition]] = {}
        for digest in self.wanted:
            condition = self.plan.conditions[digest]
            samples.setdefault(condition.sample, []).append(condition)
        for conditions in samples.values():
            self._judge(conditions, self._view(conditions[0]))

    def _view(self, condition: Condition) -> View:
        settings = self.plan.settings
        if settings.positive is not None:
            return FileView(self.positions, settings.patch, settings.seed)
        return TileView(self.positions, settings.patch, condition.trace.input)

    def _judge(self, conditions: Sequence[Condition], view: View) -> None:
        """All conditions of one trace: models are asked of all its sides and points together."""
        input: dict[str, tuple[Batch, Tensor]] = {}
        recovered: dict[str, tuple[Batch, Tensor]] = {}  # for models that need a JPEG
        asked = dict.fromkeys(q for c in conditions for q in self.wanted[c.digest] if q != COSTS)
        needing = {query for query in asked if wants_jpeg(query)}
        for condition in conditions:
            state = self.states.after(condition)
            if isinstance(state, NotApplicable):
                for query in self.wanted[condition.digest]:
                    self._decline(condition, query, str(state))
            elif state is not None:
                if COSTS in self.wanted[condition.digest]:
                    self._cost(condition, view)
                input[condition.digest] = view.cut(state), view.mask(state)
                was = self.file.recovered(state) if needing and self.file else None
                # Whole blocks hold all patches of whole blocks.
                if was is not None and self.plan.settings.patch % 8 == 0:
                    whole = was.batch(replace(state, mask=None))
                    recovered[condition.digest] = view.cut(whole), view.mask(state)
            self.states.release(condition)
        together: dict[tuple[str, bool, tuple[str, ...]], list[Query]] = {}
        for query in asked:
            needs = query in needing
            shown = input | recovered if needs else input
            # A file that is attacked may be a JPEG no more, or one of whole blocks only: what is of
            # one form is asked about together.
            forms: dict[tuple[bool, tuple[int, int]], list[str]] = {}
            for digest, (batch, _) in shown.items():
                if query in self.wanted[digest]:
                    forms.setdefault((batch.jpeg is not None, batch.size), []).append(digest)
            for those in forms.values():
                together.setdefault((query.model, needs, tuple(those)), []).append(query)
        for (_, needs, digests), alike in together.items():
            shown = input | recovered if needs else input
            some = {digest: shown[digest] for digest in digests}
            with self.parts.doing(len(self.positions) * len(some) * len(alike)):
                self._ask(alike, some, view.batch(self.plan.settings.batch))

    def _donors(self, trace: Trace, around: int, count: int) -> Tensor | None:
        """Tiles of other photographs; None where there are too few, which splices then say. They
        are chosen for the trace's own margin, and cut as its states are."""
        settings = self.plan.settings
        widest = margin(trace, settings)
        side, off = settings.patch + 2 * widest, widest - around
        found = donors.tiles(
            self.plan.donors,
            self.tiles.photographs[0],
            self.positions,
            side,
            count,
            settings.color,
            settings.seed,
        )
        if found is None:
            return None
        inner = slice(off, side - off)
        return found[..., inner, inner].contiguous().to(self.tiles.device)

    def _cost(self, condition: Condition, view: View) -> None:
        """PSNR and SSIM at the slot: against the state before the operation that precedes it,
        or the attacker's input where that operation changes the geometry."""
        slot = next(n for n, s in enumerate(condition.template.steps) if s.name == SLOT)
        steps = condition.history.steps
        output, given, before = (
            self.states.after(condition, n) for n in (slot + 1, slot, max(slot - 1, 0))
        )
        assert isinstance(output, Batch)
        assert isinstance(given, Batch)
        assert isinstance(before, Batch)
        reference = given if slot and steps[slot - 1].geometric else before
        cut = [view.pixels(b) for b in (output, given, reference)]
        values = {
            "psnr": cost.psnr(cut[0], cut[2]),
            "ssim": cost.ssim(cut[0], cut[2]),
            "psnr_input": cost.psnr(cut[1], cut[2]),
            "ssim_input": cost.ssim(cut[1], cut[2]),
        }
        for name in COST_NAMES:
            self._emit(condition, COST, name, values[name].tolist(), None)

    def _ask(
        self, queries: Sequence[Query], input: dict[str, tuple[Batch, Tensor]], size: int
    ) -> None:
        """queries: of one model, as several kinds."""
        model = queries[0].model
        if model in self.outcome.failures:
            return
        together = Batch.cat([batch for batch, _ in input.values()])
        masks = torch.cat([mask for _, mask in input.values()])
        try:
            given = answers(queries, together, masks, size)
        except Exception as error:
            self.outcome.failures[model] = told(error)
            return
        n = len(self.positions)
        for query, (number, digest) in itertools.product(queries, enumerate(input)):
            condition, part = self.plan.conditions[digest], slice(number * n, (number + 1) * n)
            said = given[query]
            if isinstance(said, str):
                self._decline(condition, query, self._reason(said, condition))
                continue
            for name, values in said.values.items():
                reasons, evidence = said.reasons[name][part], said.evidence[name][part]
                self._emit(condition, model, name, values[part].tolist(), reasons, evidence)

    def _reason(self, refusal: str, condition: Condition) -> str:
        """Of a file without coefficients what `analyze` says."""
        if refusal != NO_JPEG or self.file is None:
            return refusal
        return self.file.without(condition.attacker is not None)

    def _decline(self, condition: Condition, query: Query, reason: str) -> None:
        """Rows without a value, for one reason."""
        n = len(self.positions)
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
        rows = zip(self.positions, values, reasons or nothing, evidence or nothing, strict=True)
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
