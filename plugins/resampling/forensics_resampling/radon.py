"""The Radon feature of a window: how periodic its prediction error is, in many directions.

Laplacian, root of its magnitude, projections, magnitude of their FFT (Section 3 of the paper,
after Mahdian and Saic 2008). Rotation, bilinear interpolation and sums of columns are linear, so
the projections of a window are one constant sparse matrix, the same as skimage.transform.radon
with circle=False. The outermost pixels of a window count as 0: their Laplacian would need pixels
that a patch does not have, and a border rule inside it would be a line that the projections find.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor
from torch.nn import functional

from forensics import device

_TOGETHER = 128  # patches or windows: more leave the cache


@dataclass(frozen=True)
class Radon:
    """What is computed. side: of the windows; angles: 18 are 0, 10, .., 170 degrees; 19 have 180
    too, which repeats 0 mirrored. root: of the Laplacian's magnitude; median: the residual of a
    3 x 3 median in place of the Laplacian; centred: the mean of the window is taken off before it
    is projected, which leaves out the roof that the lengths of the lines make; log: log(1 + .)
    of the magnitudes."""

    side: int = 64
    angles: int = 18
    root: bool = True
    median: bool = False
    centred: bool = False
    log: bool = False

    @property
    def bins(self) -> int:
        """Frequencies of one projection."""
        return length(self.side) // 2 + 1

    @property
    def size(self) -> int:
        """Values of a feature: angle by angle, the frequencies of each."""
        return self.angles * self.bins

    def error(self, gray: Tensor) -> Tensor:
        """The magnitude of the prediction error, float32 `[N, H - 2, W - 2]`, of `[N, H, W]`."""
        inner = gray[:, 1:-1, 1:-1]
        above, below, left, right = _around(gray)
        if self.median:
            found = functional.unfold(gray[:, None], 3).median(1).values.view(inner.shape)
            magnitude = (inner - found).abs()
        else:
            magnitude = torch.add(above, below).add_(left).add_(right)
            magnitude.sub_(inner, alpha=4).abs_()
        return magnitude.sqrt_() if self.root else magnitude

    def features(self, gray: Tensor, stride: int = 8) -> Tensor:
        """float32 `[N, windows, size]` of float32 gray `[N, H, W]` of 0..255: of all windows that
        lie inside, `stride` pixels apart, row by row."""

        def part(place: slice) -> Tensor:
            return self.of_error(self.error(gray[place]), stride)

        return torch.cat(device.side_by_side(part, len(gray), _TOGETHER, gray.device))

    def of_error(self, error: Tensor, stride: int = 8) -> Tensor:
        """The same of what `error` gave, `[N, H - 2, W - 2]`."""
        inside = self.side - 2
        cut = error.unfold(1, inside, stride).unfold(2, inside, stride)
        n, down, across = cut.shape[:3]
        columns = cut.reshape(n * down * across, inside * inside).T
        return self.of_columns(columns).view(n, down * across, self.size)

    def of_columns(self, columns: Tensor) -> Tensor:
        """float32 `[M, size]` of the inner pixels of M windows, float32 `[(side - 2)², M]`."""
        parts = [self._spectra(own) for own in columns.split(_TOGETHER, 1)]
        return torch.cat(parts)

    def _spectra(self, columns: Tensor) -> Tensor:
        if self.centred:
            columns = columns - columns.mean(0)
        lines = self._projected(columns).T.reshape(columns.shape[1], self.angles, -1)
        magnitude = torch.fft.rfft(lines.contiguous()).abs().flatten(1)
        return magnitude.log1p() if self.log else magnitude

    def _projected(self, columns: Tensor) -> Tensor:
        """`[angles * length, M]` of `[(side - 2)², M]`."""
        made = matrix(self.side, self.angles)
        if columns.device.type == "cpu":
            # scipy's product is twice as quick as torch's on a CPU.
            return torch.from_numpy(made @ columns.contiguous().numpy())
        return _on(self.side, self.angles, columns.device) @ columns


def _around(gray: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return gray[:, :-2, 1:-1], gray[:, 2:, 1:-1], gray[:, 1:-1, :-2], gray[:, 1:-1, 2:]


def length(side: int) -> int:
    """Pixels of a projection: of the square that holds the window at any angle."""
    return side + math.ceil(math.sqrt(2) * side - side)


def directions(count: int) -> NDArray[np.float64]:
    """Degrees: an even number covers 0 up to 180 without it, an odd one both ends."""
    return np.linspace(0.0, 180.0, count, endpoint=bool(count % 2))


@functools.lru_cache(maxsize=8)
def matrix(side: int, angles: int) -> sparse.csr_array:
    """float32 `[angles * length, (side - 2)²]`: the projections of a window whose outermost pixels
    are 0, from its inner ones."""
    size = length(side)
    before = size // 2 - side // 2
    made = [_rotated(size, before, side, angle) for angle in directions(angles)]
    return sparse.vstack(made).astype(np.float32).tocsr()


def _rotated(size: int, before: int, side: int, degrees: float) -> sparse.csr_array:
    """One angle: the new column x of the image that is turned about its middle pixel is the sum
    over y of old pixels, each of the four around (x', y')."""
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    middle = size // 2
    y, x = np.mgrid[:size, :size]
    across = cos * x + sin * y - middle * (cos + sin - 1)
    down = -sin * x + cos * y - middle * (cos - sin - 1)
    left, top = np.floor(across).astype(int), np.floor(down).astype(int)
    rows, columns, values = [], [], []
    for i in (0, 1):
        for j in (0, 1):
            weight = np.abs(1 - i - (down - top)) * np.abs(1 - j - (across - left))
            r, c = top + i - before, left + j - before
            # Outside of the window, and on its outermost pixels, there is nothing.
            there = (r >= 1) & (r < side - 1) & (c >= 1) & (c < side - 1)
            rows.append(x[there])
            columns.append(((r - 1) * (side - 2) + c - 1)[there])
            values.append(weight[there])
    place = np.concatenate(rows), np.concatenate(columns)
    shape = (size, (side - 2) ** 2)
    return sparse.coo_array((np.concatenate(values), place), shape=shape).tocsr()


@functools.lru_cache(maxsize=8)
def _on(side: int, angles: int, where: torch.device) -> Tensor:
    made = matrix(side, angles)
    return torch.sparse_csr_tensor(
        torch.from_numpy(made.indptr.astype(np.int64)),
        torch.from_numpy(made.indices.astype(np.int64)),
        torch.from_numpy(made.data),
        made.shape,
        device=where,
    )
