"""Networks of comparators that find the median of a square window.

After the columns and then the rows of a square are sorted, both are in order (Knuth, The Art of
Computer Programming, volume 3, section 5.2.1, exercise 27), so that few of its numbers can still
be the median. A sorting network orders these; of its comparators only those stay that ever swap
something and whose result is asked for.
"""

from __future__ import annotations

import functools
import itertools

import numpy as np
from numpy.typing import NDArray


def sorting(count: int) -> list[tuple[int, int]]:
    """Pairs (i, j), i < j, that sort `count` numbers when each pair is put in order: Batcher's
    odd-even mergesort (Knuth, volume 3, algorithm 5.2.2M)."""
    pairs = []
    for p in (1 << e for e in range((count - 1).bit_length())):
        for k in (p >> e for e in range(p.bit_length())):
            for j in range(k % p, count - k, 2 * k):
                for i in range(j, min(j + k, count - k)):
                    if i // (2 * p) == (i + k) // (2 * p):
                        pairs.append((i, i + k))
    return pairs


def staircases(size: int) -> NDArray[np.bool_]:
    """All 0-1 squares whose rows and columns are in order, `[count, size * size]`."""
    found = []
    for ones in itertools.combinations_with_replacement(range(size + 1), size):
        found.append([column >= size - ones[row] for row in range(size) for column in range(size)])
    return np.array(found)


@functools.cache
def median(size: int) -> tuple[NDArray[np.int64], int]:
    """What is left to do in a square whose columns are sorted, and where the median lies then.

    int64 `[steps, 4]`: places i and j of numbers to put in order, whether the smaller one is asked
    for, and the larger one. By the 0-1 principle the network is right for all squares if it is
    for the staircases, where comparators that never swap are found too.
    """
    half = size * size // 2 + 1
    ordered = list(itertools.product(range(1, size + 1), repeat=2))
    # How many are at most, and at least, as large as the number in this row and column.
    left = [(i, j) for i, j in ordered if max(i * j, (size - i + 1) * (size - j + 1)) <= half]
    left.sort(key=lambda p: p[0] * p[1] - (size - p[0] + 1) * (size - p[1] + 1))
    places = [(i - 1) * size + j - 1 for i, j in left]
    steps = [(row * size + i, row * size + j) for row in range(size) for i, j in sorting(size)]
    state = staircases(size)
    for i, j in ((places[a], places[b]) for a, b in sorting(len(places))):
        one, other = state[:, i], state[:, j]
        if (one & ~other).any():
            state[:, i], state[:, j] = one & other, one | other
            steps.append((i, j))
    middle = places[len(places) // 2]
    asked, kept = {middle}, []
    for i, j in reversed(steps):
        if i in asked or j in asked:
            kept.append((i, j, i in asked, j in asked))
            asked |= {i, j}
    return np.array(kept[::-1], np.int64), middle
