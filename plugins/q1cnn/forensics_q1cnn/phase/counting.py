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
    np.uint8,
)
# What rounds to halves: a little more than .5, for coefficients do lie just between two halves and
# would be in this bin or that one by their last bit.
ROUNDED = 0.5 + 2**-12
_FINE = 1024
_COSINE = np.cos(2 * np.pi * np.arange(_FINE) / _FINE).astype(np.float32)
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
def along_rows(plane, left, half):
    """The DCT of all rows of a plane, 8 pixels at a time from `left` on, into half [H, .., 8]."""
    for r in range(plane.shape[0]):
        for b in range((plane.shape[1] - left) // 8):
            half[r, b] = 0
            for n in range(8):
                v = plane[r, left + 8 * b + n]
                for k in range(8):
                    half[r, b, k] += v * _DCT[n, k]


@njit(cache=True, nogil=True, fastmath=True)
def along_columns(half, y, b, block):
    """The DCT of the block that begins in row y and is the b-th of it, into block [8, 8]."""
    block[:] = 0
    for j in range(8):
        for n in range(8):
            v = _DCT[n, j]
            for k in range(8):
                block[j, k] += v * half[y + n, b, k]


@njit(cache=True, nogil=True, fastmath=True)
def add(flat, order, weight, telling, places, bins, waves, energy):
    """One block's coefficients to the sums of its patch and phase, bins and energy in natural
    order, waves in zig-zag order; with weight -1 it goes again. places: room for 64 bins."""
    for i in range(64):
        value = abs(flat[i])
        energy[i] += weight * value * value
        places[i] = np.int32(min(value * np.float32(2) + np.float32(ROUNDED), np.float32(160)))
    for i in range(1, 64):  # the lattice of the DC shows in its cosines alone
        # Unsigned, or numba asks of each index whether it counts from the end.
        bins[np.uint32(i), BIN[places[i]]] += weight
    for i in range(PERIODIC):
        value = abs(flat[order[i]])
        if i == 0 or value > telling:
            for t in range(COSINES):
                turns = value * _RATES[t]
                part = (turns - np.floor(turns)) * np.float32(_FINE) + np.float32(0.5)
                # Kept in the table where turns are too many to have a fraction, as in a file made
                # to do harm.
                waves[i, t] += weight * _COSINE[np.uint32(np.int32(part)) & np.uint32(_FINE - 1)]


@njit(cache=True, nogil=True, fastmath=True)
def put(bins, turned, energy, order, scale, blocks, counts, waves, squares):
    """The sums of so many blocks to where the network looks: counts [64, ..], waves [PERIODIC, ..]
    and squares [64], the mean of x squared, in zig-zag order."""
    for i in range(64):
        place = order[i]
        squares[i] = energy[place] / blocks
        for b in range(BINS):
            counts[i, b] = bins[place, b] * scale
    for i in range(PERIODIC):
        for t in range(COSINES):
            waves[i, t] = turned[i, t] * scale


@njit(cache=True, nogil=True, fastmath=True)
def count(planes, phases, order, scale, telling, counts, waves, squares):
    """planes: float32 [N, H, W]; phases: int64 [N, P], 8 row + column; order: natural places in
    zig-zag order. Fills counts [64, N, P, BINS + ..], waves [PERIODIC, N, P, COSINES] and squares
    [64, N, P], the mean of x squared."""
    height, width = planes.shape[1:]
    half, block = np.empty((height, width // 8, 8), np.float32), np.empty((8, 8), np.float32)
    # Sums in one small place: those of a patch and phase lie far apart.
    bins, energy = np.empty((64, BINS), np.float32), np.empty(64, np.float32)
    sums, places = np.empty((PERIODIC, COSINES), np.float32), np.empty(64, np.uint32)
    for n in range(planes.shape[0]):
        for left in range(8):
            chosen = np.nonzero(phases[n] % 8 == left)[0]
            if len(chosen):
                along_rows(planes[n], left, half)
            for p in chosen:
                bins[:], sums[:], energy[:] = 0, 0, 0
                down, across = (height - phases[n, p] // 8) // 8, (width - left) // 8
                for y in range(down):
                    for x in range(across):
                        along_columns(half, phases[n, p] // 8 + 8 * y, x, block)
                        flat = block.reshape(64)
                        add(flat, order, np.float32(1), telling, places, bins, sums, energy)
                made = counts[:, n, p], waves[:, n, p], squares[:, n, p]
                put(bins, sums, energy, order, scale, down * across, *made)
