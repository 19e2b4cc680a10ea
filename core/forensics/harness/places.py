"""Which patches: a fixed lattice on every photograph, taken evenly and in nested order."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from forensics import random
from forensics.batch import GRID
from forensics.data import Photograph, Source
from forensics.harness.settings import Settings
from forensics.traces import Trace

Place = tuple[int, int]


def lead(trace: Trace, settings: Settings) -> int:
    """Pixels of the tile around a patch, for the trace's grids and the values that are set."""
    return trace.lead(settings.color, settings.patch, settings.set)


def origins(positions: Tensor, lead: int) -> Tensor:
    """Where tiles begin in their photographs, int64 `[N, 2]`, as steps are told."""
    return (positions - lead) // GRID * GRID


def usable(source: Source, color: bool) -> tuple[list[Photograph], tuple[str, ...]]:
    """Gray photographs are left out of a run in color; the second list says which."""
    gray = [p for p in source if color and p.channels == 1]
    kept = [p for p in source if p not in gray]
    return kept, tuple(f"{p.name}: gray, and the run is in color" for p in gray)


def lattice(size: tuple[int, int], patch: int, lead: int) -> list[Place]:
    """The (y, x) of every patch whose tile, `lead` pixels more on each side, fits."""
    rows = range(lead, size[0] - patch - lead + 1, patch)
    columns = range(lead, size[1] - patch - lead + 1, patch)
    return [(y, x) for y in rows for x in columns]


def spread(
    photographs: Iterable[tuple[str, tuple[int, int]]], patch: int, lead: int, limit: int, seed: int
) -> dict[str, list[Place]]:
    """At most `limit` places, as evenly over the photographs (hash, size) as they have room.

    The first patch of every photograph comes before any second one, in an order that depends on
    content and seed alone: 48 places are a part of 96, and a photograph that is added or taken
    away moves no place of another.
    """
    ranked = []
    for sha256, size in photographs:
        places = lattice(size, patch, lead)
        places.sort(key=lambda place: random.key(seed, sha256, *place))
        ranked += [(rank, random.key(seed, sha256), sha256, p) for rank, p in enumerate(places)]
    chosen: dict[str, list[Place]] = {}
    for _, _, sha256, place in sorted(ranked)[:limit]:
        chosen.setdefault(sha256, []).append(place)
    return chosen
