"""Large images in parts, so that memory does not grow with the image."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

SIDE = 512  # of a tile without its halo; a multiple of 8, as the halo is
HALO = 32  # wider than what a pixel of the networks here depends on
_PIXELS = 1 << 19  # of a batch of tiles


def by_tiles(forward: Callable[[Tensor, slice], Tensor], planes: Tensor) -> Tensor:
    """`forward(part, rows)` of every part of the planes, put together: `[N, H, W]`.

    planes: `[N, C, H, W]`, whole blocks. forward: takes some rows of the batch, cut to a tile
    with its halo, `[n, C, h, w]`, and returns `[n, h, w]`. The grid of blocks stays in place.
    """
    n, _, height, width = planes.shape
    result = planes.new_empty(n, height, width)
    for top in range(0, height, SIDE):
        for left in range(0, width, SIDE):
            y, x = max(0, top - HALO), max(0, left - HALO)
            bottom, right = min(height, top + SIDE), min(width, left + SIDE)
            part = planes[:, :, y : bottom + HALO, x : right + HALO]
            together = max(1, _PIXELS // (part.shape[2] * part.shape[3]))
            for first in range(0, n, together):
                rows = slice(first, first + together)
                tile = forward(part[rows], rows)
                kept = tile[:, top - y :, left - x :][:, : bottom - top, : right - left]
                result[rows, top:bottom, left:right] = kept
    return result
