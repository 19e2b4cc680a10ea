"""The histograms of the wider feature on a CPU, compiled by numba."""

# numba infers the types of compiled functions from their arguments.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numba import njit
from torch import Tensor

from forensics.device import parallel_for
from forensics_srmcnn.compiled import tally


@njit(cache=True, nogil=True)
def _differences(image, out):
    """First, second and third order along rows, and the square, each in its own rows of `out`."""
    height, width = image.shape
    for y in range(height):
        first, second, third = out[0, y], out[1, y], out[2, y]
        row = image[y]
        for x in range(width - 1):
            first[x] = np.int16(row[x + 1]) - np.int16(row[x])
        for x in range(width - 2):
            second[x] = first[x + 1] - first[x]
        for x in range(width - 3):
            third[x] = second[x] - second[x + 1]
    for y in range(height - 2):
        above, here, below, square = out[1, y], out[1, y + 1], out[1, y + 2], out[3, y]
        for x in range(width - 2):
            square[x] = above[x] - 2 * here[x] + below[x]


@njit(cache=True, nogil=True)
def _images(images, kinds, counts):
    n, height, width = images.shape
    side = max(height, width)
    residuals = np.empty((4, side, side), np.int16)
    digits = np.empty((side, side), np.uint8)
    for i in range(n):
        for lying in range(2):
            image = np.ascontiguousarray(images[i].T) if lying else images[i]
            h, w = image.shape
            _differences(image, residuals)
            for k in range(len(kinds)):
                kind, limit = kinds[k]
                rows = h - 2 if kind == 4 else h
                columns = w - (2 if kind == 4 else kind)
                for y in range(rows):
                    residual, digit = residuals[kind - 1, y], digits[y]
                    for x in range(columns):
                        r = residual[x]
                        digit[x] = np.uint8(r > limit) + np.uint8(r >= -limit)
                found = np.zeros((2, 4, 81), np.int32)
                tally(digits[:rows, :columns], found[0], found[1])
                for half in range(2):
                    for code in range(81):
                        for turn in range(4):
                            counts[i, k, half, code] += found[half, turn, code]


def count(planes: Tensor, kinds: Sequence[tuple[int, int]]) -> Tensor:
    """As `wide.counts` of uint8 `[N, H, W]` on a CPU."""
    images = np.ascontiguousarray(planes.numpy())
    table = np.array(kinds, np.int64)
    counts = np.zeros((len(images), len(table), 2, 81), np.int32)

    def part(some: slice) -> None:
        _images(images[some], table, counts[some])

    parallel_for(part, len(images), 48 * images[0].size)
    return torch.from_numpy(counts)
