"""`resampling-factor`: by how much a picture was scaled or turned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from forensics.plugin import Batch, Belief, Estimate, Estimator
from forensics_resampling import peaks
from forensics_resampling.patches import flat, gray
from forensics_resampling.peaks import ANGLES, SCALES

KINDS = peaks.ERRORS * len(peaks.ORDERS)
_HIDDEN = 64
# Between these what the profile says of scales, and of angles to either side, is linear.
_SCALE_KNOTS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.3, 1.5, 1.75, 2.0)
_ANGLE_KNOTS = (0.0, 15.0, 30.0, 45.0)


class FactorNetwork(nn.Module):
    """Log shares over `SCALES` and over `ANGLES`: the sum of the heights of a candidate's peaks,
    each kind of error and order with a weight of its own (`peaks.heights`), and of what the profile
    says of it, piecewise linear in the candidate, so that no value is favoured for having been
    trained on. Peaks tell values apart, the profile an enlargement from a reduction and from
    nothing: scales such as 0.6 and 1.5 put their peaks at the same places."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.full((2, KINDS), 4 / KINDS))  # without, and of a JPEG
        self.profile = nn.Sequential(
            nn.BatchNorm1d(count),
            nn.Linear(count, _HIDDEN),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(_HIDDEN, len(_SCALE_KNOTS) + len(_ANGLE_KNOTS) + 2),
        )
        scales = _between(SCALES, _SCALE_KNOTS)
        angles = _between([abs(angle) for angle in ANGLES], _ANGLE_KNOTS)
        one = torch.tensor([[float(s == 1)] for s in SCALES])
        still = torch.tensor([[float(a == 0)] for a in ANGLES])
        shapes = torch.block_diag(torch.cat([scales, one], 1), torch.cat([angles, still], 1))
        self.register_buffer("shapes", shapes, persistent=False)

    shapes: Tensor

    def forward(self, heights: Tensor, profile: Tensor, jpeg: bool) -> tuple[Tensor, Tensor]:
        """`[N, len(SCALES)]` and `[N, len(ANGLES)]` of what `peaks` gives."""
        logits = heights @ self.weights[int(jpeg)] + self.profile(profile) @ self.shapes.T
        scales, angles = logits.split((len(SCALES), len(ANGLES)), 1)
        return scales.log_softmax(1), angles.log_softmax(1)


def _between(values: tuple[float, ...] | list[float], knots: tuple[float, ...]) -> Tensor:
    """Hat functions of the knots, `[values, knots]`."""
    x, at = torch.tensor(values), torch.tensor(knots)
    upper = torch.searchsorted(at, x).clamp(1, len(knots) - 1)
    part = (x - at[upper - 1]) / (at[upper] - at[upper - 1])
    places = torch.arange(len(knots))
    below, above = (places == upper[:, None] - 1), (places == upper[:, None])
    return below * (1 - part)[:, None] + above * part[:, None]


def factor_network(state: Mapping[str, Tensor]) -> FactorNetwork:
    """Of the shapes of these weights."""
    return FactorNetwork(len(state["profile.0.weight"]))


def median(belief: Belief) -> Tensor:
    """float32 `[N]`: the least value at or below which half of the belief lies. It has the least
    expected absolute error."""
    place = (belief.shares.cumsum(1) >= 0.5).int().argmax(1)
    return belief.values[place]


@dataclass(frozen=True)
class Factor(Estimator):
    """Scale (`f`, new / old) and angle (`d`, degrees, counter-clockwise), each the median of a
    belief. Scales whose peaks share a place, as those of 0.6 and 1.5 do, are two modes of one
    belief, and where nothing is seen it is wide."""

    def estimate(self, batch: Batch) -> Estimate:
        empty = flat(gray(batch))
        beliefs = self.beliefs(batch)
        values = torch.stack([median(belief) for belief in beliefs.values()], 1)
        reasons = tuple("one grey level everywhere" if none else None for none in empty.tolist())
        values = torch.where(empty[:, None], torch.nan, values)
        return Estimate(tuple(beliefs), values, beliefs, reasons)

    def beliefs(self, batch: Batch) -> dict[str, Belief]:
        """Of `SCALES` and of `ANGLES`."""
        seen, jpeg = gray(batch), batch.jpeg is not None
        network = self.network("net", factor_network, batch.device)
        logs = network(peaks.heights(seen, jpeg), peaks.profile(seen), jpeg)
        return {
            name: Belief(torch.tensor(values, device=batch.device), log.exp())
            for name, values, log in zip("fd", (SCALES, ANGLES), logs, strict=True)
        }
