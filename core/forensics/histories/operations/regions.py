"""Random regions of patches: rectangles, ellipses and dented ones."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from forensics import random

# Shares of the patch that a region covers, and the quotient of its sides.
_AREA = (0.05, 0.4)
_LONGEST = 1.5
# By how much a dented region's radius may differ from an ellipse's: at most twice this.
_DENT = 0.07
_CANDIDATES = 8


@dataclass(frozen=True)
class Window:
    """Where a patch lies in its tile; whole images are patches without a border."""

    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True)
class Regions:
    """One region for each patch. mask: bool `[N, H, W]` of the tile; top, bottom, left, right:
    int64 `[N]`, what they lie within, counted in the tile, ends not included."""

    mask: Tensor
    top: Tensor
    bottom: Tensor
    left: Tensor
    right: Tensor


def draw(keys: Tensor, stream: str, window: Window, size: tuple[int, int]) -> Regions:
    """One region a patch, wholly inside of it, as a function of its key and `stream`: a third of
    them rectangles, a third ellipses, a third of free form; 5 % to 40 % of the patch."""
    # Drawn and decided in float64 with sums, products and roots only: the same on every device.
    shape = random.integers(keys, f"{stream} shape", 3)
    area, stretch, down, across, first, second = (
        random.uniform(keys, f"{stream} region", (6,)).to(torch.float64).unbind(1)
    )
    area = _AREA[0] + (_AREA[1] - _AREA[0]) * area
    ratio = torch.sqrt(1 + (_LONGEST - 1) * stretch)
    ratio = torch.where(random.integers(keys, f"{stream} tall", 2) > 0, ratio, 1 / ratio)
    # Half the sides, as shares of the patch's.
    radius = torch.sqrt(area / torch.where(shape == 0, 4.0, torch.pi))
    reach = torch.where(shape == 2, 1 + 2 * _DENT, 1.0).to(torch.float64)
    tall, wide = radius * ratio, radius / ratio
    middle = [
        reach * half + (1 - 2 * reach * half).clamp(min=0) * place
        for half, place in ((tall, down), (wide, across))
    ]
    y = (torch.arange(window.height, device=keys.device) + 0.5) / window.height
    x = (torch.arange(window.width, device=keys.device) + 0.5) / window.width
    v = ((y - middle[0][:, None]) / tall[:, None])[:, :, None]
    u = ((x - middle[1][:, None]) / wide[:, None])[:, None, :]
    square = u * u + v * v
    distance = torch.sqrt(square).clamp(min=1e-9)
    two = (u * u - v * v) / distance**2
    three = (u * u * u - 3 * u * v * v) / distance**3
    dents = [_DENT * (2 * d[:, None, None] - 1) for d in (first, second)]
    inside = torch.stack(
        [
            torch.maximum(u.abs(), v.abs()) <= 1,
            square <= 1,
            distance <= 1 + dents[0] * two + dents[1] * three,
        ]
    )
    patches = torch.arange(len(keys), device=keys.device)
    mask = torch.zeros(len(keys), *size, dtype=torch.bool, device=keys.device)
    rows = slice(window.top, window.top + window.height)
    columns = slice(window.left, window.left + window.width)
    mask[:, rows, columns] = inside[shape, patches]
    top, bottom = _ends(mask.any(2))
    left, right = _ends(mask.any(1))
    return Regions(mask, top, bottom, left, right)


def beside(
    keys: Tensor, stream: str, window: Window, size: tuple[int, int], there: Tensor
) -> Regions:
    """The same beside earlier regions, bool `[N, H, W]`: of some candidates the one that hides the
    least of them, or that they hide the least of."""
    best, least = None, None
    for number in range(_CANDIDATES):
        found = draw(keys, f"{stream} {number}", window, size)
        common = (found.mask & there).sum((1, 2)).to(torch.float64)
        smaller = torch.minimum(found.mask.sum((1, 2)), there.sum((1, 2)))
        hidden = common / smaller.clamp(min=1)
        if best is None or least is None:
            best, least = found, hidden
            continue
        better = hidden < least
        least = torch.where(better, hidden, least)
        best = Regions(
            torch.where(better[:, None, None], found.mask, best.mask),
            *(
                torch.where(better, getattr(found, end), getattr(best, end))
                for end in ("top", "bottom", "left", "right")
            ),
        )
    assert best is not None
    return best


def _ends(lines: Tensor) -> tuple[Tensor, Tensor]:
    """The first that is True and the one after the last, int64 `[N]` each, of bool `[N, K]`."""
    count = lines.shape[1]
    first = lines.to(torch.uint8).argmax(1)
    return first, count - lines.flip(1).to(torch.uint8).argmax(1)
