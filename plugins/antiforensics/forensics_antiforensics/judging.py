"""What a validation measures: the six detectors' errors and the gain in PSNR."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor

from forensics.batch import Batch
from forensics.metrics.crossfit import pe_cv
from forensics.metrics.curves import Scored
from forensics.models.interfaces import Detector
from forensics.training.recipe import Example
from forensics_antiforensics.detectors import KF, KL, KQF, KU1, KU2, KV
from forensics_antiforensics.pair import Pair

DETECTORS: dict[str, Detector] = {
    "kl": KL(),
    "kf": KF(),
    "ku1": KU1(),
    "ku2": KU2(),
    "kqf": KQF(),
    "kv": KV(),
}


def pixels(plane: Tensor) -> Tensor:
    """Float `[N, H, W]` on 0..255 -> uint8 `[N, 1, H, W]`."""
    return plane.round().clamp(0, 255).to(torch.uint8)[:, None]


def gain(plane: Tensor, pair: Pair) -> Tensor:
    """PSNR of an attacked plane less that of the JPEG, both as 8-bit pixels; decibels, `[N]`."""
    errors = [
        (pixels(image)[:, 0] - pair.target).square().mean((1, 2)).clamp(min=1e-3)
        for image in (plane, pair.luma)
    ]
    return 10 * torch.log10(errors[1] / errors[0])


def figures(attack: Callable[[Pair], Tensor], examples: Iterable[Example]) -> dict[str, float]:
    """`pe_cv` of each detector, never compressed against attacked; `mean`, of the six with each
    at most 0.5; `gain`, in decibels; and `objective`: mean + 0.05 gain, the gain at most 0.5."""
    scores: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in DETECTORS}
    gains: list[Tensor] = []
    photographs: list[str] = []
    for example in examples:
        pair, pristine = Pair.of(example), example.sides["pristine"]
        plane = attack(pair)
        gains.append(gain(plane, pair))
        photographs += pristine.photographs
        attacked = pristine.with_pixels(pixels(plane))
        for name, detector in DETECTORS.items():
            scores[name].append((_values(detector, pristine), _values(detector, attacked)))
    owners = np.array(photographs)
    found: dict[str, float] = {}
    for name, pairs in scores.items():
        sides = [Scored(torch.cat(side).numpy(), owners) for side in zip(*pairs, strict=True)]
        value = pe_cv(sides[0], sides[1], seed=0).value
        assert value is not None
        found[name] = value
    mean = sum(min(value, 0.5) for value in found.values()) / len(found)
    better = torch.cat(gains).mean().item()
    return {"objective": mean + 0.05 * min(better, 0.5), "mean": mean, "gain": better, **found}


def _values(detector: Detector, batch: Batch) -> Tensor:
    return detector.score(batch).values.cpu()
