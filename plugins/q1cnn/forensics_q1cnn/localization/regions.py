"""Regions of one first quantisation each: windows are clustered by which hypothesis explains them
best, and there are as many regions as pay for themselves in likelihood."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import torch
from scipy import ndimage
from skimage import measure
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

# Windows at every block overlap: each counts for the share of its pixels that is its own.
_OWN = 1 / 64
_MOST = 8  # regions
# Nats that a region must gain beside what its place costs; from unspliced pictures of `train`.
_PENALTY = 10.0


@dataclass(frozen=True, eq=False)
class Partition:
    """labels: int64 `[rows, columns]`, 0 the main region, the others by size; rival: float32
    `[rows, columns]`, by how many nats the best hypothesis explains a window better than the main
    region's does; gain: the nats that the best second region gains, whether it pays or not."""

    labels: Tensor
    rival: Tensor
    gain: float


def price(windows: int) -> float:
    """The nats that a region costs in an image of so many windows: a constant, and the logarithm
    of how many places there are for it, as in the Bayesian information criterion."""
    return _PENALTY + math.log(max(windows * _OWN, 1))


def partition(evidence: Tensor, unlike: float) -> Partition:
    """evidence: float32 `[rows, columns, H]`, the log-posteriors of hypotheses in windows at every
    block; unlike: what a hypothesis has by chance, against which windows are held that none fits.

    Begins with the one hypothesis of highest likelihood, adds the one with the contiguous region
    that gains most, gives each region the hypothesis that explains its windows best (as k-means
    moves its centres), and stops where the next one gains less than its price. The main region is
    the one that has most of the image's border: what is spliced in mostly lies inside.
    """
    evidence = pad(evidence, (0, 1), value=unlike)
    smooth = _smoothed(evidence)
    cost = price(smooth[..., 0].numel())
    chosen = [int(evidence[..., :-1].sum((0, 1)).argmax())]
    first = None
    while len(chosen) < _MOST:
        best = smooth[..., chosen].amax(2)
        gains = [_best_piece(each - best) for each in smooth.unbind(2)]
        first = max(gains) if first is None else first
        if max(gains) < cost:
            break
        more = _fitted(smooth, evidence, [*chosen, gains.index(max(gains))])
        if len(more) <= len(chosen):
            break
        chosen = more
    labels, main = _settled(smooth, chosen, cost)
    rival = smooth.amax(2) - smooth[..., chosen[main]]
    return Partition(_ranked(labels, main), rival, first or 0.0)


def _smoothed(evidence: Tensor) -> Tensor:
    """Means over windows and their neighbours, which nearly say the same."""
    planes = pad(evidence.movedim(2, 0)[None], (1, 1, 1, 1), mode="replicate")
    return avg_pool2d(planes, 3, 1)[0].movedim(0, 2)


def _best_piece(gain: Tensor) -> float:
    """What the best contiguous region gains."""
    return float(_pieces(gain, gain > 0)[1].max())


def _pieces(gain: Tensor, where: Tensor) -> tuple[Tensor, Tensor]:
    """The contiguous parts of a region, numbered from 1, and what each number gains."""
    labelled = measure.label(where.cpu().numpy(), connectivity=1)
    numbers = torch.from_numpy(labelled).to(gain.device)
    sums = numbers.flatten().bincount((gain * where).flatten().double())
    return numbers, sums * _OWN


def _fitted(smooth: Tensor, evidence: Tensor, chosen: list[int]) -> list[int]:
    """The hypotheses that explain best what these have drawn to them, each once."""
    labels = smooth[..., chosen].argmax(2)
    drawn = [evidence[labels == k] for k in range(len(chosen))]
    return list(dict.fromkeys(int(those.sum(0).argmax()) for those in drawn if len(those)))


def _settled(smooth: Tensor, chosen: list[int], cost: float) -> tuple[Tensor, int]:
    """Which of the chosen each window belongs to, and which is the main one; contiguous parts
    that do not pay go to it."""
    labels = smooth[..., chosen].argmax(2)
    edge = torch.cat([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    main = int(edge.bincount().argmax())
    for k in range(len(chosen)):
        if k != main:
            more = smooth[..., chosen[k]] - smooth[..., chosen[main]]
            numbers, gains = _pieces(more, labels == k)
            labels[(labels == k) & (gains < cost)[numbers]] = main
    return labels, main


def _ranked(labels: Tensor, main: int) -> Tensor:
    """The labels counted anew: 0 the main one, the others by size."""
    sizes = labels.flatten().bincount()
    sizes[main] = labels.numel() + 1
    ranks = torch.empty_like(sizes)
    ranks[sizes.argsort(descending=True)] = torch.arange(len(sizes), device=labels.device)
    return ranks[labels]


def united(labels: Tensor, said: Sequence[Hashable]) -> tuple[Tensor, list[list[int]]]:
    """The labels with regions that say the same as one, and of which regions each is made. said: by
    label, what is said of it; the main one, 0, remains it, the others are counted by size."""
    first = [said.index(one) for one in said]
    ranked = _ranked(labels.new_tensor(first)[labels], 0)
    number = {old: int(ranked[labels == old][0]) for old in range(len(said))}
    made = [[old for old in number if number[old] == new] for new in range(len(set(first)))]
    return ranked, made


def disjoint(inside: Tensor, apart: int, most: int) -> list[tuple[int, int]]:
    """Places (row, column) in a region, bool `[rows, columns]`, that lie so far apart along one
    axis at least, those deepest inside first."""
    depth = ndimage.distance_transform_cdt(pad(inside, (1, 1, 1, 1)).cpu().numpy())[1:-1, 1:-1]
    found: list[tuple[int, int]] = []
    while len(found) < most and depth.max() > 0:
        y, x = divmod(int(depth.argmax()), depth.shape[1])
        found.append((y, x))
        depth[max(y - apart + 1, 0) : y + apart, max(x - apart + 1, 0) : x + apart] = 0
    return found
