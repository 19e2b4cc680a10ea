"""The feature in wider form: co-occurrences of four residuals at three thresholds each.

Differences of first, second and third order along rows, and the square of 3 x 3, quantised to three
levels and joined in fours along and across, as in `feature`, with those of the transposed image.
The smallest thresholds see single grey levels, which weak noise and weak blur change.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from forensics import device
from forensics.nn import Perceptron
from forensics.plugin import Batch
from forensics_srmcnn.feature import BINS, plane, rooted

# Order of the difference, 4 for the square; what is above the threshold is a level of its own, and
# what is below its negative.
KINDS = (
    (1, 0),
    (1, 1),
    (1, 3),
    (2, 0),
    (2, 1),
    (2, 4),
    (3, 0),
    (3, 2),
    (3, 6),
    (4, 1),
    (4, 3),
    (4, 8),
)
VALUES = len(KINDS) * 2 * BINS
_PART = 1 << 19  # pixels at a time, for the cache


def counts(planes: Tensor) -> Tensor:
    """How often each code is met, int32 `[N, 12, 2, 81]`: by residual and threshold, along and
    across, rows and columns added.

    planes: uint8 `[N, H, W]`, sides of 7 and more."""
    if device.compiled(planes):
        from forensics_srmcnn import compiled_wide  # compiles or loads what it compiled

        return compiled_wide.count(planes, KINDS)
    return counts_on_tensors(planes)


def counts_on_tensors(planes: Tensor) -> Tensor:
    """The same by tensors, on any device."""
    together = max(1, _PART // math.prod(planes.shape[1:]))
    return torch.cat([_counts(part.to(torch.int16)) for part in planes.split(together)])


def _counts(planes: Tensor) -> Tensor:
    upright, lying = (_residuals(p) for p in (planes, planes.transpose(1, 2).contiguous()))
    found = []
    for kind, limit in KINDS:
        pair = [(r[kind] > limit).to(torch.uint8) + (r[kind] >= -limit) for r in (upright, lying)]
        for down in (False, True):
            codes = torch.cat([_codes(digit, down).flatten(1) for digit in pair], 1).long()
            start = BINS * torch.arange(len(codes), device=codes.device)[:, None]
            count = torch.bincount((codes + start).flatten(), minlength=BINS * len(codes))
            found.append(count.view(-1, BINS))
    return torch.stack(found, 1).unflatten(1, (len(KINDS), 2)).int()


def _residuals(x: Tensor) -> dict[int, Tensor]:
    """Of int16 `[N, H, W]`, by their number in `KINDS`."""
    first = x[..., 1:] - x[..., :-1]
    second = first[..., 1:] - first[..., :-1]
    third = second[..., :-1] - second[..., 1:]
    square = second[:, 2:] - 2 * second[:, 1:-1] + second[:, :-2]
    return {1: first, 2: second, 3: third, 4: square}


def _codes(digit: Tensor, down: bool) -> Tensor:
    if down:
        pairs = 3 * digit[:, :-1] + digit[:, 1:]
        return 9 * pairs[:, :-2] + pairs[:, 2:]
    pairs = 3 * digit[..., :-1] + digit[..., 1:]
    return 9 * pairs[..., :-2] + pairs[..., 2:]


def features(planes: Tensor) -> Tensor:
    """Roots of the shares of the codes, float32 `[N, 1944]`; each 81 squares sum to 1."""
    found = counts(planes)
    return rooted(found.float() / found.sum(3, keepdim=True)).flatten(1)


def inputs(batch: Batch) -> Tensor:
    """The feature as classifiers see it, float32 `[N, 1944]`."""
    return features(plane(batch))


def perceptron(mean: Tensor, scale: Tensor, hidden: int, classes: int) -> Perceptron:
    """The network on features of mean and scale `[1944]`."""
    return Perceptron(mean, scale, hidden, classes, limit=6.0, dropout=0.2)


def stored(state: Mapping[str, Tensor]) -> Perceptron:
    """The network of a weight file."""
    hidden, classes = len(state["layers.1.bias"]), len(state["layers.7.bias"])
    return perceptron(state["mean"], state["scale"], hidden, classes)
