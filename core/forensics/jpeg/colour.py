"""libjpeg's colour conversion and chroma resampling (jccolor.c, jcsample.c, jdcolor.c, jdsample.c).

Integer arithmetic for int32 planes; `upsample` and `ycc_to_rgb` of float planes are the same
filters without rounding. An order of steps that looks arbitrary is libjpeg's: the samples that
pad a block are in its coefficients.
"""

from __future__ import annotations

import torch
from torch import Tensor


def luma(rgb: Tensor) -> Tensor:
    """int32 `[N, 3, H, W]` in 0..255 -> Y `[N, H, W]`, the same as Pillow's `convert("L")`."""
    r, g, b = rgb.unbind(1)
    return (19595 * r + 38470 * g + 7471 * b + 32768) >> 16


def rgb_to_ycc(rgb: Tensor) -> Tensor:
    """int32 `[N, 3, H, W]` in 0..255 -> Y, Cb, Cr, the same shape and range."""
    r, g, b = rgb.unbind(1)
    half = (128 << 16) + 32767
    cb = (-11059 * r - 21709 * g + 32768 * b + half) >> 16
    cr = (32768 * r - 27439 * g - 5329 * b + half) >> 16
    return torch.stack((luma(rgb), cb, cr), 1)


def ycc_to_rgb(y: Tensor, cb: Tensor, cr: Tensor) -> Tensor:
    """`[N, H, W]` each -> `[N, 3, H, W]`: int32 rounded and clipped to 0..255, floats neither."""
    cb, cr = cb - 128, cr - 128
    red, green, blue = 91881 * cr, -22554 * cb - 46802 * cr, 116130 * cb
    if y.is_floating_point():
        return torch.stack([y + part / 65536 for part in (red, green, blue)], 1)
    rgb = torch.stack([y + ((part + 32768) >> 16) for part in (red, green, blue)], 1)
    return rgb.clamp(0, 255)


def repeat_edge(planes: Tensor, height: int, width: int) -> Tensor:
    """`[N, h, w]` -> `[N, height, width]` by repeating the last column and row."""
    _, h, w = planes.shape
    if w < width:
        planes = torch.cat([planes, planes[:, :, -1:].expand(-1, -1, width - w)], 2)
    if h < height:
        planes = torch.cat([planes, planes[:, -1:].expand(-1, height - h, -1)], 1)
    return planes


def downsample(planes: Tensor, down: int, across: int) -> Tensor:
    """int32 chroma `[N, H, W]` -> `[N, 8 by, 8 bx]`, `across` x `down` samples to one.

    The rounding alternates along a row (0, 1 of 2; 1, 2 of 4). It is therefore the columns of the
    full-size plane that are repeated to fill the last block, but the rows of the small one.
    """
    n, height, width = planes.shape
    h, w = -(-height // down), -(-width // across)
    by, bx = -(-h // 8), -(-w // 8)
    planes = repeat_edge(planes, h * down, 8 * bx * across)
    if across == 2:
        total = planes.view(n, h, down, 8 * bx, 2).sum((2, 4), dtype=torch.int32)
        odd = torch.arange(8 * bx, dtype=torch.int32, device=planes.device) % 2
        planes = (total + odd + (down - 1)) >> down
    return repeat_edge(planes, 8 * by, 8 * bx)


def upsample(planes: Tensor, down: int, across: int) -> Tensor:
    """Chroma `[N, h, w]` -> `[N, down h, across w]` by libjpeg's triangle filter ("fancy").

    Each new sample is 3/4 of the nearer old one and 1/4 of the next, along each axis that was
    reduced. Planes of one or two columns are repeated instead.
    """
    n, h, w = planes.shape
    if across == 1:
        return planes
    if w <= 2:
        return planes.repeat_interleave(down, 1).repeat_interleave(2, 2)
    if down == 2:
        above = torch.cat([planes[:, :1], planes[:, :-1]], 1)
        below = torch.cat([planes[:, 1:], planes[:, -1:]], 1)
        planes = torch.stack((3 * planes + above, 3 * planes + below), 2).view(n, 2 * h, w)
    before = torch.cat([planes[..., :1], planes[..., :-1]], 2)
    after = torch.cat([planes[..., 1:], planes[..., -1:]], 2)
    left, right = 3 * planes + before, 3 * planes + after
    if planes.is_floating_point():
        left, right = left / 4**down, right / 4**down
    elif down == 2:
        left, right = (left + 8) >> 4, (right + 7) >> 4
    else:
        left, right = (left + 1) >> 2, (right + 2) >> 2
    return torch.stack((left, right), 3).view(n, down * h, 2 * w)
