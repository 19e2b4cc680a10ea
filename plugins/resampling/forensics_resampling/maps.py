"""The six maps of an image: what `radon-up` and the like say of windows at every eighth pixel."""

from __future__ import annotations

import torch
from torch import Tensor

from forensics import progress
from forensics_resampling.networks import OnRadon

STRIDE = 8


def maps(network: OnRadon, gray: Tensor, told: tuple[int, int] = (0, 1)) -> Tensor:
    """Probabilities, float32 `[6, h, w]`, of one image, gray float32 `[H, W]`, whose sides are at
    least that of a window.

    The Laplacian is taken once; windows are worked on row by row, so that memory grows with the
    width of the image alone. told: this image's number, and of how many, for `progress`.
    """
    radon = network.radon
    error = radon.error(gray[None])
    inside = radon.side - 2
    tops = range(0, error.shape[1] - inside + 1, STRIDE)
    rows = []
    for done, top in enumerate(tops, 1):
        features = radon.of_error(error[:, top : top + inside], STRIDE)[0]
        rows.append(network(features).sigmoid().T)
        progress.tell(told[0] * len(tops) + done, told[1] * len(tops))
    return torch.stack(rows, 1)
