"""Linear maps of the plane for a CPU, compiled by numba: row by row, in loops that vectorise.

Equal to the tensor path to the bit: coordinates, weights and sums are the same whole numbers.
A word of 32 bits holds a pixel and the three to its right, so that a row of the kernel is fetched
at once.
"""

# numba infers the types of compiled functions from their arguments.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
import torch
from numba import int32, njit, uint32

from forensics.device import share

_BITS = 11  # of a phase and of a weight
_DROP = 29  # from coordinates in 2**-40 pixels to phases
_HALF = 1 << (2 * _BITS - 1)


@njit(cache=True, nogil=True)
def _words(image, reach, words):
    """words[y, x]: four pixels from (y - reach, x - reach) on, the edge repeated."""
    height, width = image.shape
    row = np.empty(words.shape[1] + 3, np.uint32)
    for y in range(len(words)):
        line = image[min(max(y - reach, 0), height - 1)]
        inner = row[reach:]
        for x in range(width):
            inner[x] = line[x]
        row[:reach] = line[0]
        inner[width:] = line[width - 1]
        into, b, c, d = words[y], row[1:], row[2:], row[3:]
        for x in range(len(into)):
            into[x] = uint32(
                row[x] | uint32(b[x] << 8) | uint32(c[x] << 16) | uint32(d[x] << 24)
            )


@njit(cache=True, nogil=True)
def _coordinates(start, step, low, high, first, phase):
    for x in range(len(first)):
        place = int32((start + step * x) >> _DROP)
        phase[x] = place & ((1 << _BITS) - 1)
        first[x] = min(max(int32(place >> _BITS), int32(low)), int32(high))


@njit(cache=True, nogil=True)
def _look_up(table, phase, weights):
    """int32 `[2048, taps]` at these phases, as `[taps, W]`."""
    for k in range(len(weights)):
        column, into = table[k], weights[k]
        for x in range(len(phase)):
            into[x] = column[uint32(phase[x])]


@njit(cache=True, nogil=True)
def _fetch(words, y, x, stride, row, found):
    """The words of the kernel's row; y and x may be negative, so far as `_words` reaches."""
    for i in range(len(found)):
        found[i] = words[uint32(int32((y[i] + row) * stride) + x[i])]


@njit(cache=True, nogil=True)
def _add(found, across, down, total):
    a, b = across[0], across[1]
    if len(across) == 2:
        for x in range(len(total)):
            word = found[x]
            line = int32(int32(word & uint32(255)) * a[x])
            line = int32(line + int32(int32((word >> 8) & uint32(255)) * b[x]))
            total[x] = int32(total[x] + int32(line * down[x]))
        return
    c, d = across[2], across[3]
    for x in range(len(total)):
        word = found[x]
        left = int32(int32(word & uint32(255)) * a[x])
        left = int32(left + int32(int32((word >> 8) & uint32(255)) * b[x]))
        right = int32(int32((word >> 16) & uint32(255)) * c[x])
        right = int32(right + int32(int32((word >> 24) & uint32(255)) * d[x]))
        total[x] = int32(total[x] + int32(int32(left + right) * down[x]))


@njit(cache=True, nogil=True)
def _warp(images, lines, table, result):
    _, channels, height, width = images.shape
    count = len(table)
    reach = count - 1
    before = (count - 1) // 2
    words = np.empty((height + 2 * reach, width + reach), np.uint32)
    stride, flat = width + reach, words.ravel()
    y, x, total = np.empty(width, np.int32), np.empty(width, np.int32), np.empty(width, np.int32)
    down, across = np.empty((count, width), np.int32), np.empty((count, width), np.int32)
    phase, found = np.empty(width, np.int32), np.empty(width, np.uint32)
    # The first pixel of the kernel, as a row and a column of `words`, lies `shift` further.
    shift = reach - before
    for n in range(len(images)):
        of = lines[n]
        for c in range(channels):
            _words(images[n, c], reach, words)
            for i in range(height):
                start = of[0, 0] * i + of[0, 2] + (1 << (_DROP - 1)) + (shift << 40)
                _coordinates(start, of[0, 1], 0, height - 1 + reach, y, phase)
                _look_up(table, phase, down)
                start = of[1, 0] * i + of[1, 2] + (1 << (_DROP - 1)) + (shift << 40)
                _coordinates(start, of[1, 1], 0, width - 1 + reach, x, phase)
                _look_up(table, phase, across)
                total[:] = _HALF
                for k in range(count):
                    _fetch(flat, y, x, stride, k, found)
                    _add(found, across, down[k], total)
                row = result[n, c, i]
                for j in range(width):
                    row[j] = min(max(int32(total[j] >> (2 * _BITS)), int32(0)), int32(255))


@njit(cache=True, nogil=True)
def _pick(images, lines, result):
    """The nearest pixel: no sums."""
    _, channels, height, width = images.shape
    places = np.empty(width, np.uint32)
    for n in range(len(images)):
        of = lines[n]
        for i in range(height):
            y, x = of[0, 0] * i + of[0, 2] + (1 << 39), of[1, 0] * i + of[1, 2] + (1 << 39)
            for j in range(width):
                row = min(max(int32((y + of[0, 1] * j) >> 40), int32(0)), int32(height - 1))
                column = min(max(int32((x + of[1, 1] * j) >> 40), int32(0)), int32(width - 1))
                places[j] = uint32(int32(row * width) + column)
            for c in range(channels):
                flat, new = images[n, c].ravel(), result[n, c, i]
                for j in range(width):
                    new[j] = flat[places[j]]


def warp(pixels: torch.Tensor, lines: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """uint8 `[N, C, H, W]` at the old places that `lines` gives, int64 `[N, 2, 3]`; table: the
    kernel's weights at every phase, int32 `[phases, taps]`."""
    images, of = pixels.contiguous().numpy(), lines.numpy()
    columns = np.ascontiguousarray(table.numpy().T)
    result = np.empty_like(images)

    def work(part: slice) -> None:
        if len(columns) == 1:
            _pick(images[part], of[part], result[part])
        else:
            _warp(images[part], of[part], columns, result[part])

    share(work, len(images), images[:1].size)
    return torch.from_numpy(result)
