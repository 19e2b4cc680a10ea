"""Quantisation tables: ITU-T T.81, annex K.1, scaled by libjpeg's quality."""

from __future__ import annotations

import torch
from torch import Tensor

from forensics.errors import ForensicsError

_LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMINANCE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
)

# ZIGZAG[i] is the natural (row by row) position of the i-th coefficient in zig-zag order, int64
# [64]: `block.flatten(-2)[..., ZIGZAG]` puts blocks into zig-zag order. Along the diagonals,
# upwards on the even ones (T.81, figure 5).
ZIGZAG = torch.tensor(
    sorted(
        range(64),
        key=lambda p: (p // 8 + p % 8, p // 8 if (p // 8 + p % 8) % 2 else p % 8),
    )
)


def standard_tables(quality: int | Tensor, components: int) -> Tensor:
    """The quantisation steps that Pillow writes at this quality, natural (row by row) order.

    quality: 1..100, an int or an integer tensor `[N]`. components: 1 (gray) or 3 (Y, Cb, Cr).
    Returns int32 `[components, 8, 8]`, or `[N, components, 8, 8]` for a tensor, on its device.
    Steps are limited to 1..255 (baseline). Raises ForensicsError for another quality.
    """
    q = torch.as_tensor(quality)
    if q.is_floating_point() or q.ndim > 1 or bool(((q < 1) | (q > 100)).any()):
        raise ForensicsError("JPEG quality is a whole number from 1 to 100, one or one an image")
    q = q.to(torch.int32)[..., None, None, None]
    base = torch.tensor((_LUMINANCE, _CHROMINANCE, _CHROMINANCE)[:components], device=q.device)
    scale = torch.where(q < 50, 5000 // q, 200 - 2 * q)
    return ((base * scale + 50) // 100).clamp(1, 255).to(torch.int32)
