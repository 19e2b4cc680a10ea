"""Linear maps of the plane for a CPU, compiled by numba: row by row, in loops that vectorise.

Equal to the tensor path to the bit: coordinates, weights and sums are the same whole numbers.
A word of 32 bits holds four neighbours, so that all of a bilinear kernel or a row of a bicubic one
is fetched at once.
"""

# numba infers the types of compiled functions from their arguments.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
import torch
from numba import int32, njit, uint32

from forensics.device import parallel_for

_BITS = 11  # of a phase and of a weight
_POINT = 40  # fractional bits of coordinates
_DROP = _POINT - _BITS
_PHASES = 1 << _BITS
_HALF = 1 << (2 * _BITS - 1)


@njit(cache=True, nogil=True)
def _line(image, y, reach, row):
    """The image's row with the edge repeated above, below, `reach` pixels to the left and on."""
    height, width = image.shape
    line, inner = image[min(max(y, 0), height - 1)], row[reach:]
    for x in range(width):
        inner[x] = line[x]
    row[:reach] = line[0]
    inner[width:] = line[width - 1]


@njit(cache=True, nogil=True)
def _squares(image, above, below, words):
    """words[y, x]: the pixels (y - 1, x - 1), (y - 1, x), (y, x - 1) and (y, x)."""
    for y in range(len(words)):
        _line(image, y - 1, 1, above)
        _line(image, y, 1, below)
        into, b, d = words[y], above[1:], below[1:]
        for x in range(len(into)):
            low = uint32(above[x] | uint32(b[x] << 8))
            into[x] = uint32(low | uint32(below[x] << 16) | uint32(d[x] << 24))


@njit(cache=True, nogil=True)
def _fours(image, row, words):
    """words[y, x]: the pixels (y - 3, x - 3) to (y - 3, x)."""
    for y in range(len(words)):
        _line(image, y - 3, 3, row)
        into, b, c, d = words[y], row[1:], row[2:], row[3:]
        for x in range(len(into)):
            low = uint32(row[x] | uint32(b[x] << 8))
            into[x] = uint32(low | uint32(c[x] << 16) | uint32(d[x] << 24))


@njit(cache=True, nogil=True)
def _coordinates(of, row, taps, last, first, phase):
    """Where in the words the kernel begins for the pixels of a row, along one axis, and its phase.

    Words begin taps - 1 pixels before the image, the kernel at tap taps // 2 - 1."""
    start = of[0] * row + of[2] + (1 << (_DROP - 1)) + ((taps // 2) << _POINT)
    step, high = of[1], int32(last + taps - 1)
    for x in range(len(first)):
        place = int32((start + step * x) >> _DROP)
        phase[x] = place & (_PHASES - 1)
        first[x] = min(max(int32(place >> _BITS), int32(0)), high)


@njit(cache=True, nogil=True)
def _bilinear(images, lines, result):
    _, channels, height, width = images.shape
    tall, wide = height + 1, width + 1
    words = np.empty((channels, tall, wide), np.uint32)
    flat = words.ravel()
    above, below = np.empty(wide + 1, np.uint32), np.empty(wide + 1, np.uint32)
    y, x = np.empty(width, np.int32), np.empty(width, np.int32)
    down, right = np.empty(width, np.int32), np.empty(width, np.int32)
    place, found = np.empty(width, np.uint32), np.empty(width, np.uint32)
    for n in range(len(images)):
        for c in range(channels):
            _squares(images[n, c], above, below, words[c])
        for i in range(height):
            _coordinates(lines[n, 0], i, 2, height - 1, y, down)
            _coordinates(lines[n, 1], i, 2, width - 1, x, right)
            for j in range(width):
                place[j] = uint32(int32(y[j] * wide) + x[j])
            for c in range(channels):
                plane, row = flat[c * tall * wide :], result[n, c, i]
                for j in range(width):
                    found[j] = plane[place[j]]
                for j in range(width):
                    w, r = found[j], right[j]
                    a, b = int32(w & uint32(255)), int32((w >> 8) & uint32(255))
                    top = int32(int32(a << _BITS) + int32(int32(b - a) * r))
                    a, b = int32((w >> 16) & uint32(255)), int32(w >> 24)
                    bottom = int32(int32(a << _BITS) + int32(int32(b - a) * r))
                    total = int32(int32(top << _BITS) + int32(int32(bottom - top) * down[j]))
                    row[j] = int32(total + _HALF) >> (2 * _BITS)


@njit(cache=True, nogil=True)
def _look_up(columns, phase, weights):
    for k in range(4):
        column, into = columns[k], weights[k]
        for x in range(len(phase)):
            into[x] = column[uint32(phase[x])]


@njit(cache=True, nogil=True)
def _add(found, across, down, total):
    """Add a row of the kernel: four pixels in each word, their weights, and that of the row."""
    p, q, r, s = across[0], across[1], across[2], across[3]
    for x in range(len(total)):
        w = found[x]
        a = int32(int32(w & uint32(255)) * p[x])
        b = int32(int32((w >> 8) & uint32(255)) * q[x])
        c = int32(int32((w >> 16) & uint32(255)) * r[x])
        d = int32(int32(w >> 24) * s[x])
        total[x] = int32(total[x] + int32(int32(a + b + c + d) * down[x]))


@njit(cache=True, nogil=True)
def _bicubic(images, lines, columns, result):
    _, channels, height, width = images.shape
    tall, wide = height + 6, width + 3
    words = np.empty((channels, tall, wide), np.uint32)
    flat, padded = words.ravel(), np.empty(wide + 3, np.uint32)
    y, x = np.empty(width, np.int32), np.empty(width, np.int32)
    phase, total = np.empty(width, np.int32), np.empty(width, np.int32)
    place, found = np.empty(width, np.uint32), np.empty(width, np.uint32)
    down, across = np.empty((4, width), np.int32), np.empty((4, width), np.int32)
    for n in range(len(images)):
        for c in range(channels):
            _fours(images[n, c], padded, words[c])
        for i in range(height):
            _coordinates(lines[n, 0], i, 4, height - 1, y, phase)
            _look_up(columns, phase, down)
            _coordinates(lines[n, 1], i, 4, width - 1, x, phase)
            _look_up(columns, phase, across)
            for j in range(width):
                place[j] = uint32(int32(y[j] * wide) + x[j])
            for c in range(channels):
                total[:] = _HALF
                for k in range(4):
                    rows = flat[(c * tall + k) * wide :]
                    for j in range(width):
                        found[j] = rows[place[j]]
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
        down, across = of[0, 1], of[1, 1]
        for i in range(height):
            y, x = (
                of[0, 0] * i + of[0, 2] + (1 << (_POINT - 1)),
                of[1, 0] * i + of[1, 2] + (1 << (_POINT - 1)),
            )
            for j in range(width):
                row = min(max(int32((y + down * j) >> _POINT), int32(0)), int32(height - 1))
                column = min(max(int32((x + across * j) >> _POINT), int32(0)), int32(width - 1))
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
        elif len(columns) == 2:
            _bilinear(images[part], of[part], result[part])
        else:
            _bicubic(images[part], of[part], columns, result[part])

    parallel_for(work, len(images), images[:1].size)
    return torch.from_numpy(result)
