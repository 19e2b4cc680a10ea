"""Linear residual filters of the spatial rich model, in whole numbers.

J. Fridrich and J. Kodovsky, "Rich models for steganalysis of digital images", IEEE Trans.
Information Forensics and Security, 2012, section II-A and figure 2. All kernels sum to 0 and have
a negative centre (the negated ones mirror the histograms of their residuals).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

_THIRD = (1, -3, 3, -1)
# The eight directions, counter-clockwise from the right: (down, right).
_DIRECTIONS = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))
_SQUARE_3 = ((-1, 2, -1), (2, -4, 2), (-1, 2, -1))
_SQUARE_5 = (
    (-1, 2, -2, 2, -1),
    (2, -6, 8, -6, 2),
    (-2, 8, -12, 8, -2),
    (2, -6, 8, -6, 2),
    (-1, 2, -2, 2, -1),
)


def third_order(neighbours: Literal["along", "across"]) -> Tensor:
    """The third difference x0 - 3 x1 + 3 x2 - x3 of a row, at four neighbouring sites at once.

    These are the four residuals that one co-occurrence of the rich model joins: next to one
    another along the filter, int8 `[4, 1, 7]`, or across it, int8 `[4, 4, 4]`. Give the transposed
    image for those of columns.
    """
    along = neighbours == "along"
    kernels = torch.zeros(4, *((1, 7) if along else (4, 4)), dtype=torch.int8)
    for site in range(4):
        row, column = (0, site) if along else (site, 0)
        kernels[site, row, column : column + 4] = torch.tensor(_THIRD, dtype=torch.int8)
    return kernels


def rich_model() -> Tensor:
    """The 30 linear kernels: int8 `[30, 5, 5]`, smaller ones centred.

    In order: 8 first, 4 second, 8 third differences (counter-clockwise by 45 degrees from the
    right), 4 edges of 3 x 3, 4 of 5 x 5 (counter-clockwise by 90 degrees from the upper one), the
    squares of 3 x 3 and 5 x 5.
    """
    kernels = [_ray({0: -1, 1: 1}, way) for way in _DIRECTIONS]
    kernels += [_ray({-1: 1, 0: -2, 1: 1}, way) for way in _DIRECTIONS[:4]]
    kernels += [_ray(dict(enumerate(_THIRD, -1)), way) for way in _DIRECTIONS]
    squares = [functional.pad(torch.tensor(_SQUARE_3), (1, 1, 1, 1)), torch.tensor(_SQUARE_5)]
    for square in squares:
        edge = square.clone()
        edge[3:] = 0
        kernels += [edge.rot90(turns) for turns in range(4)]
    return torch.stack([*kernels, *squares]).to(torch.int8)


def _ray(values: dict[int, int], way: tuple[int, int]) -> Tensor:
    """Values at so many steps from the centre in one direction."""
    kernel = torch.zeros(5, 5, dtype=torch.int64)
    for steps, value in values.items():
        kernel[2 + steps * way[0], 2 + steps * way[1]] = value
    return kernel


class Residuals(nn.Module):
    """Fixed residual filters of every channel, at the sites where the whole kernel fits.

    kernels: integers `[K, h, w]`, kept as a buffer, not trained. Float `[N, C, H, W]` ->
    `[N, C K, H - h + 1, W - w + 1]`, the K residuals of the first channel first. Whole numbers
    below 2**24 stay exact in float32 (on a GPU where convolutions may not use TF32).
    """

    kernels: Tensor

    def __init__(self, kernels: Tensor) -> None:
        super().__init__()
        self.register_buffer("kernels", kernels)

    def forward(self, planes: Tensor) -> Tensor:
        channels = planes.shape[1]
        weight = self.kernels.to(planes.dtype)[:, None].repeat(channels, 1, 1, 1)
        return functional.conv2d(planes, weight, groups=channels)
