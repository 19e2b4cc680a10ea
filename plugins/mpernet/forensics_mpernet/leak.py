"""What the paper's crop gives away: it cuts the middle 256 of a compressed tile, so that the phase
of the JPEG grid says by which factor the tile was resized."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from forensics.batch import Batch
from forensics.jpeg.recovery import recover
from forensics.plugin import Estimate, Estimator, Trace, points_of
from forensics_mpernet.fast import logits, perceptron
from forensics_mpernet.tasks import CAMERA, FACTORS, TASKS, groups_of, target_of

_TILE, _PATCH = 512, 256


def phase(factor: float) -> int:
    """The first row and column of the middle 256 of a tile of 512 that was resized by a factor,
    modulo 8 (section III-B of the paper)."""
    return (round(_TILE * factor) - _PATCH) // 2 % 8


#: bicubic resizing as in `resize-bicubic-jpeg`, cut as the paper cuts
TRACE = Trace(
    "mper-bicubic-papercrop",
    (
        ("pristine", "jpeg({q0}) jpeg({q2})"),
        ("altered", "jpeg({q0}) resize({f},kernel=bicubic) ATTACK jpeg({q2}) crop({r},{r})"),
    ),
    tuple(point for f in FACTORS for point in points_of(f=(f,), r=(phase(f),), q2=(90,))),
    "pixels",
    (TASKS["bicubic"].target,),
    (CAMERA,),
)


def grid_phase(luma: Tensor) -> Tensor:
    """Where on the diagonal the blocks of a JPEG begin, 0..7: where third differences are largest.

    luma: float `[N, H, W]`. Returns int64 `[N]`.
    """
    steps = luma.new_zeros(len(luma), 8)
    for image in (luma, luma.transpose(1, 2)):
        second = image[:, :, 3:] - 3 * image[:, :, 2:-1] + 3 * image[:, :, 1:-2] - image[:, :, :-3]
        profile = second.abs().mean(1)
        kept = profile[:, : profile.shape[1] // 8 * 8].unflatten(1, (-1, 8)).mean(1)
        steps += kept / kept.mean(1, keepdim=True).clamp(min=1e-6)
    # Place j has the difference of samples j + 1 and j + 2 in its middle.
    result: Tensor = (steps.argmax(1) + 2) % 8
    return result


@dataclass(frozen=True)
class Leak(Estimator):
    """`mperfast-bicubic`, and of its factors only those that the paper's crop leaves at the phase
    of the grid that is found. It measures the leak, and is of no use on other files."""

    def estimate(self, batch: Batch) -> Estimate:
        network = self.network("net", perceptron, batch.device)
        classes = network.classes
        assert isinstance(classes, Tensor)
        phases = torch.tensor([phase(f) for f in classes.tolist()], device=batch.device)
        found = grid_phase(batch.luma())
        values = torch.empty(len(batch), device=batch.device)
        for number, first in enumerate(found.tolist()):
            one = batch[number : number + 1]
            side = (min(batch.size) - 8) // 8 * 8
            pixels = one.pixels[:, :, first : first + side, first : first + side]
            jpeg, _ = recover(pixels)
            known = logits(network, Batch.of(pixels, jpeg), groups_of("bicubic"))[0]
            # The crop begins `phase` pixels after a block does, so a block begins 8 - phase later.
            possible = phases == -first % 8
            values[number] = classes[known.masked_fill(~possible, -torch.inf).argmax()]
        return Estimate((target_of("bicubic").name,), values[:, None])
