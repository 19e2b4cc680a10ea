"""From settings to work: models -> traces -> points -> histories x attackers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from forensics import data, device, selection, traces
from forensics.data import Photograph, Source
from forensics.errors import ForensicsError
from forensics.harness import donors, identity
from forensics.harness.places import Place, lattice, lead, spread
from forensics.harness.settings import Settings
from forensics.histories import SLOT, History, Step
from forensics.registry import judged
from forensics.selection import Model
from forensics.traces import Number, Trace

# The model in the rows that hold what an attack costs: PSNR and SSIM at the slot.
COST = "cost"
COST_NAMES = ("psnr", "ssim", "psnr_input", "ssim_input")


@dataclass(frozen=True)
class Population:
    """The patches of one history at one point, with one attacker or none."""

    trace: Trace
    template: History
    point: tuple[tuple[str, Number], ...]
    attacker: Model | None
    digest: str

    @property
    def history(self) -> History:
        """The template with its slot filled, parameters still open."""
        step = Step(self.attacker.name, options=self.attacker.options) if self.attacker else None
        return self.template.fill(step)


@dataclass(frozen=True)
class Cell:
    """One model on one point and attack. reason: why there can be no figure, known beforehand."""

    model: Model | None
    trace: Trace
    point: tuple[tuple[str, Number], ...]
    attacker: Model | None
    pristine: Population
    altered: Population
    clean: Population
    reason: str | None = None


@dataclass(frozen=True)
class Plan:
    """All the work of a run. wanted: for each population (by hash) the models, as text, whose
    scores are needed, `COST` among them; places: trace -> photograph hash -> patches; donors:
    the photographs that splices may take from, by hash; skipped: photographs that do not fit the
    run; lost: files that cannot be read; each with its reason."""

    settings: Settings
    split: str | None
    photographs: tuple[Photograph, ...]
    cells: tuple[Cell, ...]
    populations: dict[str, Population]
    wanted: dict[str, tuple[str, ...]]
    places: dict[str, dict[str, list[Place]]]
    donors: dict[str, Photograph]
    hashes: dict[str, str]
    skipped: tuple[str, ...]
    lost: tuple[str, ...]
    warnings: tuple[str, ...]

    def rows_of(self, model: str) -> tuple[str, ...]:
        """The names of the rows that a model of `wanted` makes for every patch."""
        return COST_NAMES if model == COST else ("score",)


def make(settings: Settings) -> Plan:
    """The plan of a run. Raises ForensicsError where it asks for what is not there."""
    device.choose(settings.device)
    detectors = _chosen(settings.detectors, "detector")
    attackers = _chosen(settings.attack, "attacker")
    chosen = _traces(settings, detectors)
    _check_settings(settings, chosen)
    source = data.resolve(settings.data, settings.split)
    photographs, skipped = _usable(source, settings)
    small = _too_small(photographs, chosen, settings)
    cells = [
        cell
        for trace in chosen
        for cell in _cells(trace, settings, detectors, attackers, photographs)
    ]
    populations, wanted = _work(cells)
    places = {
        trace.name: spread(
            ((p.sha256, p.size) for p in photographs),
            settings.patch,
            lead(trace, settings),
            settings.limit,
            settings.seed,
        )
        for trace in chosen
    }
    used = {sha256 for those in places.values() for sha256 in those}
    if not used:
        side = settings.patch + 2 * min(lead(t, settings) for t in chosen)
        raise ForensicsError(
            f"no photograph of {settings.data} has room for a patch of {settings.patch} with its "
            f"margin ({side} x {side} pixels): choose a smaller --patch or other photographs"
        )
    hashes = {str(m): identity.model(m) for m in detectors} | {
        COST: identity.digest(identity.core())
    }
    return Plan(
        settings,
        source.split,
        tuple(p for p in photographs if p.sha256 in used),
        tuple(cells),
        populations,
        wanted,
        places,
        {p.sha256: p for p in photographs},
        hashes,
        (*skipped, *small),
        tuple(str(error) for error in source.skipped),
        tuple(source.warnings),
    )


def _chosen(texts: Sequence[str], kind: str) -> list[Model]:
    """Models by their shortest names, each once."""
    found = (model.canonical() for model in selection.models(texts, kind))
    return list({str(model): model for model in found}.values())


def _traces(settings: Settings, detectors: Sequence[Model]) -> list[Trace]:
    """Every trace that was asked for, else every one that a detector judges."""
    there = selection.registry().all("trace")
    if settings.trace and tuple(settings.trace) != ("all",):
        named = [traces.get(name) for name in settings.trace]
        for trace in named:
            if "pristine" not in trace.sides:
                raise ForensicsError(
                    f"trace {trace.name} has one history, for estimators: a matrix of detectors "
                    "needs a pristine one to tell it from"
                )
        return named
    if settings.trace:
        return [t for t in map(traces.get, there) if "pristine" in t.sides]
    names = {judged(t)[0] for m in detectors for t in m.entry.traces}
    if not detectors:
        names = {"jpeg"}
    return [traces.get(name) for name in there if name in names]


def _check_settings(settings: Settings, chosen: Sequence[Trace]) -> None:
    known = sorted({p for trace in chosen for p in trace.parameters})
    for name in settings.set:
        if name not in known:
            raise selection.unknown("parameter of the chosen traces", name, known)
    if not chosen:
        raise ForensicsError("nothing to run: name a trace with --trace, or a detector")


def _usable(source: Source, settings: Settings) -> tuple[list[Photograph], tuple[str, ...]]:
    """Gray photographs are left out of a run in color; the second list says which."""
    gray = [p for p in source if settings.color and p.channels == 1]
    kept = [p for p in source if p not in gray]
    return kept, tuple(f"{p.name}: gray, and the run is in color" for p in gray)


def _too_small(
    photographs: Sequence[Photograph], chosen: Sequence[Trace], settings: Settings
) -> list[str]:
    """Photographs without room for a single patch of any trace, each with that reason."""
    least = min(lead(trace, settings) for trace in chosen)
    return [
        f"{p.name}: too small for a patch of {settings.patch} with its margin of {least}"
        for p in photographs
        if not lattice(p.size, settings.patch, least)
    ]


def _cells(
    trace: Trace,
    settings: Settings,
    detectors: Sequence[Model],
    attackers: Sequence[Model],
    photographs: Sequence[Photograph],
) -> list[Cell]:
    others = tuple(donors.able(photographs, settings.patch + 2 * lead(trace, settings)))
    cells = []
    for point in trace.points(settings.grid, settings.set):
        values = tuple(point.items())
        pristine = _population(trace, "pristine", values, None, settings, others)
        clean = _population(trace, "altered", values, None, settings, others)
        for attacker in (None, *attackers):
            altered = _population(trace, "altered", values, attacker, settings, others)
            if attacker is not None and trace.history("pristine").has_slot:
                pristine = _population(trace, "pristine", values, attacker, settings, others)
            judges: list[Model | None] = [
                m for m in detectors if _restriction(m, trace) is not None
            ]
            # With no detectors at all a cell still says what the attack costs.
            for model in judges if detectors else [None]:
                reason = _beforehand(model, trace, point, attacker, settings)
                cells.append(Cell(model, trace, values, attacker, pristine, altered, clean, reason))
    return cells


def _restriction(model: Model, trace: Trace) -> dict[str, Number] | None:
    """The values that a model is restricted to on a trace; None where it does not judge it."""
    return dict(judged(t) for t in model.entry.traces).get(trace.name)


def _beforehand(
    model: Model | None,
    trace: Trace,
    point: dict[str, Number],
    attacker: Model | None,
    settings: Settings,
) -> str | None:
    """Why a cell cannot have a figure, as far as declarations tell."""
    channels = 3 if settings.color else 1
    for one in (attacker, model):
        if one is None:
            continue
        if one.entry.card is not None and not identity.trained(one):
            return f"{one.name} has no weights: run `forensics train {one.name}`"
        # What kind of state a slot holds is not declared; the door sees to that of attackers.
        jpeg = one is attacker or trace.handed == "jpeg"
        refusal = one.entry.needs.refusal(channels, settings.patch, settings.patch, jpeg)
        if refusal:
            return f"{one.name}: {refusal}"
    restricted = _restriction(model, trace) if model else {}
    for name, value in (restricted or {}).items():
        if point.get(name, value) != value:
            return f"trained for {name}={value}"
    return None


def _population(
    trace: Trace,
    side: str,
    point: tuple[tuple[str, Number], ...],
    attacker: Model | None,
    settings: Settings,
    others: Sequence[str],
) -> Population:
    template = trace.history(side)
    if not any(step.name == SLOT for step in template.steps):
        attacker = None
    used = tuple((k, v) for k, v in point if k in template.parameters)
    digest = identity.digest(
        template.fill(None).text(dict(used)) if attacker is None else template.text(dict(used)),
        identity.model(attacker) if attacker else "",
        repr(trace.draws),
        trace.handed,
        f"{settings.patch} {lead(trace, settings)} {settings.color} {settings.seed}",
        *(others if template.donors else ()),
        identity.core(),
    )
    return Population(trace, template, used, attacker, digest)


def _work(cells: Sequence[Cell]) -> tuple[dict[str, Population], dict[str, tuple[str, ...]]]:
    populations: dict[str, Population] = {}
    wanted: dict[str, list[str]] = {}
    for cell in cells:
        needed = {p.digest: p for p in (cell.pristine, cell.altered, cell.clean)}
        if cell.reason is not None:
            continue
        populations.update(needed)
        for digest in needed:
            if cell.model is not None:
                wanted.setdefault(digest, []).append(str(cell.model))
        if cell.attacker is not None:
            wanted.setdefault(cell.altered.digest, []).append(COST)
    return populations, {d: tuple(dict.fromkeys(models)) for d, models in wanted.items()}
