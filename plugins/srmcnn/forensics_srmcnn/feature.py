"""The hand-made feature: co-occurrences of four neighbouring residuals (section 2 of the paper).

The residual of a row is x0 - 3 x1 + 3 x2 - x3, quantised by q = clip(round(r / 4.5), -1, 1): as
residuals are whole, q = (r >= 3) - (r <= -3). Four neighbours along the filter, or across it, make
one of 81 codes, base 3, the first neighbour most significant, digit q + 1. The same of the
transposed image; the counts of both are added.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from forensics import device
from forensics.plugin import Batch

BINS = 81
ALONG, ACROSS = 7, 4  # the sites of a code span so many pixels
SMALLEST = 16
_TINY = 1e-6  # under the root: keeps its slope finite where a bin is empty
_PART = 1 << 21  # pixels at a time, for the cache


def plane(batch: Batch) -> Tensor:
    """What is looked at: green, or luma of gray, uint8 `[N, H, W]`."""
    return batch.pixels[:, batch.pixels.shape[1] // 2]


def digits(planes: Tensor) -> Tensor:
    """q + 1 of the rows of uint8 `[N, H, W]`: uint8 `[N, H, W - 3]`."""
    x = planes.to(torch.int16)
    inner = x[..., 2:-1] - x[..., 1:-2]
    residual = x[..., :-3] - x[..., 3:] + 3 * inner
    return (residual > 2).to(torch.uint8) + (residual > -3).to(torch.uint8)


def codes(planes: Tensor) -> tuple[Tensor, Tensor]:
    """The codes of the rows of uint8 `[N, H, W]`: along, uint8 `[N, H, W - 6]`, and across,
    `[N, H - 3, W - 3]`."""
    q = digits(planes)
    pairs = 3 * q[..., :-1] + q[..., 1:]
    along = 9 * pairs[..., :-2] + pairs[..., 2:]
    pairs = 3 * q[..., :-1, :] + q[..., 1:, :]
    return along, 9 * pairs[..., :-2, :] + pairs[..., 2:, :]


def counts(planes: Tensor) -> Tensor:
    """How often each code is met, int32 `[N, 162]`: 81 along, 81 across, rows and columns added.

    planes: uint8 `[N, H, W]`, sides of 7 and more."""
    if device.compiled(planes):
        from forensics_srmcnn import compiled  # compiles or loads what it compiled

        return compiled.count(planes)
    return counts_on_tensors(planes)


def counts_on_tensors(planes: Tensor) -> Tensor:
    """The same by tensors, on any device."""
    together = max(1, _PART // math.prod(planes.shape[1:]))
    return torch.cat([_counts(part) for part in planes.split(together)])


def _counts(planes: Tensor) -> Tensor:
    n = len(planes)
    start = 256 * torch.arange(n, device=planes.device, dtype=torch.int32)[:, None]
    halves = zip(codes(planes), codes(planes.transpose(1, 2).contiguous()), strict=True)
    found = []
    for half in halves:
        places = torch.cat([code.flatten(1) for code in half], 1).int() + start
        count = torch.bincount(places.flatten(), minlength=256 * n)
        found.append(count.view(n, 256)[:, :BINS])
    return torch.cat(found, 1).int()


def histograms(planes: Tensor) -> Tensor:
    """The feature, float32 `[N, 162]`: shares of the codes; each half sums to 1."""
    height, width = planes.shape[1:]
    return counts(planes).float() / sites(height, width).to(planes.device)


def sites(height: int, width: int) -> Tensor:
    """How many codes an image has, float32 `[162]`: the sum of each half."""
    along = height * (width - 6) + width * (height - 6)
    across = 2 * (height - 3) * (width - 3)
    return torch.tensor([along, across]).float().repeat_interleave(BINS)


def rooted(histogram: Tensor) -> Tensor:
    """The root of each share, in front of every linear classifier here: small bins count more."""
    return (histogram + _TINY).sqrt()


def inputs(batch: Batch) -> Tensor:
    """The feature as classifiers see it, float32 `[N, 162]`."""
    return rooted(histograms(plane(batch)))
