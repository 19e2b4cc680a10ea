"""The sums of `combs` for a CPU, compiled by numba."""

# numba infers the types of compiled functions from their arguments.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np
from numba import njit

WAVES = 8
_TOGETHER = 8  # densities whose product float32 holds
_LEAST = np.float32(1e-3)
_HALF, _ONE = np.float32(0.5), np.float32(1)


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def _cosine(turns):
    """cos(2 pi turns), to 2e-5: in a form that compilers make vectors of."""
    u = turns - np.floor(turns) - _HALF
    v = u * u
    v4 = np.float32(60.2446414) + v * (np.float32(-26.4262568) + v * np.float32(7.9035364))
    v2 = np.float32(64.9393940) + v * (np.float32(-85.4568172) + v * v4)
    return -(_ONE + v * (np.float32(-19.7392088) + v * v2))


@njit(cache=True, nogil=True, fastmath=True)
def waves(x, caps, out):
    """x: float32 [N, 15, blocks]; out: float32 [N, 15, MOST, WAVES], filled up to the caps."""
    blocks = x.shape[2]
    for n in range(x.shape[0]):
        for i in range(len(caps)):
            for q in range(1, caps[i] + 1):
                rate = _ONE / np.float32(q)
                s1 = s2 = s3 = s4 = s5 = s6 = s7 = s8 = np.float32(0)
                for b in range(blocks):
                    c1 = _cosine(abs(x[n, i, b]) * rate)
                    twice = c1 + c1  # Chebyshev: cos((j + 1) t) = 2 cos t cos(j t) - cos((j - 1) t)
                    c2 = twice * c1 - _ONE
                    c3 = twice * c2 - c1
                    c4 = twice * c3 - c2
                    c5 = twice * c4 - c3
                    c6 = twice * c5 - c4
                    c7 = twice * c6 - c5
                    s1 += c1
                    s2 += c2
                    s3 += c3
                    s4 += c4
                    s5 += c5
                    s6 += c6
                    s7 += c7
                    s8 += twice * c7 - c6
                sums = (s1, s2, s3, s4, s5, s6, s7, s8)
                for j in range(WAVES):
                    out[n, i, q - 1, j] = sums[j] / np.float32(blocks)


@njit(cache=True, nogil=True, fastmath=True)
def _densities(x, rate, left, least, ratio):
    """Into `ratio`: 1 + sum over j of left[j] cos(2 pi j x / q) (Clenshaw), at least `least`.
    Returns the mean."""
    l1, l2, l3, l4 = left[0], left[1], left[2], left[3]
    l5, l6, l7, l8 = left[4], left[5], left[6], left[7]
    total = np.float32(0)
    for b in range(len(x)):
        c = _cosine(abs(x[b]) * rate)
        twice = c + c
        b7 = l7 + twice * l8
        b6 = l6 + twice * b7 - l8
        b5 = l5 + twice * b6 - b7
        b4 = l4 + twice * b5 - b6
        b3 = l3 + twice * b4 - b5
        b2 = l2 + twice * b3 - b4
        b1 = l1 + twice * b2 - b3
        value = max(_ONE + c * b1 - b2, least)
        ratio[b] = value
        total += value
    return total / np.float32(len(x))


@njit(cache=True, nogil=True, fastmath=True)
def _mixture(ratio, share, rounds):
    """`mixture.evidence` of one series of ratios."""
    count = len(ratio)
    for _ in range(rounds):
        total = np.float32(0)
        for b in range(count):
            twice = share * ratio[b]
            total += twice / (_ONE - share + twice)
        share = total / np.float32(count)
    found = 0.0
    for start in range(0, count, _TOGETHER):
        product = _ONE
        for b in range(start, min(start + _TOGETHER, count)):
            product *= _ONE - share + share * ratio[b]
        found += math.log(product)
    return found


@njit(cache=True, nogil=True, fastmath=True)
def evidence(x, left, expected, caps, share, rounds, out):
    """x: float32 [N, 15, blocks]; left: float32 [N, 15, MOST, WAVES]; expected, out: float32
    [N, 15, MOST]. rounds: 0 for a share that is given."""
    ratio = np.empty(x.shape[2], np.float32)
    for n in range(x.shape[0]):
        for i in range(len(caps)):
            for q in range(1, caps[i] + 1):
                usual = expected[n, i, q - 1]
                rate = _ONE / np.float32(q)
                mean = _densities(x[n, i], rate, left[n, i, q - 1], _LEAST, ratio)
                # Evidence is concave in the share, and at 0 it then falls.
                if rounds and mean <= usual:
                    out[n, i, q - 1] = 0
                    continue
                for b in range(len(ratio)):
                    ratio[b] /= usual
                found = _mixture(ratio, share, rounds)
                out[n, i, q - 1] = max(found, 0.0) if rounds else found
