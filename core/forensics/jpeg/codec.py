"""Compression and decoding: pixels to levels and back, each equal to libjpeg-turbo's."""

from __future__ import annotations

import torch
from torch import Tensor

from forensics.batch import SAMPLINGS, Jpeg
from forensics.errors import ForensicsError, UnknownName
from forensics.jpeg.tables import standard_tables
from forensics.jpeg.transform import block_idct, forward_islow, inverse_islow


def compress(
    pixels: Tensor,
    quality: int | Tensor | None = None,
    sampling: str = "4:2:0",
    tables: Tensor | None = None,
) -> Jpeg:
    """What libjpeg-turbo (and with it Pillow) writes into the JPEG of these pixels, to the bit.

    pixels: uint8 `[N, C, H, W]`, C = 1 (then the sampling is "gray", whatever is asked) or 3 (RGB).
    quality: libjpeg's 1..100, an int or an integer tensor `[N]`, one for each image.
    sampling: "4:4:4", "4:2:2" or "4:2:0", for colour.
    tables: instead of a quality, integer steps 1..8191 `[components, 8, 8]` or
        `[N, components, 8, 8]` in natural order; components is C.
    Nothing is entropy coded. Raises TypeError for pixels of another form, ForensicsError for a
    quality, sampling or tables that do not exist.
    """
    if pixels.dtype != torch.uint8 or pixels.ndim != 4 or pixels.shape[1] not in (1, 3):
        raise TypeError(
            f"pixels must be uint8 [N, 1 or 3, H, W], not {pixels.dtype} {list(pixels.shape)}"
        )
    _, channels, height, width = pixels.shape
    sampling = "gray" if channels == 1 else sampling
    if sampling not in SAMPLINGS or (channels == 3 and sampling == "gray"):
        raise UnknownName(f"no chroma sampling {sampling!r} for RGB; take 4:4:4, 4:2:2 or 4:2:0")
    steps = _steps(pixels, quality, tables)
    planes = [pixels[:, 0].to(torch.int32)]
    coefficients = tuple(_levels(p, steps[:, i]) for i, p in enumerate(planes))
    return Jpeg(coefficients, steps, sampling, (height, width))


def _steps(pixels: Tensor, quality: int | Tensor | None, tables: Tensor | None) -> Tensor:
    """int32 `[N, components, 8, 8]` on the pixels' device."""
    n, components = pixels.shape[:2]
    if (quality is None) == (tables is None):
        raise ForensicsError("compress takes a quality or tables, one of the two")
    if tables is None:
        assert quality is not None
        tables = standard_tables(quality, components)
    elif tables.is_floating_point() or bool(((tables < 1) | (tables > 8191)).any()):
        raise ForensicsError("quantisation steps are whole numbers from 1 to 8191")
    if tables.shape[-3:] != (components, 8, 8) or tables.shape[:-3] not in ((), (n,)):
        raise ForensicsError(
            f"tables or qualities of shape {list(tables.shape)} do not fit {n} images of "
            f"{components} components; give one for all or one for each image"
        )
    return tables.to(pixels.device, torch.int32).expand(n, -1, -1, -1).contiguous()


def _repeat_edge(planes: Tensor, height: int, width: int) -> Tensor:
    """`[N, h, w]` -> `[N, height, width]` by repeating the last column and row."""
    _, h, w = planes.shape
    if w < width:
        planes = torch.cat([planes, planes[:, :, -1:].expand(-1, -1, width - w)], 2)
    if h < height:
        planes = torch.cat([planes, planes[:, -1:].expand(-1, height - h, -1)], 1)
    return planes


def _levels(plane: Tensor, steps: Tensor) -> Tensor:
    """int32 `[N, h, w]`, steps `[N, 8, 8]` -> int16 `[N, by, bx, 8, 8]`."""
    n, h, w = plane.shape
    by, bx = -(-h // 8), -(-w // 8)
    blocks = _repeat_edge(plane, 8 * by, 8 * bx).view(n, by, 8, bx, 8).permute(2, 4, 0, 1, 3)
    scaled = forward_islow(blocks.contiguous() - 128)
    q = steps.permute(1, 2, 0)[..., None, None]
    levels = ((scaled.abs() + 4 * q) // (8 * q)) * scaled.sign()
    return levels.to(torch.int16).permute(2, 3, 4, 0, 1).contiguous()


def _samples(levels: Tensor, steps: Tensor) -> Tensor:
    """int16 `[N, by, bx, 8, 8]`, steps `[N, 8, 8]` -> int32 `[N, 8 by, 8 bx]`."""
    n, by, bx = levels.shape[:3]
    blocks = levels.permute(3, 4, 0, 1, 2).to(torch.int32).contiguous()
    samples = inverse_islow(blocks * steps.permute(1, 2, 0)[..., None, None])
    return samples.permute(2, 3, 0, 4, 1).reshape(n, 8 * by, 8 * bx)


def decode(jpeg: Jpeg) -> Tensor:
    """The pixels that libjpeg-turbo (and with it Pillow) decodes, uint8 `[N, C, H, W]`."""
    height, width = jpeg.size
    planes = [_samples(c, jpeg.tables[:, i]) for i, c in enumerate(jpeg.coefficients)]
    return planes[0][:, None, :height, :width].to(torch.uint8)


def decode_float(jpeg: Jpeg) -> Tensor:
    """The decoded image before anything is rounded or clipped, float `[N, C, H, W]`, 0..255 scale.

    Differentiable: the coefficients may be float tensors (`dataclasses.replace(jpeg,
    coefficients=...)`), then the result has their dtype and a gradient; of int16 ones it is
    float32. The decoder's own rounding differs from rounding this by a noise of variance 1/1536.
    """
    height, width = jpeg.size
    planes = []
    for i, levels in enumerate(jpeg.coefficients):
        dtype = levels.dtype if levels.is_floating_point() else torch.float32
        planes.append(block_idct(levels.to(dtype) * jpeg.tables[:, i, None, None]) + 128)
    return planes[0][:, None, :height, :width]
