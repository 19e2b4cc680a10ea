"""The codes of all windows of an image on a CPU, compiled by numba: a histogram for each column of
sites in the windows' rows, and sums of them that move along."""

# numba infers the types of compiled functions from their arguments.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
import torch
from numba import njit
from torch import Tensor

from forensics_srmcnn.feature import codes


@njit(cache=True, nogil=True)
def _slide(code, rows, columns, stride, out):
    """Add to out, int32 `[ny, nx, 81]`, the codes of windows of so many rows and columns."""
    ny, nx, bins = out.shape
    width = code.shape[1]
    each = np.zeros((width, bins), np.int32)
    for y in range(rows):
        for x in range(width):
            each[x, code[y, x]] += 1
    window = np.empty(bins, np.int32)
    for j in range(ny):
        if j > 0:
            for y in range((j - 1) * stride, j * stride):
                for x in range(width):
                    each[x, code[y, x]] -= 1
            for y in range((j - 1) * stride + rows, j * stride + rows):
                for x in range(width):
                    each[x, code[y, x]] += 1
        window[:] = 0
        for x in range(columns):
            for k in range(bins):
                window[k] += each[x, k]
        for i in range(nx):
            if i > 0:
                for x in range((i - 1) * stride, i * stride):
                    for k in range(bins):
                        window[k] += each[x + columns, k] - each[x, k]
            for k in range(bins):
                out[j, i, k] += window[k]


def counts(plane: Tensor, side: int, stride: int) -> Tensor:
    """`feature.counts` of every window of uint8 `[H, W]` on a CPU: int32 `[ny, nx, 162]`."""
    ny, nx = ((length - side) // stride + 1 for length in plane.shape)
    found = []
    spans = ((side, side - 6), (side - 3, side - 3))
    upright, lying = codes(plane[None]), codes(plane.T.contiguous()[None])
    for half, (rows, columns) in enumerate(spans):
        out, turned = np.zeros((ny, nx, 81), np.int32), np.zeros((nx, ny, 81), np.int32)
        _slide(upright[half][0].contiguous().numpy(), rows, columns, stride, out)
        _slide(lying[half][0].contiguous().numpy(), rows, columns, stride, turned)
        found.append(torch.from_numpy(out + turned.transpose(1, 0, 2)))
    return torch.cat(found, 2)
