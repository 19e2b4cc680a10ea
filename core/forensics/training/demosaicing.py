"""From a sensor's mosaic to colours: three ways, on batches in which every mosaic has a phase of
its own.

Each takes a mosaic, float32 `[N, 1, H, W]`, and where its red, green and blue pixels are, bool
`[N, 3, H, W]`, and gives float32 `[N, 3, H, W]`. Beyond the border the mosaic is reflected. They
are those of `colour-demosaicing`, but for its border and Menon's last refinement.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

Kernel = tuple[tuple[float, ...], ...]


def bilinear(mosaic: Tensor, masks: Tensor) -> Tensor:
    """Means of the nearest pixels of each colour."""
    red, green, blue = (mosaic * masks).split(1, 1)
    cross = ((0, 1 / 4, 0), (1 / 4, 1, 1 / 4), (0, 1 / 4, 0))
    square = ((1 / 4, 1 / 2, 1 / 4), (1 / 2, 1, 1 / 2), (1 / 4, 1 / 2, 1 / 4))
    parts = (_filtered(red, square), _filtered(green, cross), _filtered(blue, square))
    return torch.cat(parts, 1)


def malvar(mosaic: Tensor, masks: Tensor) -> Tensor:
    """The same, corrected by the Laplacian of the pixel's own colour: Malvar, He and Cutler 2004,
    "High-quality linear interpolation for demosaicing of Bayer-patterned color images", Fig. 2."""
    is_red, is_green = masks[:, :1], masks[:, 1:2]
    red_row = is_red.any(3, keepdim=True)
    green = _filtered(mosaic, _eighths(_GREEN))
    along = _filtered(mosaic, _eighths(_ALONG))
    across = _filtered(mosaic, _eighths(tuple(zip(*_ALONG, strict=True))))
    diagonal = _filtered(mosaic, _eighths(_DIAGONAL))
    red = torch.where(is_green, torch.where(red_row, along, across), diagonal)
    blue = torch.where(is_green, torch.where(red_row, across, along), diagonal)
    return torch.where(masks, mosaic, torch.cat((red, green, blue), 1))


def menon(mosaic: Tensor, masks: Tensor) -> Tensor:
    """Green along or across, whichever the colour differences say is smoother, then the others
    from it: Menon, Andriani and Calvagno 2007, "Demosaicing with directional filtering and a
    posteriori decision", sections II and III."""
    is_red, is_green, is_blue = masks.split(1, 1)
    greens = [torch.where(is_green, mosaic, _filtered(mosaic, k)) for k in _both(_DIRECTED)]
    roughness = []
    for green, axis, kernel in zip(greens, (3, 2), _both(_NEAR), strict=True):
        difference = torch.where(is_green, 0.0, mosaic - green)
        padded = functional.pad(difference, (2, 2, 2, 2), "reflect")
        size = mosaic.shape[axis]
        ahead = padded.narrow(axis, 4, size).narrow(5 - axis, 2, mosaic.shape[5 - axis])
        roughness.append(_filtered((difference - ahead).abs(), kernel))
    level = roughness[1] >= roughness[0]
    green = torch.where(level, greens[0], greens[1])

    def carried(values: Tensor, guide: Tensor, along: Tensor) -> Tensor:
        """Values of the two neighbours, along or across, by their difference to the guide."""
        found = [_filtered(values, k) - _filtered(guide, k) for k in _both(_PAIR)]
        return torch.where(along, found[0], found[1])

    red_row = is_red.any(3, keepdim=True)
    red = torch.where(is_red, mosaic, 0.0)
    blue = torch.where(is_blue, mosaic, 0.0)
    red = torch.where(is_green, green + carried(red, green, red_row), red)
    blue = torch.where(is_green, green + carried(blue, green, ~red_row), blue)
    full_red = torch.where(is_blue, blue + carried(red, blue, level), red)
    full_blue = torch.where(is_red, red + carried(blue, red, level), blue)
    return torch.cat((full_red, green, full_blue), 1)


METHODS = (bilinear, malvar, menon)

_GREEN: Kernel = (
    (0, 0, -1, 0, 0),
    (0, 0, 2, 0, 0),
    (-1, 2, 4, 2, -1),
    (0, 0, 2, 0, 0),
    (0, 0, -1, 0, 0),
)
_ALONG: Kernel = (
    (0, 0, 0.5, 0, 0),
    (0, -1, 0, -1, 0),
    (-1, 4, 5, 4, -1),
    (0, -1, 0, -1, 0),
    (0, 0, 0.5, 0, 0),
)
_DIAGONAL: Kernel = (
    (0, 0, -1.5, 0, 0),
    (0, 2, 0, 2, 0),
    (-1.5, 0, 6, 0, -1.5),
    (0, 2, 0, 2, 0),
    (0, 0, -1.5, 0, 0),
)
_DIRECTED: Kernel = ((-1 / 4, 1 / 2, 1 / 2, 1 / 2, -1 / 4),)
_PAIR: Kernel = ((1 / 2, 0, 1 / 2),)
_NEAR: Kernel = (
    (1, 0, 1, 0, 0),
    (0, 1, 0, 0, 0),
    (3, 0, 3, 0, 0),
    (0, 1, 0, 0, 0),
    (1, 0, 1, 0, 0),
)


def _eighths(kernel: Kernel) -> Kernel:
    return tuple(tuple(weight / 8 for weight in row) for row in kernel)


def _both(kernel: Kernel) -> tuple[Kernel, Kernel]:
    """Along the rows, and the same along the columns."""
    return kernel, tuple(zip(*kernel, strict=True))


def _filtered(plane: Tensor, kernel: Kernel) -> Tensor:
    weights = torch.tensor(kernel, dtype=torch.float32, device=plane.device)
    height, width = weights.shape
    sides = (width // 2, width // 2, height // 2, height // 2)
    return functional.conv2d(functional.pad(plane, sides, "reflect"), weights[None, None])
