"""How `resampling-factor` learns: one scaling or rotation, never both, with and without a JPEG."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import nll_loss

from forensics.plugin import (
    Belief,
    Draw,
    Example,
    NetworkRecipe,
    Phase,
    Progress,
    Trace,
)
from forensics_resampling import peaks
from forensics_resampling.factor import KINDS, FactorNetwork, median
from forensics_resampling.patches import gray
from forensics_resampling.peaks import ANGLES, SCALES, SIDE

# None of 0.55, 0.83 and 1.27, nor of 7 and 17 degrees, which tests ask for.
_FACTORS = [f for k, f in enumerate(SCALES) if k % 2 == 0 and f != 1 and abs(f - 1) > 0.02]
_HELD = (0.55, 0.83, 1.27, 1.62)
_DEGREES = (2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 15, 16, 18, 19, 20, 22, 24, 26, 28, 30, 33, 36, 40)


def _maps() -> Draw:
    """Half scaled, half turned, a tenth neither; orders of interpolation in turn."""
    scaled = [(f, 0.0) for f in _FACTORS if f not in _HELD]
    turned = [(1.0, float(s * d)) for d in (*_DEGREES, 43, 45) for s in (1, -1)]
    none = [(1.0, 0.0)] * (len(scaled + turned) // 10)
    rows = tuple((*one, order) for one in scaled + turned + none for order in (1, 3))
    return Draw(("f", "d", "o"), rows)


_WARPED = "maybe(0.4,jpeg({q0})) affine({f},{d},order={o})"
TRACE = Trace(
    "resampling-factor",
    (("plain", _WARPED), ("jpeg", _WARPED + " jpeg({q2})")),
    ((),),
    "pixels",
    (),
    (
        _maps(),
        Draw(("q0",), tuple((q,) for q in range(75, 99))),
        Draw(("q2",), tuple((q,) for q in range(70, 101))),
    ),
)
_Cases = list[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class FactorRecipe(NetworkRecipe):
    """Cross-entropy of both, of patches that are a JPEG at last and of others. First of the profile
    alone, which has more to learn than peaks have and costs a fortieth of them."""

    trace: ClassVar[Trace] = TRACE
    part: ClassVar[str] = "net"
    phases: ClassVar[tuple[Phase, ...]] = (
        Phase(0.5, SIDE, 64, 5e-3),
        Phase(0.5, SIDE, 32, 5e-3),
    )
    validation_crop: ClassVar[int] = SIDE
    validation_crops: ClassVar[int] = 220
    validations: ClassVar[int] = 2
    averaging: ClassVar[float] = 0.99
    decay: ClassVar[float] = 1e-2
    limits: ClassVar[tuple[str, ...]] = (
        "one scaling from 0.5 to 2 or one rotation up to 45 degrees, not both, never antialiased",
    )

    def draws(self) -> dict[str, list[int]]:
        return {}  # the trace draws everything

    def network(self) -> nn.Module:
        return FactorNetwork(peaks.profile(torch.zeros(1, SIDE, SIDE)).shape[1])

    def loss(
        self, network: nn.Module, example: Example, progress: Progress
    ) -> tuple[Tensor, dict[str, float]]:
        found = {
            f"{name}_{side}": nll_loss(*case)
            for side in example.sides
            for name, case in zip(
                ("scale", "angle"), cases(network, example, side, progress.phase > 0), strict=True
            )
        }
        return torch.stack(list(found.values())).sum(), {k: v.item() for k, v in found.items()}

    def validate(self, network: nn.Module, examples: Iterable[Example]) -> dict[str, float]:
        """Log-likelihoods of the true values in nats, and mean absolute errors."""
        rows = [{s: cases(network, e, s) for s in e.sides} for e in examples]
        found: dict[str, float] = {}
        for k, (name, listed) in enumerate((("scale", SCALES), ("angle", ANGLES))):
            for side in rows[0]:
                logs, places = (torch.cat([row[side][k][i] for row in rows]) for i in (0, 1))
                values = torch.tensor(listed, device=logs.device)
                off = median(Belief(values, logs.exp())) - values[places]
                found[f"{name}_{side}_log_likelihood"] = -nll_loss(logs, places).item()
                found[f"{name}_{side}_mae"] = off.abs().mean().item()
        objective = sum(v for name, v in found.items() if name.endswith("likelihood"))
        return {"objective": objective, **found}


def cases(network: nn.Module, example: Example, side: str, whole: bool = True) -> _Cases:
    """Log shares and the places of the true values: of scale where nothing was turned, of angle
    where nothing was scaled, so that neither takes the other for nothing. whole: of peaks too."""
    scale, angle = (example.values[name].float() for name in ("f", "d"))
    seen, jpeg = gray(example.sides[side]), side == "jpeg"
    with torch.no_grad():
        profile = peaks.profile(seen)
        none = profile.new_zeros(len(seen), len(SCALES) + len(ANGLES), KINDS)
        heights = peaks.heights(seen, jpeg) if whole else none
    logs = network(heights, profile, jpeg)
    asked = angle == 0, scale == 1
    true = ((scale, SCALES), (angle, ANGLES))
    return [
        (log[which], (of[which, None] - torch.tensor(listed, device=of.device)).abs().argmin(1))
        for log, which, (of, listed) in zip(logs, asked, true, strict=True)
    ]
