"""The counting of `features` for a CPU, compiled by numba."""

# numba infers the types of compiled functions from their arguments.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np
from numba import njit

PERIODS = np.array([1 + i / 2 for i in range(15)] + list(range(9, 17)), np.float32)
COSINES = len(PERIODS)
PERIODIC = 6  # so many frequencies have cosine sums
BINS = 67

# |x| in halves, rounded, -> bin: of width .5 to 16, 1 to 40, 4 to 80, and beyond. Rounded, so that
# the whole numbers that coefficients of the second grid are lie in the middle of their bins.
BIN = np.array(
    [h if h < 32 else 32 + (h - 32) // 2 if h < 80 else 56 + (h - 80) // 8 for h in range(160)]
    + [BINS - 1],
    np.int64,
)
_FINE = 1024
_COSINE = np.cos(2 * np.pi * (np.arange(_FINE) + 0.5) / _FINE).astype(np.float32)
_RATES = (1 / PERIODS).astype(np.float32)
_DCT = np.array(
    [
        [
            math.cos((2 * n + 1) * k * math.pi / 16) * math.sqrt((1 if k == 0 else 2) / 8)
            for k in range(8)
        ]
        for n in range(8)
    ],
    np.float32,
)


@njit(cache=True, nogil=True, fastmath=True)
def transform(plane, y, x, half, block):
    """The DCT of the window at (y, x), into block [8, 8]."""
    half[:] = 0
    block[:] = 0
    for r in range(8):
        for n in range(8):
            v = plane[y + r, x + n]
            for k in range(8):
                half[r, k] += v * _DCT[n, k]
    for j in range(8):
        for n in range(8):
            v = _DCT[n, j]
            for k in range(8):
                block[j, k] += v * half[n, k]


@njit(cache=True, nogil=True, fastmath=True)
def add(flat, order, weight, telling, bins, waves, energy):
    """One block's coefficients to the sums of its patch and phase; with weight -1 it goes again."""
    for i in range(64):
        value = abs(flat[order[i]])
        energy[i] += weight * value * value
        if i:  # the lattice of the DC shows in its cosines alone
            bins[i, BIN[min(int(value * 2 + np.float32(0.5)), 160)]] += weight
        if i < PERIODIC and (i == 0 or value > telling):
            for t in range(COSINES):
                turns = value * _RATES[t]
                waves[i, t] += weight * _COSINE[int((turns - int(turns)) * _FINE)]


@njit(cache=True, nogil=True, fastmath=True)
def count(planes, phases, order, scale, telling, counts, waves, squares):
    """planes: float32 [N, H, W]; phases: int64 [N, P], 8 row + column; order: natural places in
    zig-zag order. Fills counts [64, N, P, BINS + ..], waves [PERIODIC, N, P, COSINES] and squares
    [64, N, P], the mean of x squared."""
    half, block = np.empty((8, 8), np.float32), np.empty((8, 8), np.float32)
    flat = block.reshape(64)
    height, width = planes.shape[1:]
    for n in range(planes.shape[0]):
        for p in range(phases.shape[1]):
            top, left = phases[n, p] // 8, phases[n, p] % 8
            bins, sums, energy = counts[:, n, p], waves[:, n, p], squares[:, n, p]
            bins[:], sums[:], energy[:] = 0, 0, 0
            blocks = ((height - top) // 8) * ((width - left) // 8)
            for y in range(top, height - 7, 8):
                for x in range(left, width - 7, 8):
                    transform(planes[n], y, x, half, block)
                    add(flat, order, np.float32(1), telling, bins, sums, energy)
            bins *= scale
            sums *= scale
            energy /= blocks
