"""An image as windows whose scores add up."""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from forensics_q1cnn import thinning
from forensics_q1cnn.phase.features import Luma
from forensics_q1cnn.phase.network import PhaseNetwork
from forensics_q1cnn.phase.posterior import Scores, every_phase

WINDOW = 64  # pixels a side, the most that the network was trained on
_BESIDE = 4  # windows beside one another in a part, the most that `once` was trained on


@dataclass(frozen=True, eq=False)
class Part:
    """Up to 4 x 4 windows of N images. scores: the sums over them; windows: how many; seen: what
    they cover."""

    scores: Scores
    windows: int
    seen: Luma


def of_image(network: PhaseNetwork, seen: Luma, index: Tensor) -> list[Part]:
    """Whole images, part by part."""
    found = []
    for boxes in parts(*seen.planes.shape[1:]):
        shapes: dict[tuple[int, int], list[Luma]] = defaultdict(list)
        for top, left, height, width in boxes:
            shapes[height, width].append(seen.cut(top, left, height, width))
        scores = total(
            [
                summed(every_phase(network, Luma.cat(alike), index), len(alike))
                for alike in shapes.values()
            ]
        )
        top, left = boxes[0][:2]
        bottom, right = (boxes[-1][axis] + boxes[-1][axis + 2] for axis in (0, 1))
        found.append(Part(scores, len(boxes), seen.cut(top, left, bottom - top, right - left)))
    return found


def total(scores: Sequence[Scores]) -> Scores:
    """The sum of the scores of several parts."""
    return functools.reduce(operator.add, scores)


def parts(height: int, width: int) -> list[list[tuple[int, int, int, int]]]:
    """(top, left, height, width) of windows of up to 64 pixels a side that cover all whole blocks
    of an image, of about the same size; of a large image only some rows and columns of them. In
    groups of neighbours, up to 4 x 4."""
    rows, columns = _parts(height), _parts(width)
    every = thinning.every(len(rows), len(columns))
    return [
        [
            (top, left, down, across)
            for (top, down), (left, across) in itertools.product(those, these)
        ]
        for those, these in itertools.product(_grouped(rows[::every]), _grouped(columns[::every]))
    ]


def windows(height: int, width: int) -> list[tuple[int, int, int, int]]:
    """All of them."""
    return [box for boxes in parts(height, width) for box in boxes]


def _grouped(stretches: Sequence[tuple[int, int]]) -> list[Sequence[tuple[int, int]]]:
    """In groups of up to four, as even as can be."""
    count = math.ceil(len(stretches) / _BESIDE)
    edges = [len(stretches) * n // count for n in range(count + 1)]
    return [stretches[a:b] for a, b in itertools.pairwise(edges)]


def _parts(side: int) -> list[tuple[int, int]]:
    """Start and length of the stretches of one side."""
    blocks = side // 8
    count = math.ceil(8 * blocks / WINDOW)
    edges = [8 * (blocks * n // count) for n in range(count + 1)]
    return [(a, b - a) for a, b in itertools.pairwise(edges)]


def summed(scores: Scores, windows: int) -> Scores:
    """The sums over windows of N images each, from `windows` times N scores, window by window."""

    def added(part: Tensor) -> Tensor:
        return part.unflatten(0, (windows, -1)).sum(0)

    return Scores(added(scores.tables), added(scores.steps), added(scores.single))
