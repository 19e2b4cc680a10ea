"""The photographs that the regions of a splice come from: a pure function of the plan."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from forensics import random
from forensics.bench.positions import Position
from forensics.data import Photograph
from forensics.errors import NotApplicable, UnreadableImage


def able(photographs: Iterable[Photograph], side: int) -> dict[str, Photograph]:
    """The photographs that hold a tile of this side, by hash, in the order of their hashes. They
    are a part of the identity of every condition with donors."""
    fitting = {p.sha256: p for p in photographs if min(p.size) >= side}
    return dict(sorted(fitting.items()))


def ranked(
    sizes: Mapping[str, tuple[int, int]], owner: str, position: Position, side: int, seed: int
) -> list[tuple[str, Position]]:
    """The donors for the patch of the photograph `owner` at a position, in an order of its own,
    each with the corner of a tile. sizes: (height, width) of the photographs by hash."""
    keyed = []
    for sha256, (height, width) in sizes.items():
        if sha256 != owner:
            key = random.key("donor", seed, owner, *position, sha256)
            corner = (key >> 32) % (height - side + 1), (key & 0xFFFFFFFF) % (width - side + 1)
            keyed.append((key, sha256, corner))
    return [(sha256, corner) for _, sha256, corner in sorted(keyed)]


def tiles(
    photographs: Mapping[str, Photograph],
    owner: str,
    positions: Sequence[Position],
    side: int,
    count: int,
    color: bool,
    seed: int,
) -> Tensor | None:
    """Tiles for the patches of `owner`, uint8 `[N, count, C, side, side]`, of the first donors of
    each patch that can be read; None where there are too few."""
    sizes = {sha256: p.size for sha256, p in able(photographs.values(), side).items()}
    patches = []
    for position in positions:
        cuts: list[NDArray[np.uint8]] = []
        for sha256, (y, x) in ranked(sizes, owner, position, side, seed):
            if len(cuts) == count:
                break
            try:
                pixels = _loaded(photographs[sha256], color)
            except (UnreadableImage, NotApplicable):
                continue  # on its own turn it is reported as lost or skipped
            cuts.append(pixels[:, y : y + side, x : x + side])
        if len(cuts) < count:
            return None
        patches.append(np.stack(cuts))
    return torch.from_numpy(np.stack(patches))


@functools.lru_cache(maxsize=4)
def _loaded(photograph: Photograph, color: bool) -> NDArray[np.uint8]:
    return photograph.load(color)
