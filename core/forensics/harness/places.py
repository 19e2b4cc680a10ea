"""Which patches: a fixed lattice on every photograph, taken evenly and in nested order."""

from __future__ import annotations

from collections.abc import Iterable

from forensics import random

Place = tuple[int, int]


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
