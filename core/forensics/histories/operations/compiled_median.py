"""The median filter for a CPU, compiled by numba; each size by what measured quickest.

Size 3 has a network of its own. Sizes 5 and 7 take a network of comparators, each applied to a
long stretch of windows at once (`median_network`). From 9 on a histogram slides along each row:
Huang, Yang and Tang, 1979, "A fast two-dimensional median filtering algorithm": one column of the
window enters and one leaves, and the median moves by what they bring.
"""

# numba infers the types of compiled functions from their arguments.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
import torch
from numba import njit

from forensics.device import parallel_for
from forensics.histories.operations import median_network

_NETWORK = 7  # the largest size that a network is quicker for
_STRETCH = 2048  # windows; their 25 or 49 numbers stay in the nearest caches


@njit(cache=True, nogil=True)
def _nine(image, result):
    """Size 3: the median of the largest low, the middle middle and the smallest high of the three
    columns, each column in order (Smith, 1996, "Implementing median filters in XC4000E FPGAs")."""
    height, width = result.shape
    columns = np.empty((3, width + 2), np.uint8)
    low, mid, high = columns[0], columns[1], columns[2]
    low1, mid1, high1 = low[1:], mid[1:], high[1:]
    low2, mid2, high2 = low[2:], mid[2:], high[2:]
    for i in range(height):
        above, here, under = image[max(i - 1, 0)], image[i], image[min(i + 1, height - 1)]
        for x in range(width):
            a, b, c = above[x], here[x], under[x]
            small, large = min(a, b), max(a, b)
            low1[x] = min(small, c)
            high1[x] = max(large, c)
            mid1[x] = max(small, min(large, c))
        columns[:, 0] = columns[:, 1]
        columns[:, width + 1] = columns[:, width]
        row = result[i]
        for x in range(width):
            lows = max(max(low[x], low1[x]), low2[x])
            highs = min(min(high[x], high1[x]), high2[x])
            small, large = min(mid[x], mid1[x]), max(mid[x], mid1[x])
            middle = max(small, min(large, mid2[x]))
            small, large = min(lows, middle), max(lows, middle)
            row[x] = max(small, min(large, highs))


@njit(cache=True, nogil=True)
def _pad(image, radius, padded):
    """The image with its edge repeated, in rows of `padded`."""
    height, width = image.shape
    for y in range(len(padded)):
        line, row = image[min(max(y - radius, 0), height - 1)], padded[y]
        inner = row[radius:]
        for x in range(width):
            inner[x] = line[x]
        row[:radius] = line[0]
        inner[width:] = line[width - 1]


@njit(cache=True, nogil=True)
def _order(a, b, smaller, larger):
    if smaller and larger:
        for x in range(len(a)):
            low, high = min(a[x], b[x]), max(a[x], b[x])
            a[x], b[x] = low, high
    elif smaller:
        for x in range(len(a)):
            a[x] = min(a[x], b[x])
    else:
        for x in range(len(a)):
            b[x] = max(a[x], b[x])


@njit(cache=True, nogil=True)
def _copy(source, target):
    for x in range(len(target)):
        target[x] = source[x]


@njit(cache=True, nogil=True)
def _windows(images, size, columns, steps, middle, result):
    """Sizes with a network. Rows follow one another in memory, and so do the windows: those that
    begin in one row and end in the next are computed and dropped."""
    _, height, width = images.shape
    radius, pitch = size // 2, width + size - 1
    padded = np.zeros((height + size - 1) * pitch + size - 1 + _STRETCH, np.uint8)
    medians = np.empty(height * pitch + _STRETCH, np.uint8)
    sorted_columns = np.empty((size, _STRETCH + size - 1), np.uint8)
    window = np.empty((size * size, _STRETCH), np.uint8)
    rows = padded[: (height + size - 1) * pitch].reshape(height + size - 1, pitch)
    for n in range(len(images)):
        _pad(images[n], radius, rows)
        for start in range(0, height * pitch, _STRETCH):
            for i in range(size):
                _copy(padded[start + i * pitch :], sorted_columns[i])
            for i in range(len(columns)):
                _order(sorted_columns[columns[i, 0]], sorted_columns[columns[i, 1]], True, True)
            for i in range(size):
                for j in range(size):
                    _copy(sorted_columns[i, j:], window[i * size + j])
            for i in range(len(steps)):
                _order(window[steps[i, 0]], window[steps[i, 1]], steps[i, 2], steps[i, 3])
            _copy(window[middle], medians[start : start + _STRETCH])
        for y in range(height):
            _copy(medians[y * pitch :], result[n, y])


@njit(cache=True, nogil=True)
def _slide(padded, size, result):
    height, width = result.shape
    half = size * size // 2
    counts = np.zeros(256, np.int32)
    for i in range(height):
        counts[:] = 0
        for y in range(i, i + size):
            for x in range(size):
                counts[padded[y, x]] += 1
        middle, below = 0, 0  # below: how many of the window are less than the middle
        for j in range(width):
            if j:
                for y in range(i, i + size):
                    leaves, enters = padded[y, j - 1], padded[y, j + size - 1]
                    counts[leaves] -= 1
                    counts[enters] += 1
                    below += int(enters < middle) - int(leaves < middle)
            while below > half:
                middle -= 1
                below -= counts[middle]
            while below + counts[middle] <= half:
                below += counts[middle]
                middle += 1
            result[i, j] = middle


def _medians(images: np.ndarray, size: int, result: np.ndarray) -> None:
    if 3 < size <= _NETWORK:
        steps, middle = median_network.median(size)
        columns = np.array(median_network.sorting(size))
        _windows(images, size, columns, steps, middle, result)
        return
    _, height, width = images.shape
    padded = np.empty((height + size - 1, width + size - 1), np.uint8)
    for image, medians in zip(images, result, strict=True):
        if size == 3:
            _nine(image, medians)
        else:
            _pad(image, size // 2, padded)
            _slide(padded, size, medians)


def median(pixels: torch.Tensor, size: int) -> torch.Tensor:
    """The median filter of uint8 `[N, C, H, W]`; see `Median`."""
    planes = pixels.contiguous().flatten(0, 1).numpy()
    result = np.empty_like(planes)
    parallel_for(
        lambda part: _medians(planes[part], size, result[part]), len(planes), planes[0].size
    )
    return torch.from_numpy(result).view(pixels.shape)
