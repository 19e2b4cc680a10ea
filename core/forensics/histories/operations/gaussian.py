"""`gaussian(1.1)`: blur by a Gaussian."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from forensics import device
from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.histories.operations.opencv import filtered
from forensics.histories.operations.parameters import odd, reals, span
from forensics.models.interfaces import Operation

_ONE = 256  # weights are multiples of 1/256, as OpenCV has them for 8-bit images
_WHAT = "gaussian takes a s.d. in pixels"


@dataclass(frozen=True)
class Gaussian(Operation):
    """Blur rows and columns by a sampled Gaussian.

    sigma: s.d. in pixels, 0.1..20, or `[N]`. size: odd number of taps, or `[N]`, or 0 for OpenCV's
    choice, `round(6 sigma + 1)` and one more where that is even: 3 s.d. a side (0.5 gives 5 taps).
    The weights are rounded to 1/256 with the error carried on, the result half up; beyond the
    border the image is mirrored without repeating its edge. Equal to OpenCV's `GaussianBlur` of
    8-bit images in every pixel, on every device.
    """

    sigma: float | Tensor
    size: int | Tensor = 0

    def __post_init__(self) -> None:
        span(self.sigma, _WHAT, 0.1, 20)
        if isinstance(self.size, Tensor) or self.size != 0:
            odd(self.size, "gaussian takes an odd size", 1, 121)

    def margin(self, color: bool) -> int:
        values = (v for v in (self.sigma, self.size) if isinstance(v, Tensor))
        return max(_taps(*pair) for pair in self._pairs(max(map(len, values), default=1))) // 2

    def _pairs(self, count: int) -> list[tuple[float, int]]:
        """The s.d. and the size of each image."""
        sizes = torch.as_tensor(self.size).expand(count).tolist()
        return list(zip(reals(self.sigma, count).tolist(), sizes, strict=True))

    def apply(self, batch: Batch) -> Batch:
        radius = self.margin(False)
        if radius >= min(batch.size):
            raise ForensicsError(
                f"gaussian reaches {radius} pixels, more than an image of "
                f"{batch.size[1]} x {batch.size[0]} has: choose a smaller s.d."
            )
        pairs = self._pairs(len(batch))
        if device.compiled(batch.pixels):

            def blurred(plane: NDArray[np.uint8], n: int) -> Any:
                sigma, size = pairs[n]
                return cv2.GaussianBlur(plane, (_taps(sigma, size),) * 2, sigma)

            return batch.with_pixels(filtered(batch.pixels, blurred))
        one = {pair: _weights(*pair, radius) for pair in set(pairs)}
        rows = [one[pair] for pair in pairs]
        weights = torch.tensor(rows[:1] if len(one) == 1 else rows)
        weights = weights.to(batch.device, torch.float32)
        # 8 + 8 bits after one pass and 24 after both: float32 holds every sum exactly.
        image = functional.pad(batch.pixels.float(), (radius,) * 4, mode="reflect")
        image = _weighed(_weighed(image, weights, 3), weights, 2)
        return batch.with_pixels(((image + _ONE * _ONE // 2) / (_ONE * _ONE)).to(torch.uint8))


def _weighed(image: Tensor, weights: Tensor, axis: int) -> Tensor:
    """The valid sums along an axis of float32 `[N, C, H, W]`; weights: `[N or 1, k]`, symmetric."""
    taps = weights.shape[1]
    side = image.shape[axis] - taps + 1
    column = weights[:, :, None, None, None]
    total = image.narrow(axis, taps // 2, side) * column[:, taps // 2]
    for k in range(taps // 2):
        mirrored = image.narrow(axis, k, side) + image.narrow(axis, taps - 1 - k, side)
        total.addcmul_(mirrored, column[:, k])
    return total


def _taps(sigma: float, size: int) -> int:
    return size or round(6 * sigma + 1) | 1


def _weights(sigma: float, size: int, radius: int) -> list[int]:
    """`2 radius + 1` whole numbers that sum to 256, zero beyond the taps."""
    taps = _taps(sigma, size)
    half = taps // 2
    exact = [math.exp(-((k - half) ** 2) / (2 * sigma * sigma)) for k in range(taps)]
    scale = _ONE / sum(exact)
    side, carried = [], 0.0
    for value in exact[:half]:
        wanted = value * scale + carried
        side.append(round(wanted))
        carried = wanted - side[-1]
    zeros = [0] * (radius - half)
    return [*zeros, *side, _ONE - 2 * sum(side), *side[::-1], *zeros]
