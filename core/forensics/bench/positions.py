"""Which patches: a fixed lattice on every photograph, taken evenly and in nested order."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from forensics import random
from forensics.batch import GRID
from forensics.bench.settings import Settings
from forensics.data import Photograph, Source
from forensics.traces.trace import SLOT_MARGIN, Trace

Position = tuple[int, int]


def margin(trace: Trace, settings: Settings) -> int:
    """Pixels of the tile around a patch, for the trace's points and the values that are set."""
    return trace.margin(settings.color, settings.patch, settings.set)


def origins(positions: Tensor, margin: int) -> Tensor:
    """Where tiles begin in their photographs, int64 `[N, 2]`, as steps are told."""
    return (positions - margin) // GRID * GRID


def usable(source: Source, color: bool) -> tuple[list[Photograph], tuple[str, ...]]:
    """Gray photographs are left out of a run in color; the second list says which."""
    gray = [p for p in source if color and p.channels == 1]
    kept = [p for p in source if p not in gray]
    return kept, tuple(f"{p.name}: gray, and the run is in color" for p in gray)


def lattice(size: tuple[int, int], patch: int, margin: int) -> list[Position]:
    """The (y, x) of every patch whose tile, `margin` pixels more on each side, fits. The patches
    lie on one lattice for all margins, of which larger ones leave out those near the border; or
    half a patch further along an axis, where that has room for more."""
    rows, columns = (_axis(side, patch, margin) for side in size)
    return [(y, x) for y in rows for x in columns]


def _axis(side: int, patch: int, margin: int) -> list[int]:
    """The patches along one axis, in step with GRID. In the middle are as many as fit with what a
    slot gives an attacker."""
    count = max((side - 2 * SLOT_MARGIN) // patch, 1)
    first = (side - count * patch) // 2
    both = (range((f // GRID * GRID) % patch, side, patch) for f in (first, first + patch // 2))
    # The first of two of one length.
    return max(([p for p in f if margin <= p <= side - patch - margin] for f in both), key=len)


def spread(
    photographs: Iterable[tuple[str, tuple[int, int]]],
    patch: int,
    margin: int,
    limit: int,
    seed: int,
) -> dict[str, list[Position]]:
    """At most `limit` positions, as evenly over the photographs (hash, size) as they have room.

    The first patch of every photograph comes before any second one, in an order that depends on
    content and seed alone: 48 positions are a part of 96, and a photograph that is added or taken
    away moves no place of another.
    """
    ranked = []
    for sha256, size in photographs:
        positions = lattice(size, patch, margin)
        positions.sort(key=lambda position: random.key(seed, sha256, *position))
        ranked += [(rank, random.key(seed, sha256), sha256, p) for rank, p in enumerate(positions)]
    chosen: dict[str, list[Position]] = {}
    for _, _, sha256, position in sorted(ranked)[:limit]:
        chosen.setdefault(sha256, []).append(position)
    return chosen
