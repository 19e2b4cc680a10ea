"""The plan of a run: conditions of patches, the queries that models are asked, cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from forensics.bench.positions import Position
from forensics.bench.settings import Settings
from forensics.data import Photograph
from forensics.histories.history import History, Step
from forensics.models.registry import MODEL_KINDS
from forensics.models.selection import Model
from forensics.traces.draws import Number
from forensics.traces.trace import Trace

# The kinds of models that are asked; an attacker is a step of a history.
ASKED = MODEL_KINDS[:3]
# The models of a run, by kind.
Judges = Mapping[str, Sequence[Model]]
# The model in the rows that hold what an attack costs: PSNR and SSIM at the slot.
COST = "cost"
COST_NAMES = ("psnr", "ssim", "psnr_input", "ssim_input")
# The names of the rows of detectors and localizers, and how those of estimators begin.
SCORE, HEAT, ESTIMATE = "score", "heat", "estimate:"


Point = tuple[tuple[str, Number], ...]


class Query(NamedTuple):
    """A model, as text, and what it is asked as: a model may be of several kinds. `COST` is asked
    as itself."""

    model: str
    kind: str


COSTS = Query(COST, COST)


def rows_of(query: Query, trace: Trace) -> tuple[str, ...]:
    """The names of the rows of an answer; of an estimator's, one for each target of the trace."""
    if query.kind == "estimator":
        return tuple(ESTIMATE + target.name for target in trace.targets)
    return {"detector": (SCORE,), "localizer": (HEAT,)}.get(query.kind, COST_NAMES)


def kind_of(row: str) -> str:
    """The kind of query that a row of this name answers."""
    if row.startswith(ESTIMATE):
        return "estimator"
    return {SCORE: "detector", HEAT: "localizer"}.get(row, COST)


@dataclass(frozen=True)
class Condition:
    """The patches of one history at one point, with one attacker or none. sample: the key of its
    patches in `Sample.positions`."""

    trace: Trace
    template: History
    point: Point
    attacker: Model | None
    sample: str
    digest: str

    def __hash__(self) -> int:
        return hash((self.sample, self.digest))

    @property
    def history(self) -> History:
        """The template with its slot filled, parameters still open."""
        step = Step(self.attacker.name, options=self.attacker.options) if self.attacker else None
        return self.template.fill(step)


@dataclass(frozen=True)
class Cell:
    """One model, as one of its kinds, on one attack and one point, or on several that are pooled;
    without a model, what the attack costs. sides: the conditions that it judges, by side, one a
    point, the pristine side first where there is one; clean: those that are altered, before the
    attack. reason: why there can be no figure, known beforehand."""

    kind: str | None
    model: Model | None
    trace: Trace
    points: tuple[Point, ...]
    attacker: Model | None
    sides: Mapping[str, tuple[Condition, ...]]
    clean: Mapping[str, tuple[Condition, ...]]
    reason: str | None = None

    @property
    def point(self) -> Point:
        """The point; empty where several are pooled."""
        return self.points[0] if len(self.points) == 1 else ()

    @property
    def pristine(self) -> tuple[Condition, ...]:
        return self.sides.get("pristine", ())

    @property
    def altered(self) -> list[Condition]:
        """All sides but the pristine one: what a detector has to find."""
        return _all({side: those for side, those in self.sides.items() if side != "pristine"})

    @property
    def before(self) -> list[Condition]:
        """The same before the attack."""
        return _all(self.clean)

    @property
    def query(self) -> Query | None:
        if self.model is None or self.kind is None:
            return None
        return Query(str(self.model), self.kind)

    @property
    def needed(self) -> list[Condition]:
        """The conditions whose rows its figures are made of. An estimator is not compared with
        itself before the attack."""
        return _all(self.sides) + ([] if self.kind == "estimator" else self.before)


def _all(sides: Mapping[str, tuple[Condition, ...]]) -> list[Condition]:
    return [condition for those in sides.values() for condition in those]


@dataclass(frozen=True)
class Sample:
    """What a run works on. positions: by the `Condition.sample` (a trace's name, for all its sides
    are made of one), photograph hash -> patches; skipped: photographs that do not fit the run;
    lost: files that cannot be read; each with its reason; donors: by hash, the photographs that
    splices may take regions from."""

    split: str | None
    photographs: tuple[Photograph, ...]
    positions: Mapping[str, Mapping[str, Sequence[Position]]]
    skipped: tuple[str, ...]
    lost: tuple[str, ...]
    warnings: tuple[str, ...]
    donors: Mapping[str, Photograph]


@dataclass(frozen=True)
class Plan(Sample):
    """All the work of a run. wanted: for each condition (by hash) the queries whose answers
    are needed; hashes: of the models, by their texts; unasked: models that are left out, each with
    the reason: it is slow and nobody named it, or there is no trace for it."""

    settings: Settings
    cells: tuple[Cell, ...]
    conditions: dict[str, Condition]
    wanted: dict[str, tuple[Query, ...]]
    hashes: dict[str, str]
    unasked: tuple[str, ...]
