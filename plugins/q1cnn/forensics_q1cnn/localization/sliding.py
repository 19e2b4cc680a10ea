"""The counting of `phase.counting` for all windows of a tile at once, compiled by numba: each block
is transformed once, and a window takes over what it shares with those above and beside it."""

# numba infers the types of compiled functions from their arguments.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
from numba import njit

from forensics_q1cnn.phase.counting import (
    BINS,
    COSINES,
    PERIODIC,
    add,
    along_columns,
    along_rows,
    put,
)


@njit(cache=True, nogil=True, fastmath=True)
def _slide(histograms, turns, energies, order, tall, wide, scale, counts, waves, squares):
    """One row of windows on one phase, from the sums over their columns of blocks."""
    bins, turned = np.zeros_like(histograms[0]), np.zeros_like(turns[0])
    energy = np.zeros_like(energies[0])
    for x in range(counts.shape[1] + wide - 1):
        bins += histograms[x]
        turned += turns[x]
        energy += energies[x]
        if x >= wide:
            bins -= histograms[x - wide]
            turned -= turns[x - wide]
            energy -= energies[x - wide]
        n = x - wide + 1
        if n >= 0:
            made = counts[:, n], waves[:, n], squares[:, n]
            put(bins, turned, energy, order, scale, tall * wide, *made)


@njit(cache=True, nogil=True, fastmath=True)
def count(plane, across, phases, order, scale, telling, counts, waves, squares):
    """plane: float32 [8 down + 56, 8 across + 56], whose windows of 64 x 64 at multiples of 8 are
    counted row by row; phases: int64 [P]. Fills counts [64, down across, P, BINS + ..], waves
    [PERIODIC, down across, P, COSINES] and squares [64, down across, P] as counting.count does."""
    half, block = np.empty((len(plane), across + 7, 8), np.float32), np.empty((8, 8), np.float32)
    down, places = counts.shape[1] // across, np.empty(64, np.uint32)
    blocks = np.empty((down + 7, across + 7, 64), np.float32)
    # Sums over the columns of blocks of one row of windows: whole numbers, which stay exact when
    # a block goes, and doubles, which stay near enough.
    histograms = np.empty((across + 7, 64, BINS), np.float32)
    turns = np.empty((across + 7, PERIODIC, COSINES), np.float64)
    energies = np.empty((across + 7, 64), np.float64)
    for p in range(len(phases)):
        top, left = phases[p] // 8, phases[p] % 8
        tall, wide = 8 - (top > 0), 8 - (left > 0)
        histograms[:], turns[:], energies[:] = 0, 0, 0
        along_rows(plane, left, half)
        for y in range(down + tall - 1):
            for x in range(across + wide - 1):
                sums = histograms[x], turns[x], energies[x]
                along_columns(half, 8 * y + top, x, block)
                blocks[y, x] = block.reshape(64)
                add(blocks[y, x], order, np.float32(1), telling, places, *sums)
                if y >= tall:
                    add(blocks[y - tall, x], order, np.float32(-1), telling, places, *sums)
            n = (y - tall + 1) * across
            if n >= 0:
                row = slice(n, n + across)
                made = counts[:, row, p], waves[:, row, p], squares[:, row, p]
                _slide(histograms, turns, energies, order, tall, wide, scale, *made)
