"""`srm-which`: which operation it was, from the co-occurrences of four residuals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import Tensor

from forensics.plugin import (
    Batch,
    Belief,
    Estimate,
    Estimator,
    FittedClassifierRecipe,
    LogUniform,
    Phase,
    Trace,
    Uniform,
    decision,
)
from forensics_srmcnn.feature import BINS, plane, rooted
from forensics_srmcnn.models import blank

_PART = 1 << 19  # pixels at a time, for the cache
# In the order of the classes of the core's traces `operation`.
_STEPS = {
    "median": "median({k})",
    "gaussian": "gaussian({s})",
    "awgn": "awgn({n})",
    "resize": "resize({f})",
    "rotate": "rotate({d})",
    "shear": "shear({h})",
}
_BEFORE = "maybe({p0},jpeg({q0}))"
_AFTER = "maybe({p2},jpeg({q2})) maybe({p3},jpeg({q3}))"


def wide(planes: Tensor) -> Tensor:
    """Roots of the shares of the codes of four residuals, float32 `[N, 648]`: differences of first,
    second and third order of rows, and the square of 3 x 3, each quantised to three levels and
    joined in fours along and across, with those of the transposed image.

    planes: uint8 `[N, H, W]`."""
    together = max(1, _PART // math.prod(planes.shape[1:]))
    return torch.cat([_wide(part.to(torch.int16)) for part in planes.split(together)])


def _wide(planes: Tensor) -> Tensor:
    upright, lying = (_residuals(p) for p in (planes, planes.transpose(1, 2).contiguous()))
    found = []
    for pair in zip(upright, lying, strict=True):
        for down in (False, True):
            codes = torch.cat([_codes(digit, down).flatten(1) for digit in pair], 1).long()
            start = BINS * torch.arange(len(codes), device=codes.device)[:, None]
            counts = torch.bincount((codes + start).flatten(), minlength=BINS * len(codes))
            found.append(counts.view(-1, BINS).float() / codes.shape[1])
    return rooted(torch.cat(found, 1))


def _residuals(x: Tensor) -> list[Tensor]:
    """Levels 0, 1, 2 of the residuals of int16 `[N, H, W]`."""
    first = x[..., 1:] - x[..., :-1]
    second = first[..., 1:] - first[..., :-1]
    third = second[..., :-1] - second[..., 1:]
    down = second[:, 2:] - 2 * second[:, 1:-1] + second[:, :-2]
    limits = ((first, 1), (second, 1), (third, 2), (down, 3))
    return [(r > t).to(torch.uint8) + (r >= -t).to(torch.uint8) for r, t in limits]


def _codes(digit: Tensor, down: bool) -> Tensor:
    if down:
        pairs = 3 * digit[:, :-1] + digit[:, 1:]
        return 9 * pairs[:, :-2] + pairs[:, 2:]
    pairs = 3 * digit[..., :-1] + digit[..., 1:]
    return 9 * pairs[..., :-2] + pairs[..., 2:]


@dataclass(frozen=True)
class Which(Estimator):
    """The most probable operation, 0 for none, and the probabilities of all."""

    def estimate(self, batch: Batch) -> Estimate:
        planes = plane(batch)
        network = self.network("which", decision, batch.device)
        shares = network(wide(planes)).softmax(1)
        belief = Belief(network.get_buffer("classes").float(), shares)
        return Estimate.of({"operation": belief}, blank(planes))


@dataclass(frozen=True)
class WhichRecipe(FittedClassifierRecipe):
    """A linear discriminant; every operation at the same places in every recompressed history."""

    part: ClassVar[str] = "which"
    phases: ClassVar[tuple[Phase, ...]] = (Phase(share=1, crop=128, batch=12),)
    validations: ClassVar[int] = 1
    validation_crops: ClassVar[int] = 110
    trace = Trace(
        "which operation",
        (
            ("pristine", f"{_BEFORE} {_AFTER}"),
            *((name, f"{_BEFORE} {step} ATTACK {_AFTER}") for name, step in _STEPS.items()),
        ),
        (),
        "pixels",
    )

    def draws(self) -> Mapping[str | tuple[str, ...], Any]:
        return {
            ("p0", "p2", "p3"): [(0, 0, 0), (1, 0, 0), (1, 1, 0), (1, 1, 1)],
            "q0": range(93, 98),
            "q2": range(50, 99),
            "q3": range(50, 99),
            "k": [3, 5, 7],
            "s": LogUniform(0.5, 2.5),
            "n": LogUniform(0.5, 5),
            "f": [0.6, 0.7, 0.8, 0.9, 0.95, 1.05, 1.1, 1.2, 1.3, 1.5, 1.7, 2.0],
            "d": Uniform(2, 30),
            "h": Uniform(0.05, 0.4),
        }

    def inputs(self, batch: Batch) -> Tensor:
        return wide(plane(batch))

    def estimator(self) -> Any:
        return LinearDiscriminantAnalysis(solver="lsqr", shrinkage=1e-3)
