"""The 8 x 8 DCT on grids that do not begin at the corner: any of the 64 phases, or all of them."""

from __future__ import annotations

from torch import Tensor

from forensics.jpeg import block_dct


def phase_dct(planes: Tensor, row: int, column: int) -> Tensor:
    """The DCT of all whole blocks of the grid through (row, column).

    planes: float `[N, H, W]`, of any size; row, column: 0..7, where the first whole block begins.
    Returns `[N, (H - row) // 8, (W - column) // 8, 8, 8]`, orthonormal, natural order, as
    `forensics.jpeg.block_dct` gives it. Differentiable. ValueError for another phase.
    """
    if not (0 <= row < 8 and 0 <= column < 8):
        raise ValueError(f"a grid of 8 x 8 blocks has no phase ({row}, {column})")
    inside = planes[:, row:, column:]
    height, width = (side - side % 8 for side in inside.shape[1:])
    return block_dct(inside[:, :height, :width])


def sliding_dct(planes: Tensor) -> Tensor:
    """The DCT of every 8 x 8 window, all 64 phases at once.

    planes: float `[N, H, W]`, sides of 8 or more. Returns `[N, H - 7, W - 7, 8, 8]`; phase
    (r, c) is `[:, r::8, c::8]`. Differentiable. 64 values a pixel: give large images in parts.
    """
    windows = planes.unfold(1, 8, 1).unfold(2, 8, 1)
    return block_dct(windows.reshape(-1, 8, 8)).view(windows.shape)
