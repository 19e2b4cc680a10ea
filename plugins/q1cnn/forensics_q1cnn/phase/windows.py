"""An image as windows whose scores add up."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict

from torch import Tensor

from forensics_q1cnn import thinning
from forensics_q1cnn.phase.features import Luma
from forensics_q1cnn.phase.network import PhaseNetwork
from forensics_q1cnn.phase.posterior import Scores, every_phase

WINDOW = 64  # pixels a side, the most that the network was trained on


def of_image(network: PhaseNetwork, seen: Luma, index: Tensor) -> tuple[Scores, int]:
    """The scores of whole images, the sums over their windows, and how many of these there are."""
    shapes: dict[tuple[int, int], list[Luma]] = defaultdict(list)
    boxes = windows(*seen.planes.shape[1:])
    for top, left, height, width in boxes:
        shapes[height, width].append(seen.cut(top, left, height, width))
    found = [
        summed(every_phase(network, Luma.cat(parts), index), len(parts))
        for parts in shapes.values()
    ]
    total = found[0]
    for scores in found[1:]:
        total = total + scores
    return total, len(boxes)


def windows(height: int, width: int) -> list[tuple[int, int, int, int]]:
    """(top, left, height, width) of windows of up to 64 pixels a side that cover all whole blocks
    of an image, of about the same size; of a large image only some rows and columns of them."""
    rows, columns = _parts(height), _parts(width)
    every = thinning.every(len(rows), len(columns))
    return [
        (top, left, down, across)
        for (top, down), (left, across) in itertools.product(rows[::every], columns[::every])
    ]


def _parts(side: int) -> list[tuple[int, int]]:
    """Start and length of the stretches of one side."""
    blocks = side // 8
    count = math.ceil(8 * blocks / WINDOW)
    edges = [8 * (blocks * n // count) for n in range(count + 1)]
    return [(a, b - a) for a, b in itertools.pairwise(edges)]


def summed(scores: Scores, windows: int) -> Scores:
    """The sums over windows of N images each, from `windows` times N scores, window by window."""

    def total(part: Tensor) -> Tensor:
        return part.unflatten(0, (windows, -1)).sum(0)

    return Scores(total(scores.tables), total(scores.steps), total(scores.single))
