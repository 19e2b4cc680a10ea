"""Blocks for the compiled path: islow DCT, quantisation and back, a row of blocks at a time.

The arithmetic is that of `transform`, where it is explained. numba computes in 64 bits; the
`int32` around each sum lets the compiler prove that 32 suffice, without which nothing is
vectorised. Both DCT passes run down columns, with a transposition between them, for the same
reason.
"""

# numba infers the types of compiled functions from their arguments.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
from numba import float32, int32, njit


@njit(cache=True, nogil=True)
def _descale(x, bits):
    return int32(int32(x + (1 << (bits - 1))) >> bits)


@njit(cache=True, nogil=True)
def _wrap(x):
    return int32(int32(x << 16) >> 16)


@njit(cache=True, nogil=True)
def _saturate(x):
    return min(max(int32(x), int32(-32768)), int32(32767))


@njit(cache=True, nogil=True)
def clip(x):
    return min(max(int32(x), int32(0)), int32(255))


@njit(cache=True, nogil=True)
def _forward(a, bits):
    """Eight samples to eight frequencies down each column of int32 `[8, n]`, in place."""
    for x in range(a.shape[1]):
        d0, d1, d2, d3 = a[0, x], a[1, x], a[2, x], a[3, x]
        d4, d5, d6, d7 = a[4, x], a[5, x], a[6, x], a[7, x]
        s0, s1, s2, s3 = int32(d0 + d7), int32(d1 + d6), int32(d2 + d5), int32(d3 + d4)
        t7, t6, t5, t4 = int32(d0 - d7), int32(d1 - d6), int32(d2 - d5), int32(d3 - d4)
        u10, u13, u11, u12 = int32(s0 + s3), int32(s0 - s3), int32(s1 + s2), int32(s1 - s2)
        even = int32((u12 + u13) * 4433)
        z5 = int32((t4 + t6 + t5 + t7) * 9633)
        z1, z2 = int32((t4 + t7) * -7373), int32((t5 + t6) * -20995)
        z3, z4 = int32((t4 + t6) * -16069 + z5), int32((t5 + t7) * -3196 + z5)
        a[0, x] = _descale((u10 + u11) << 13, bits)
        a[1, x] = _descale(t7 * 12299 + z1 + z4, bits)
        a[2, x] = _descale(even + u13 * 6270, bits)
        a[3, x] = _descale(t6 * 25172 + z2 + z3, bits)
        a[4, x] = _descale((u10 - u11) << 13, bits)
        a[5, x] = _descale(t5 * 16819 + z2 + z4, bits)
        a[6, x] = _descale(even + u12 * -15137, bits)
        a[7, x] = _descale(t4 * 2446 + z1 + z3, bits)


@njit(cache=True, nogil=True)
def _inverse(a, bits):
    """Eight frequencies to eight samples down each column of int32 `[8, n]`, in place."""
    for x in range(a.shape[1]):
        k0, k1, k2, k3 = a[0, x], a[1, x], a[2, x], a[3, x]
        k4, k5, k6, k7 = a[4, x], a[5, x], a[6, x], a[7, x]
        even = int32((k2 + k6) * 4433)
        t2, t3 = int32(even + k6 * -15137), int32(even + k2 * 6270)
        t0, t1 = int32(_wrap(k0 + k4) << 13), int32(_wrap(k0 - k4) << 13)
        e0, e1, e2, e3 = int32(t0 + t3), int32(t1 + t2), int32(t1 - t2), int32(t0 - t3)
        z3, z4 = _wrap(k7 + k3), _wrap(k5 + k1)
        z5 = int32((z3 + z4) * 9633)
        z1, z2 = int32((k7 + k1) * -7373), int32((k5 + k3) * -20995)
        z3, z4 = int32(z3 * -16069 + z5), int32(z4 * -3196 + z5)
        o0, o1 = int32(k1 * 12299 + z1 + z4), int32(k3 * 25172 + z2 + z3)
        o2, o3 = int32(k5 * 16819 + z2 + z4), int32(k7 * 2446 + z1 + z3)
        a[0, x] = _descale(e0 + o0, bits)
        a[1, x] = _descale(e1 + o1, bits)
        a[2, x] = _descale(e2 + o2, bits)
        a[3, x] = _descale(e3 + o3, bits)
        a[4, x] = _descale(e3 - o3, bits)
        a[5, x] = _descale(e2 - o2, bits)
        a[6, x] = _descale(e1 - o1, bits)
        a[7, x] = _descale(e0 - o0, bits)


@njit(cache=True, nogil=True)
def _transpose(a, b):
    """Transpose each 8 x 8 block of `[8, 8 n]`."""
    for block in range(0, a.shape[1], 8):
        for i in range(8):
            for j in range(8):
                b[j, block + i] = a[i, block + j]


@njit(cache=True, nogil=True)
def quantise(plane, steps, levels):
    """uint8 `[8 by, 8 bx]`, int32 `[8, 8]` -> int16 `[by, bx, 8, 8]`."""
    by, bx = levels.shape[:2]
    a, b = np.empty((8, 8 * bx), np.int32), np.empty((8, 8 * bx), np.int32)
    half, inverse = np.empty((8, 8), np.float32), np.empty((8, 8), np.float32)
    for i in range(8):
        for j in range(8):
            # The 0.5 outweighs the error of the reciprocal, and no quotient lies that near below.
            half[i, j] = float32(4 * steps[i, j] + 0.5)
            inverse[i, j] = float32(1) / float32(8 * steps[i, j])
    for y in range(by):
        for x in range(0, 8 * bx, 8):
            for i in range(8):
                for j in range(8):
                    b[j, x + i] = int32(plane[8 * y + i, x + j]) - 128
        _forward(b, 11)
        _transpose(b, a)
        _forward(a, 15)
        for x in range(bx):
            for i in range(8):
                for j in range(8):
                    c = float32(a[i, 8 * x + j])
                    signed = half[i, j] if c >= 0 else -half[i, j]
                    levels[y, x, i, j] = int32((c + signed) * inverse[i, j])


@njit(cache=True, nogil=True)
def restore(levels, steps, plane):
    """int16 `[by, bx, 8, 8]`, int32 `[8, 8]` -> uint8 `[8 by, 8 bx]`."""
    by, bx = levels.shape[:2]
    a, b = np.empty((8, 8 * bx), np.int32), np.empty((8, 8 * bx), np.int32)
    for y in range(by):
        for x in range(bx):
            for i in range(8):
                for j in range(8):
                    a[i, 8 * x + j] = _wrap(levels[y, x, i, j] * steps[i, j])
        _inverse(a, 11)
        for x in range(bx):
            busy = int32(0)
            for i in range(1, 8):
                for j in range(8):
                    busy |= levels[y, x, i, j]
            for i in range(8):
                for j in range(8 * x, 8 * x + 8):
                    value = a[i, j]
                    a[i, j] = _saturate(value) if busy else _wrap(value)
        _transpose(a, b)
        _inverse(b, 18)
        for x in range(0, 8 * bx, 8):
            for i in range(8):
                for j in range(8):
                    plane[8 * y + i, x + j] = clip(b[j, x + i] + 128)
