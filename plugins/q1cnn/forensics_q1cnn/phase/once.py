"""Compressed once, twice, or with a first table that is not listed: what the scores of all
hypotheses say of it, for a classifier."""

from __future__ import annotations

import torch
from torch import Tensor

from forensics.jpeg import ZIGZAG
from forensics_q1cnn.phase.features import Luma
from forensics_q1cnn.phase.posterior import Scores
from forensics_q1cnn.tables import STEPS

# The classes, in the order of the classifier's answers.
ONCE, LISTED, UNLISTED = range(3)
_FINE = 1.5  # mean of the first 15 steps


def summary(scores: Scores, seen: Luma, tables: Tensor, windows: int, area: float) -> Tensor:
    """float32 `[N, 23]` of N images: logarithms of ratios as means over windows, so that large and
    small images are alike, and probabilities.

    tables: int64 `[T, 64]`, those of the scores, zig-zag order; windows: how many the scores are
    sums over; area: pixels of one.
    """
    logs = scores.tables
    of_phases = logs.logsumexp(2)
    aligned, shifted = of_phases[:, 0], of_phases[:, 1:]
    best = shifted.topk(2, 1).values
    double = logs.flatten(1).softmax(1).view_as(logs)
    of_tables = double.sum(1)
    known = scores.steps[0, 0] > -torch.inf  # [15, most]
    whatever = (scores.steps.logsumexp(3) - known.sum(1).log()).sum(2)
    second = _nearest(tables, seen.steps)
    # A first table of very small steps is as good as none: what the others have over these.
    fine = tables[:, :STEPS].float().mean(1) < _FINE
    over = logs[..., ~fine].logsumexp(2) - logs[..., fine].logsumexp(2)
    coarse = logs[:, 1:, ~fine].flatten(1).logsumexp(1)
    ratios = [
        aligned - scores.single,
        of_phases.logsumexp(1) - scores.single,
        best[:, 0] - shifted.mean(1),
        best[:, 1] - shifted.mean(1),
        aligned - shifted.mean(1),
        shifted.std(1),
        whatever[:, 0] - scores.single,
        whatever[:, 1:].amax(1) - whatever[:, 1:].mean(1),
        whatever.logsumexp(1) - of_phases.logsumexp(1),
        over[:, 0],
        over[:, 1:].amax(1),
        over[:, 1:].mean(1),
        coarse - logs[:, 1:, fine].flatten(1).logsumexp(1),
    ]
    columns = [
        *(ratio / windows for ratio in ratios),
        of_phases.softmax(1)[:, 0],
        _entropy(of_phases.softmax(1)),
        _entropy(of_tables),
        double[:, 0].gather(1, second[:, None])[:, 0],
        of_tables[:, fine].sum(1),
        of_tables @ tables[:, :STEPS].float().mean(1).log(),
        tables[second][:, :STEPS].float().mean(1).log(),
        (seen.levels[..., 1:] != 0).float().mean((1, 2)),
        aligned.new_full(aligned.shape, float(windows)).log(),
        aligned.new_full(aligned.shape, float(area)).log(),
    ]
    return torch.stack(columns, 1)


def _entropy(probabilities: Tensor) -> Tensor:
    """In bits."""
    return -torch.xlogy(probabilities, probabilities).sum(1) / torch.log(torch.tensor(2.0))


def _nearest(tables: Tensor, steps: Tensor) -> Tensor:
    """int64 `[N]`: the listed table whose logarithms are nearest to those of the second JPEG's."""
    own = steps[:, ZIGZAG.to(steps.device)].float().log()
    return torch.cdist(own, tables.float().log()).argmin(1)
