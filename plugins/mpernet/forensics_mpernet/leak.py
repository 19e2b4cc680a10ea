"""What the paper's crop gives away: it cuts the middle 256 of a compressed tile, so that the phase
of the JPEG grid says by which factor the tile was resized."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from forensics.jpeg import compress, standard_tables
from forensics.nn import phase_dct
from forensics.plugin import Batch, Draw, Trace, option, points_of
from forensics_mpernet.answers import Answering
from forensics_mpernet.fast import Perceptrons, logits, perceptrons
from forensics_mpernet.tasks import CAMERA, FACTORS, TASKS

TILE, SIDE = 512, 256
_WIDE = 6  # a step that rounded pixels leave visible


def start(factor: float) -> int:
    """Where the middle of the resized tile begins."""
    return (round(TILE * factor) - SIDE) // 2


def seen(pixels: Tensor, steps: Tensor) -> int:
    """Where on the grid the corner of `[H, W]` lies: where the coefficients of its blocks are
    nearest to multiples of the table's steps `[8, 8]`. Those of small steps tell nothing."""
    wide = steps >= _WIDE
    off = []
    for place in range(8):  # the first whole block begins 8 - place pixels on
        first = (8 - place) % 8
        level = phase_dct(pixels[None] - 128, first, first)[0][..., wide] / steps[wide]
        off.append(float((level - level.round()).abs().mean()))
    return int(np.argmin(off))


# Cut where the paper's crop begins on the grid, which `c` says.
PAPERCROP = Trace(
    "mper-papercrop",
    (
        ("pristine", "jpeg({q0}) jpeg({q2})"),
        (
            "altered",
            "jpeg({q0}) resize({f},kernel=bicubic) ATTACK jpeg({q2}) crop({c},{c})",
        ),
    ),
    points_of(q2=(90,)),
    "pixels",
    (TASKS["bicubic"].target,),
    (CAMERA, Draw(("f", "c"), tuple((f, start(f) % 8) for f in FACTORS))),
)


@dataclass(frozen=True)
class PaperCrop(Answering):
    """`mperfast-bicubic` of patches that the paper would cut: the grid's phase is read off the
    pixels, and factors that would begin elsewhere are left out."""

    quality: int = option(90, "of the last JPEG, which a cropped picture does not say")
    grid: bool = option(True, "whether to use what the grid says, or only to cut on it")

    def logits(self, batch: Batch) -> tuple[Tensor, Tensor]:
        networks = self.network("net", perceptrons, batch.device)
        assert isinstance(networks, Perceptrons)
        network = networks.of[self.task]
        assert isinstance(network.classes, Tensor)
        steps = standard_tables(self.quality, 1)[0, 0]
        places = torch.tensor([start(round(f, 3)) % 8 for f in network.classes.tolist()])
        found = []
        for number in range(len(batch)):
            place = seen(batch.luma()[number], steps.float().to(batch.device))
            first = -place % 8
            side = [(size - first) // 8 * 8 for size in batch.size]
            cut = batch[number : number + 1].cut(first, first, *side)
            jpeg = compress(cut.pixels, self.quality)  # of which only the table is looked at
            answer = logits(network, replace(cut, jpeg=jpeg), self.task)
            elsewhere = (places != place).to(answer.device)
            if self.grid and not bool(elsewhere.all()):
                answer = answer.masked_fill(elsewhere, -30)
            found.append(answer)
        return network.classes, torch.cat(found)
