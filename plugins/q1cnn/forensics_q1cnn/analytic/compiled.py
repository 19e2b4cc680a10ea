"""The likelihood of `likelihood` for a CPU, compiled by numba."""

# numba infers the types of compiled functions from their arguments.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np
from numba import float32, njit

STRAY, WIDER = 0.02, 4.0  # the share of what lies anywhere, and by how much wider
BLURRED = 2.0  # finer lattices than so many s.d. of the noise cannot be seen
LEAST = 0.05  # the least variance of the signal, in variances of the noise
# Shares of the blocks that are 0 before any quantisation, to choose from: photographs have more of
# them than a Laplacian, and a wide lattice would explain them.
ZEROS = (0.0, 0.3, 0.6)
FEWEST = 16  # blocks without clipping that will do
MOST = 32.0  # exp(-32) is nothing beside the strays

_ZERO, _ONE, _TWO, _MOST = float32(0), float32(1), float32(2), float32(MOST)
_LANES = 8  # blocks are worked on by so many, and the last few not one by one
_SHRINK = float32(1 / 64)  # of 0..32, to 0..1/2, where four terms do; six squarings lead back
_E0, _E1, _E2, _E3, _E4 = (
    float32(c)
    for c in np.polynomial.Chebyshev.interpolate(lambda y: np.exp(-y), 4, [0, 0.5])
    .convert(kind=np.polynomial.Polynomial)
    .coef
)


@njit(nogil=True, fastmath=True, inline="always")
def _decay(z):
    """exp(-z) for z >= 0 without a call, so that loops over blocks are made of vectors."""
    y = min(z, _MOST) * _SHRINK
    e = _E0 + y * (_E1 + y * (_E2 + y * (_E3 + y * _E4)))
    e = e * e
    e = e * e
    e = e * e
    e = e * e
    e = e * e
    return e * e


@njit(cache=True, nogil=True)
def _cells(q, b, zeros):
    """The probability of the cells 0 and 1 of a lattice, and by what it falls from one to the
    next. b: of the Laplacian; 0 where all are alike, in units of the density."""
    if b == 0:
        return q, q, 1.0
    half = math.exp(-q / (2 * b))
    first = (1 - zeros) * 0.5 * half * (1 - half * half)
    return zeros + (1 - zeros) * (1 - half), first, half * half


@njit(cache=True, nogil=True, fastmath=True)
def _densities(values, count, q, s, b, zeros, rest, found):
    """The density of each |x| around a lattice q, and the strays."""
    middle, first, ratio = _cells(q, b, zeros)
    scale = (1 - STRAY) / (s * math.sqrt(2 * math.pi))
    middle, first, ratio = float32(middle * scale), float32(first * scale), float32(ratio)
    rate = float32(q / b) if b > 0 else _ZERO
    sharp, turns = float32(q * q / (2 * s * s)), float32(1 / q)
    for j in range(count):
        place = values[j] * turns
        m = np.floor(place)
        t = place - m
        u = _ONE - t
        far = first * _decay(max(m - _TWO, _ZERO) * rate)
        below = far if m >= _TWO else (middle if m >= _ONE else first)
        here = middle if m < _ONE else (first if m < _TWO else far * ratio)
        above = first if m < _ONE else here * ratio
        near = here * _decay(t * t * sharp) + above * _decay(u * u * sharp)
        t, u = _ONE + t, _ONE + u
        around = below * _decay(t * t * sharp) + above * ratio * _decay(u * u * sharp)
        found[j] = near + around + rest[j]


@njit(cache=True, nogil=True, fastmath=True)
def _log_ratio(found, null, count):
    product = 1.0
    for j in range(count):
        product *= found[j] / null[j]
    return math.log(product)


@njit(cache=True, nogil=True, fastmath=True)
def _signal(values, count, s):
    """The variance of the signal, and density at 0 and rate of fall of the strays."""
    square = 0.0
    for j in range(count):
        square += values[j] * values[j]
    signal = max(square / count - s * s, LEAST * s * s)
    wide = WIDER * math.sqrt(signal + s * s)
    return signal, float32(STRAY / (2 * wide)), float32(1 / wide)


@njit(cache=True, nogil=True, fastmath=True)
def _shape(values, count, padded, s, signal, rest, null, found):
    """The share of zeros under which no lattice is most probable, and the scale beside it."""
    best, zeros, b = 0.0, ZEROS[0], math.sqrt(signal / 2)
    _densities(values, padded, BLURRED * s, s, b, zeros, rest, null)
    for share in ZEROS[1:]:
        scale = math.sqrt(signal / (2 * (1 - share)))
        _densities(values, padded, BLURRED * s, s, scale, share, rest, found)
        gain = _log_ratio(found, null, count)
        if gain > best:
            best, zeros, b = gain, share, scale
    return zeros, b


@njit(cache=True, nogil=True)
def _gather(windows, sound, values):
    """The absolute values of the blocks that are sound, or of all where these are few."""
    every = sound.sum() < FEWEST
    blocks = 0
    for y in range(windows.shape[0]):
        for x in range(windows.shape[1]):
            if every or sound[y, x]:
                for i in range(64):
                    values[i, blocks] = abs(windows[y, x, i])
                blocks += 1
    return blocks


@njit(cache=True, nogil=True, fastmath=True)
def shifted(windows, sound, spread, steps, counts, scores):
    """windows: float32 [N, Y, X, 64], coefficients in zig-zag order at every pixel; spread:
    [N, 64 phases, 64]; steps: [64, K], of which counts [64] are meant. Fills scores
    [N, 64 phases, 64, K] but for phase 0."""
    values = np.empty((64, 64), np.float32)
    rest = np.empty(64, np.float32)
    null = np.empty(64, np.float32)
    found = np.empty(64, np.float32)
    for n in range(windows.shape[0]):
        for p in range(1, 64):
            top, left = p // 8, p % 8
            blocks = _gather(windows[n, top::8, left::8], sound[n, top::8, left::8], values)
            padded = (blocks + _LANES - 1) // _LANES * _LANES
            values[:, blocks:padded] = 0
            for i in range(64):
                a, s = values[i], spread[n, p, i]
                if i:
                    signal, density, rate = _signal(a, blocks, s)
                    for j in range(padded):
                        rest[j] = density * _decay(a[j] * rate)
                    zeros, b = _shape(a, blocks, padded, s, signal, rest, null, found)
                else:
                    zeros, b = 0.0, 0.0
                    rest[:] = STRAY
                _densities(a, padded, BLURRED * s, s, b, zeros, rest, null)
                for k in range(counts[i]):
                    if steps[i, k] <= BLURRED * s:
                        scores[n, p, i, k] = 0
                    else:
                        _densities(a, padded, steps[i, k], s, b, zeros, rest, found)
                        scores[n, p, i, k] = _log_ratio(found, null, blocks)


@njit(cache=True, nogil=True)
def _beyond(y, q, s, b, zeros):
    """How probable it is that |x| lies beyond y, on one side."""
    middle, first, ratio = _cells(q, b, zeros)
    m = math.floor(y / q)
    farther = (1 - zeros) * 0.5
    total = farther * math.exp(-q * (m + 2.5) / b) if b > 0 else 0.5 - q * (m - 1.5)
    for k in range(m - 1, m + 3):
        cell = middle if k == 0 else first * ratio ** (abs(k) - 1)
        lies = 0.5 * math.erfc((y - q * k) / (s * math.sqrt(2)))
        total += cell * (lies if b > 0 else lies - 1)
    return total


@njit(cache=True, nogil=True)
def _bins(levels, second, q, s, b, zeros, rest, found):
    """The density of levels of the second lattice: their bins' probabilities by their width."""
    for j in range(len(levels)):
        inside = 1.0 if levels[j] == 0 else _beyond((levels[j] - 0.5) * second, q, s, b, zeros)
        beyond = _beyond((levels[j] + 0.5) * second, q, s, b, zeros)
        inside -= 2 * beyond if levels[j] == 0 else beyond
        found[j] = (1 - STRAY) * max(inside, 0.0) / second + rest[j]


@njit(cache=True, nogil=True)
def _weighed(many, found, null):
    total = 0.0
    for j in range(len(many)):
        total += many[j] * math.log(found[j] / null[j])
    return total


@njit(cache=True, nogil=True)
def aligned(levels, sound, seconds, spread, s, steps, counts, scores):
    """levels: int16 [N, blocks, 64] and seconds: int32 [N, 64], zig-zag order; spread: [N, 64];
    s: of the rounding between both JPEGs alone. Fills scores [N, 64, K] of phase 0."""
    finest = BLURRED * s
    for n in range(levels.shape[0]):
        every = sound[n].sum() < FEWEST
        for i in range(64):
            second = float32(seconds[n, i])
            chosen = levels[n, :, i] if every else levels[n, sound[n], i]
            magnitude = np.abs(chosen.astype(np.int32))
            times = np.bincount(magnitude)
            occur = np.nonzero(times)[0]
            many = times[occur]
            null, found = np.empty(len(occur)), np.empty(len(occur))
            zeros, b = 0.0, 0.0
            rest = np.full(len(occur), STRAY)
            if i:
                signal, density, rate = _signal(magnitude * second, len(chosen), spread[n, i])
                rest = density * np.exp(-np.minimum(occur * second * rate, MOST))
                best, b = 0.0, math.sqrt(signal / 2)
                _bins(occur, second, finest, s, b, zeros, rest, null)
                for share in ZEROS[1:]:
                    scale = math.sqrt(signal / (2 * (1 - share)))
                    _bins(occur, second, finest, s, scale, share, rest, found)
                    gain = _weighed(many, found, null)
                    if gain > best:
                        best, zeros, b = gain, share, scale
            _bins(occur, second, finest, s, b, zeros, rest, null)
            for k in range(counts[i]):
                scores[n, i, k] = 0
                if steps[i, k] > finest:
                    _bins(occur, second, steps[i, k], s, b, zeros, rest, found)
                    scores[n, i, k] = _weighed(many, found, null)
