"""The median filter for a CPU, compiled by numba: a histogram that slides along each row.

Huang, Yang and Tang, 1979, "A fast two-dimensional median filtering algorithm": one column of
the window enters the histogram and one leaves it, and the median moves by what they bring.
"""

# numba infers the types of compiled functions from their arguments.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numba import njit


@njit(cache=True, nogil=True)
def _slide(padded, size, result):
    height, width = result.shape
    half = size * size // 2
    counts = np.zeros(256, np.int32)
    for i in range(height):
        counts[:] = 0
        for y in range(i, i + size):
            for x in range(size):
                counts[padded[y, x]] += 1
        middle, below = 0, 0  # below: how many of the window are less than the middle
        for j in range(width):
            if j:
                for y in range(i, i + size):
                    leaves, enters = padded[y, j - 1], padded[y, j + size - 1]
                    counts[leaves] -= 1
                    counts[enters] += 1
                    below += int(enters < middle) - int(leaves < middle)
            while below > half:
                middle -= 1
                below -= counts[middle]
            while below + counts[middle] <= half:
                below += counts[middle]
                middle += 1
            result[i, j] = middle


@njit(cache=True, nogil=True)
def _nine(padded, result):
    """Size 3: the median of the largest low, the middle middle and the smallest high of the three
    columns, each column in order (Smith, 1996, "Implementing median filters in XC4000E FPGAs")."""
    height, width = result.shape
    low = np.empty(width + 2, np.uint8)
    mid = np.empty(width + 2, np.uint8)
    high = np.empty(width + 2, np.uint8)
    for i in range(height):
        for x in range(width + 2):
            a, b, c = padded[i, x], padded[i + 1, x], padded[i + 2, x]
            small, large = min(a, b), max(a, b)
            low[x] = min(small, c)
            high[x] = max(large, c)
            mid[x] = max(small, min(large, c))
        for j in range(width):
            lows = max(max(low[j], low[j + 1]), low[j + 2])
            highs = min(min(high[j], high[j + 1]), high[j + 2])
            small, large = min(mid[j], mid[j + 1]), max(mid[j], mid[j + 1])
            middle = max(small, min(large, mid[j + 2]))
            small, large = min(lows, middle), max(lows, middle)
            result[i, j] = max(small, min(large, highs))


def median_planes(padded: np.ndarray, size: int) -> np.ndarray:
    """uint8 `[planes, H + size - 1, W + size - 1]` -> uint8 `[planes, H, W]`, shared out to as many
    threads as torch may use."""
    planes, height, width = padded.shape
    result = np.empty((planes, height - size + 1, width - size + 1), np.uint8)

    def one(number: int) -> None:
        if size == 3:
            _nine(padded[number], result[number])
        else:
            _slide(padded[number], size, result[number])

    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        list(pool.map(one, range(planes)))
    return result
