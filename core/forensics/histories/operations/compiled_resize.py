"""Resizing for a CPU, compiled by numba: along rows, two of them at once, then down the columns.

Equal to the tensor path to the bit, which takes 4 to 14 times as long on one core: the sums are the
same whole numbers. Two rows share one 64-bit word, a sum of 32 bits in either half; what a negative
lower sum borrows from the upper one is given back when they part.
"""

# numba infers the types of compiled functions from their arguments.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
import torch
from numba import int32, int64, njit, uint64

from forensics.device import parallel_for

_BITS = 22  # of the weights' product; with antialias, of either weight


@njit(cache=True, nogil=True)
def _joined(top, bottom, reach, words):
    """Two rows as one, the edge repeated for `reach` pixels on the left and for more on the
    right."""
    width = len(top)
    inner = words[reach:]
    for x in range(width):
        inner[x] = int64(top[x]) | (int64(bottom[x]) << 32)
    words[:reach] = inner[0]
    inner[width:] = inner[width - 1]


@njit(cache=True, nogil=True)
def _two(words, first, weights, rows, y, other):
    """Weighted sums of two neighbours, as the rows y and `other`."""
    # Views of rows would be counted for each call, which takes as long as the sums.
    for x in range(len(first)):
        i = first[x]
        both = words[i] * weights[0, x] + words[i + 1] * weights[1, x]
        low = int32(both)
        rows[y, x] = low
        rows[other, x] = int32((both - low) >> 32)


@njit(cache=True, nogil=True)
def _more(words, first, weights, sums, rows, y, other):
    """The same of a multiple of four neighbours; sums: room for a row."""
    last = len(weights) - 4
    for x in range(len(first)):
        sums[x] = 0
    for k in range(0, last, 4):
        for x in range(len(first)):
            i = first[x] + uint64(k)
            near = words[i] * weights[k, x] + words[i + 1] * weights[k + 1, x]
            far = words[i + 2] * weights[k + 2, x] + words[i + 3] * weights[k + 3, x]
            sums[x] += near + far
    for x in range(len(first)):
        i = first[x] + uint64(last)
        near = words[i] * weights[last, x] + words[i + 1] * weights[last + 1, x]
        far = words[i + 2] * weights[last + 2, x] + words[i + 3] * weights[last + 3, x]
        both = sums[x] + near + far
        low = int32(both)
        rows[y, x] = low
        rows[other, x] = int32((both - low) >> 32)


@njit(cache=True, nogil=True)
def _rounded(sums, row):
    for x in range(len(sums)):
        row[x] = min(max(int32(int32(sums[x] + (1 << (_BITS - 1))) >> _BITS), int32(0)), int32(255))


@njit(cache=True, nogil=True)
def _down(rows, first, weights, sums):
    """Weighted sums of the rows from `first` on."""
    last = len(rows) - 1
    for k in range(0, len(weights), 2):
        a = rows[min(max(first + k, 0), last)]
        b = rows[min(max(first + k + 1, 0), last)]
        v, w = weights[k], weights[k + 1]
        if k == 0:
            for x in range(len(sums)):
                sums[x] = int32(int32(a[x] * v) + int32(b[x] * w))
        else:
            for x in range(len(sums)):
                sums[x] = int32(sums[x] + int32(a[x] * v) + int32(b[x] * w))


@njit(cache=True, nogil=True)
def _resize(images, rows, down, columns, across, antialias, result):
    _, channels, height, width = images.shape
    _, _, tall, wide = result.shape
    reach = across.shape[1]
    words = np.empty(width + 3 * reach, np.int64)
    middle = np.empty((height, wide), np.int32)
    sums, total = np.empty(wide, np.int64), np.empty(wide, np.int32)
    for n in range(len(images)):
        one_row, one_column = n % len(rows), n % len(columns)
        for c in range(channels):
            image = images[n, c]
            for y in range(0, height, 2):
                other = min(y + 1, height - 1)
                _joined(image[y], image[other], reach, words)
                place, weights = columns[one_column], across[one_column]
                if len(weights) == 2:
                    _two(words, place, weights, middle, y, other)
                else:
                    _more(words, place, weights, sums, middle, y, other)
                if antialias:
                    # As Pillow: 8 bit between the passes, along rows first.
                    _rounded(middle[y], middle[y])
                    if other > y:
                        _rounded(middle[other], middle[other])
            for y in range(tall):
                _down(middle, rows[one_row, y], down[one_row, y], total)
                _rounded(total, result[n, c, y])


@njit(cache=True, nogil=True)
def _pick(images, rows, columns, result):
    """The nearest pixel: no sums."""
    last = images.shape[2] - 1
    for n in range(len(images)):
        one_row, places = n % len(rows), columns[n % len(columns)]
        for c in range(images.shape[1]):
            for y in range(result.shape[2]):
                old = images[n, c, min(max(rows[one_row, y], 0), last)]
                new = result[n, c, y]
                for x in range(len(new)):
                    new[x] = old[places[x]]


def interpolate(
    pixels: torch.Tensor,
    rows: tuple[torch.Tensor, torch.Tensor],
    columns: tuple[torch.Tensor, torch.Tensor],
    antialias: bool,
) -> torch.Tensor:
    """uint8 `[N, C, H, W]` -> `[N, C, T, U]`; rows and columns: the first old pixel of each new
    one, int64 `[1 or N, T]`, and the weights from there, int32 `[1 or N, T, K]`."""
    images = pixels.contiguous().numpy()
    n, channels, _, width = images.shape
    result = np.empty((n, channels, rows[0].shape[1], columns[0].shape[1]), np.uint8)
    top, left = rows[0].numpy(), columns[0].numpy()
    down, across = _even(rows[1]), np.ascontiguousarray(_even(columns[1]).transpose(0, 2, 1))
    reach = across.shape[1]
    # Further out there is only the edge. Unsigned: numba need not look for negative places.
    places = (left.clip(-reach, width) + reach).astype(np.uint64)
    nearest = left.clip(0, width - 1).astype(np.uint64)

    def work(part: slice) -> None:
        def mine(values: np.ndarray) -> np.ndarray:
            return values if len(values) == 1 else values[part]

        if rows[1].shape[2] == 1:
            _pick(images[part], mine(top), mine(nearest), result[part])
            return
        given = (mine(top), mine(down), mine(places), mine(across))
        _resize(images[part], *given, antialias, result[part])

    parallel_for(work, n, max(images[:1].size, result[:1].size))
    return torch.from_numpy(result)


def _even(weights: torch.Tensor) -> np.ndarray:
    """Two weights, or a multiple of four."""
    n, side, count = weights.shape
    even = np.zeros((n, side, 2 if count <= 2 else -(-count // 4) * 4), np.int32)
    even[:, :, :count] = weights.numpy()
    return even
