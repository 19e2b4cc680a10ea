"""White Gaussian noise for a CPU, compiled by numba, image by image.

Equal to the tensor path to the bit, which takes the same logarithm and cosine: these are torch's.
"""

# numba infers the types of compiled functions from their arguments.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
import torch
from numba import float32, float64, int64, njit

from forensics import random
from forensics.device import parallel_for
from forensics.histories.operations.parameters import LARGEST

_GOLDEN, _ANGLE, _UNIT = random.GOLDEN, random.ANGLE, 2.0**-32
_WHOLE = float32(1.5 * 2**23)  # a float32 of this size has no fraction: it is rounded half to even


_splitmix = njit(cache=True, nogil=True, inline="always")(random.splitmix)


@njit(cache=True, nogil=True)
def _draw(stream, top, left, radius, angle):
    """SplitMix64's numbers for the places of `[C, H, W]`, in two parts; see `random`."""
    channels, height, width = radius.shape
    for c in range(channels):
        for y in range(height):
            first = ((top + y) * LARGEST + left) * 4 + c
            far, turn = radius[c, y], angle[c, y]
            for x in range(width):
                word = _splitmix(int64(stream + (first + 4 * x) * _GOLDEN))
                far[x] = (float64((word >> 32) & 0xFFFFFFFF) + 1.0) * _UNIT
                turn[x] = float64(word & 0x7FFFFFFF) * _ANGLE


@njit(cache=True, nogil=True)
def _add(image, noise, sigma, result):
    for x in range(len(image)):
        value = float32(float32(noise[x] * sigma) + float32(image[x]))
        value = float32(float32(value + _WHOLE) - _WHOLE)
        result[x] = min(max(int64(value), 0), 255)


def add(
    pixels: torch.Tensor, streams: torch.Tensor, first: torch.Tensor, sigma: torch.Tensor
) -> torch.Tensor:
    """uint8 `[N, C, H, W]` with noise. streams: int64 `[N]`; first: int64 `[N, 2]`, the place of
    the first pixel; sigma: float32 `[N]`."""
    images, places = pixels.contiguous().numpy(), first.numpy()
    starts, spread = streams.numpy(), sigma.contiguous().numpy()
    result = np.empty_like(images)

    def work(part: slice) -> None:
        radius = torch.empty(images.shape[1:], dtype=torch.float64)
        angle = torch.empty_like(radius)
        for n in range(part.start, part.stop):
            top, left = places[n]
            _draw(starts[n], top, left, radius.numpy(), angle.numpy())
            noise = random.box_muller(radius, angle).numpy()
            _add(images[n].ravel(), noise.ravel(), spread[n], result[n].ravel())

    parallel_for(work, len(images), images[:1].size)
    return torch.from_numpy(result)
