"""The histograms of codes on a CPU, one pass over each image, compiled by numba."""

# numba infers the types of compiled functions from their arguments.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
import torch
from numba import njit
from torch import Tensor

from forensics.device import parallel_for


@njit(cache=True, nogil=True)
def _digits(image, digits):
    """0, 1 or 2 a site: the third difference of each row, -3 or less, between, 3 or more."""
    height, width = digits.shape
    for y in range(height):
        row, out = image[y], digits[y]
        for x in range(width):
            r = np.int32(row[x]) - row[x + 3] + 3 * (np.int32(row[x + 2]) - row[x + 1])
            out[x] = np.uint8(r > 2) + np.uint8(r > -3)


@njit(cache=True, nogil=True)
def tally(digits, along, across):
    """Four tables of counts take turns, so that no count waits for the one before it."""
    height, width = digits.shape
    code = np.empty(width, np.uint8)
    for y in range(height):
        row = digits[y]
        for x in range(width - 3):
            code[x] = 27 * row[x] + 9 * row[x + 1] + 3 * row[x + 2] + row[x + 3]
        for x in range(width - 3):
            along[x & 3, code[x]] += 1
        if y + 3 < height:
            second, third, fourth = digits[y + 1], digits[y + 2], digits[y + 3]
            for x in range(width):
                code[x] = 27 * row[x] + 9 * second[x] + 3 * third[x] + fourth[x]
            for x in range(width):
                across[x & 3, code[x]] += 1


@njit(cache=True, nogil=True)
def _images(images, counts):
    n, height, width = images.shape
    rows = np.empty((height, width - 3), np.uint8)
    columns = np.empty((width, height - 3), np.uint8)
    turned = np.empty((width, height), np.uint8)
    for i in range(n):
        image = images[i]
        for y in range(height):
            for x in range(width):
                turned[x, y] = image[y, x]
        found = np.zeros((2, 4, 81), np.int32)
        _digits(image, rows)
        tally(rows, found[0], found[1])
        _digits(turned, columns)
        tally(columns, found[0], found[1])
        for half in range(2):
            for code in range(81):
                total = 0
                for turn in range(4):
                    total += found[half, turn, code]
                counts[i, 81 * half + code] = total


def count(planes: Tensor) -> Tensor:
    """As `feature.counts` of uint8 `[N, H, W]` on a CPU."""
    images = np.ascontiguousarray(planes.numpy())
    counts = np.empty((len(images), 162), np.int32)

    def part(some: slice) -> None:
        _images(images[some], counts[some])

    parallel_for(part, len(images), 4 * images[0].size)
    return torch.from_numpy(counts)
