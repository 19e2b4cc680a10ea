"""The Gaussian blur for a CPU, compiled by numba: down the columns of a row, then along it.

Equal to the tensor path to the bit. Sums of the first pass have 16 bits, those of the second 24;
each loop takes two pairs of rows or neighbours that share a weight.
"""

# numba infers the types of compiled functions from their arguments.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
import torch
from numba import njit, uint16, uint32

from forensics.device import parallel_for


@njit(cache=True, nogil=True)
def _mirrored(i, side):
    return min(abs(i), 2 * (side - 1) - abs(i))


@njit(cache=True, nogil=True)
def _columns(image, y, side, row):
    """The weighted sum of the rows around y, uint16; side: the weights from the middle on."""
    line = image[y]
    for x in range(len(row)):
        row[x] = uint16(line[x] * side[0])
    for k in range(1, len(side), 2):
        other = min(k + 1, len(side) - 1)
        v, w = side[k], side[other] if other > k else uint16(0)
        a, b = image[_mirrored(y - k, len(image))], image[_mirrored(y + k, len(image))]
        c, d = image[_mirrored(y - other, len(image))], image[_mirrored(y + other, len(image))]
        for x in range(len(row)):
            near = uint16(uint16(uint16(a[x]) + b[x]) * v)
            row[x] = uint16(row[x] + near + uint16(uint16(uint16(c[x]) + d[x]) * w))


@njit(cache=True, nogil=True)
def _row(padded, side, total, result):
    """The weighted sum along a row that is mirrored on either side, rounded."""
    radius = len(side) - 1
    centre = padded[radius:]
    for x in range(len(total)):
        total[x] = uint32(uint32(centre[x] * uint32(side[0])) + uint32(1 << 15))
    for k in range(1, len(side), 2):
        other = min(k + 1, radius)
        v, w = uint32(side[k]), uint32(side[other]) if other > k else uint32(0)
        a, b = padded[radius - k :], padded[radius + k :]
        c, d = padded[radius - other :], padded[radius + other :]
        for x in range(len(total)):
            near = uint32(uint32(uint32(a[x]) + b[x]) * v)
            total[x] = uint32(total[x] + near + uint32(uint32(uint32(c[x]) + d[x]) * w))
    for x in range(len(total)):
        result[x] = total[x] >> uint32(16)


@njit(cache=True, nogil=True)
def _blur(images, weights, result):
    _, channels, height, width = images.shape
    radius = weights.shape[1] // 2
    padded, total = np.empty(width + 2 * radius, np.uint16), np.empty(width, np.uint32)
    inner = padded[radius : radius + width]
    for n in range(len(images)):
        side = weights[n % len(weights), radius:]
        for c in range(channels):
            for y in range(height):
                _columns(images[n, c], y, side, inner)
                for x in range(radius):
                    padded[x] = inner[radius - x]
                    padded[radius + width + x] = inner[width - 2 - x]
                _row(padded, side, total, result[n, c, y])


def blur(pixels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """uint8 `[N, C, H, W]` blurred by symmetric whole numbers that sum to 256, `[1 or N, taps]`."""
    images = pixels.contiguous().numpy()
    rows = weights.numpy().astype(np.uint16)
    result = np.empty_like(images)

    def work(part: slice) -> None:
        _blur(images[part], rows if len(rows) == 1 else rows[part], result[part])

    parallel_for(work, len(images), images[:1].size)
    return torch.from_numpy(result)
