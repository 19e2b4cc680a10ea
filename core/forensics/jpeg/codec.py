"""Compression and decoding: pixels to levels and back, each equal to libjpeg-turbo's."""

from __future__ import annotations

import torch
from torch import Tensor

from forensics import device
from forensics.errors import ForensicsError, UnknownName
from forensics.jpeg.coefficients import SAMPLINGS, Jpeg
from forensics.jpeg.colour import downsample, rgb_to_ycc, upsample, ycc_to_rgb
from forensics.jpeg.tables import standard_tables
from forensics.jpeg.transform import (
    block_idct,
    forward_islow,
    from_blocks,
    inverse_islow,
    to_blocks,
)


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
    if device.compiled(pixels):
        from forensics.jpeg import compiled  # compiles or loads what it compiled before

        coefficients = compiled.compress(pixels, steps, sampling)
    else:
        planes = _planes(pixels, sampling)
        coefficients = tuple(_levels(plane, steps[:, i]) for i, plane in enumerate(planes))
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


def _planes(pixels: Tensor, sampling: str) -> list[Tensor]:
    """The components, int32 `[N, 8 by, 8 bx]` each."""
    values = pixels.to(torch.int32)
    if values.shape[1] == 3:
        values = rgb_to_ycc(values)
    down, across = SAMPLINGS[sampling]
    luma, chroma = values[:, 0], values[:, 1:].unbind(1)
    return [downsample(luma, 1, 1), *(downsample(plane, down, across) for plane in chroma)]


def _levels(plane: Tensor, steps: Tensor) -> Tensor:
    """int32 `[N, 8 by, 8 bx]`, steps `[N, 8, 8]` -> int16 `[N, by, bx, 8, 8]`."""
    blocks = to_blocks(plane).permute(3, 4, 0, 1, 2)
    scaled = forward_islow(blocks.contiguous() - 128)
    q = steps.permute(1, 2, 0)[..., None, None]
    levels = ((scaled.abs() + 4 * q) // (8 * q)) * scaled.sign()
    return levels.to(torch.int16).permute(2, 3, 4, 0, 1).contiguous()


def _samples(levels: Tensor, steps: Tensor) -> Tensor:
    """int16 `[N, by, bx, 8, 8]`, steps `[N, 8, 8]` -> int32 `[N, 8 by, 8 bx]`."""
    blocks = levels.permute(3, 4, 0, 1, 2).to(torch.int32).contiguous()
    samples = inverse_islow(blocks, steps.permute(1, 2, 0)[..., None, None])
    return from_blocks(samples.permute(2, 3, 4, 0, 1))


def _image(planes: list[Tensor], jpeg: Jpeg) -> Tensor:
    """The decoded components, padded to whole blocks, to `[N, C, H, W]` of the same dtype."""
    height, width = jpeg.size
    luma = planes[0][:, :height, :width]
    if len(planes) == 1:
        return luma[:, None]
    down, across = SAMPLINGS[jpeg.sampling]
    h, w = -(-height // down), -(-width // across)
    # The padding is cut before the filter sees it, as libjpeg does.
    chroma = [upsample(plane[:, :h, :w], down, across) for plane in planes[1:]]
    return ycc_to_rgb(luma, *(plane[:, :height, :width] for plane in chroma))


def decode(jpeg: Jpeg) -> Tensor:
    """The pixels that libjpeg-turbo (and with it Pillow) decodes, uint8 `[N, C, H, W]`.

    Equal for all int16 levels, also such as no compression gives: see `inverse_islow`.
    """
    if device.compiled(jpeg.coefficients[0]):
        from forensics.jpeg import compiled

        return compiled.decode(jpeg)
    planes = [_samples(c, jpeg.tables[:, i]) for i, c in enumerate(jpeg.coefficients)]
    return _image(planes, jpeg).to(torch.uint8)


def decode_float(jpeg: Jpeg) -> Tensor:
    """The decoded image before anything is rounded or clipped, float `[N, C, H, W]`, 0..255 scale.

    Differentiable: the coefficients may be float tensors (`dataclasses.replace(jpeg,
    coefficients=...)`), then the result has their dtype and a gradient; of int16 ones it is
    float32, and as precise as `block_dct`. The decoder's own rounding differs from rounding this
    by a noise of variance 1/1536.
    """
    return _image([_plane(jpeg, i) for i in range(len(jpeg.coefficients))], jpeg)


def decode_luma(jpeg: Jpeg, whole_blocks: bool = False) -> Tensor:
    """The decoded luma before anything is rounded or clipped, float32 `[N, H, W]` on 0..255, or of
    `whole_blocks`, `[N, 8 by, 8 bx]`, with what pads the last ones. Differentiable, as
    `decode_float` is."""
    plane = _plane(jpeg, 0)
    return plane if whole_blocks else plane[:, : jpeg.size[0], : jpeg.size[1]]


def _plane(jpeg: Jpeg, index: int) -> Tensor:
    """A component, `[N, 8 by, 8 bx]`: float32, or of the dtype of float coefficients."""
    levels = jpeg.coefficients[index]
    dtype = levels.dtype if levels.is_floating_point() else torch.float32
    return block_idct(levels.to(dtype) * jpeg.tables[:, index, None, None]) + 128
