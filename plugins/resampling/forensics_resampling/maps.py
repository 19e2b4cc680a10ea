"""The six maps of an image: what a network of six outputs says of windows at every eighth pixel."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from forensics import progress
from forensics_resampling.constrained import ConstrainedNetwork
from forensics_resampling.networks import OnRadon
from forensics_resampling.patches import windows
from forensics_resampling.recipes import SIDE

STRIDE = 8
_TOGETHER = 64  # windows of model II at once


def maps(network: nn.Module, gray: Tensor, told: tuple[int, int] = (0, 1)) -> Tensor:
    """Probabilities, float32 `[6, h, w]`, of one image, gray float32 `[H, W]`, whose sides are at
    least that of a window.

    Of Radon features the Laplacian is taken once; windows are worked on row by row, so that memory
    does not grow with the image, but for its error. told: this image's number, and of how many, for
    `progress`.
    """
    tops = range(0, gray.shape[0] - SIDE + 1, STRIDE)
    error = network.radon.error(gray[None]) if isinstance(network, OnRadon) else None
    rows = []
    for done, top in enumerate(tops, 1):
        if isinstance(network, OnRadon):
            assert error is not None
            row = error[:, top : top + SIDE - 2]
            logits = network(network.radon.of_error(row, STRIDE)[0])
        else:
            assert isinstance(network, ConstrainedNetwork)
            cut = windows(gray[None, top : top + SIDE], SIDE, STRIDE)[0]
            logits = torch.cat([network.both(some) for some in cut.split(_TOGETHER)])
        rows.append(logits.sigmoid().T)
        progress.tell(told[0] * len(tops) + done, told[1] * len(tops))
    return torch.stack(rows, 1)
