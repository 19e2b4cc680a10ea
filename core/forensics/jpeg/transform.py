"""The discrete cosine transform of 8 x 8 blocks, twice.

`block_dct` and `block_idct` are the orthonormal one, in floats, differentiable. `forward_islow`
and `inverse_islow` are the integer one of libjpeg ("islow", jfdctint.c and jidctint.c, after
Loeffler, Ligtenberg and Moschytz, ICASSP 1989), exact to the bit on every device: sums, products
and shifts of int32, which neither TF32 nor autocast touches.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor


def to_blocks(planes: Tensor) -> Tensor:
    """`[N, H, W]` -> `[N, H/8, W/8, 8, 8]`; H and W are multiples of 8."""
    n, height, width = planes.shape
    if height % 8 or width % 8:
        raise ValueError(f"a plane of {height} x {width} does not consist of 8 x 8 blocks")
    return planes.reshape(n, height // 8, 8, width // 8, 8).transpose(2, 3)


def from_blocks(blocks: Tensor) -> Tensor:
    """`[N, by, bx, 8, 8]` -> `[N, 8 by, 8 bx]`."""
    n, by, bx, _, _ = blocks.shape
    return blocks.transpose(2, 3).reshape(n, 8 * by, 8 * bx)


@cache
def _basis(dtype: torch.dtype, device: torch.device) -> Tensor:
    """`[64, 64]`: row = position in the block, column = frequency, both row by row."""
    # What is made under inference_mode could not take part in a later training step.
    with torch.inference_mode(False):
        k = torch.arange(8, dtype=torch.float64)
        rows = torch.cos((2 * k + 1) * k[:, None] * (math.pi / 16)) / 2
        rows[0] = math.sqrt(1 / 8)
        return torch.kron(rows, rows).T.contiguous().to(device, dtype)


def _multiply(blocks: Tensor, matrix: Tensor) -> Tensor:
    with torch.autocast(blocks.device.type, enabled=False):
        return (blocks.flatten(-2) @ matrix).view(blocks.shape)


def block_dct(planes: Tensor) -> Tensor:
    """Orthonormal 8 x 8 DCT-II: float `[N, H, W]` -> `[N, H/8, W/8, 8, 8]`, natural order.

    The scale is JPEG's: levels times steps of an image compressed from `planes + 128`.
    Differentiable, in the dtype given, autocast or not. It is one matrix product: on a GPU where
    the program allows TF32 (`torch.set_float32_matmul_precision`; torch's default does not),
    float32 keeps 10 bits of mantissa in it. ValueError if H or W is not a multiple of 8.
    """
    return _multiply(to_blocks(planes), _basis(planes.dtype, planes.device))


def block_idct(coefficients: Tensor) -> Tensor:
    """The inverse of `block_dct`: float `[N, by, bx, 8, 8]` -> `[N, 8 by, 8 bx]`; as precise."""
    basis = _basis(coefficients.dtype, coefficients.device)
    return from_blocks(_multiply(coefficients, basis.T))


def _descale(x: Tensor, bits: int) -> Tensor:
    return (x + (1 << (bits - 1))) >> bits


def _wrap(x: Tensor) -> Tensor:
    return x.to(torch.int16).to(torch.int32)


def _forward_1d(d: Sequence[Tensor]) -> list[Tensor]:
    """Eight samples to eight frequencies times sqrt(8) 2**13 (jfdctint.c)."""
    s0, s1, s2, s3 = d[0] + d[7], d[1] + d[6], d[2] + d[5], d[3] + d[4]
    t7, t6, t5, t4 = d[0] - d[7], d[1] - d[6], d[2] - d[5], d[3] - d[4]
    u10, u13, u11, u12 = s0 + s3, s0 - s3, s1 + s2, s1 - s2
    even = (u12 + u13) * 4433
    z5 = (t4 + t6 + t5 + t7) * 9633
    z1, z2 = (t4 + t7) * -7373, (t5 + t6) * -20995
    z3, z4 = (t4 + t6) * -16069 + z5, (t5 + t7) * -3196 + z5
    return [
        (u10 + u11) << 13,
        t7 * 12299 + z1 + z4,
        even + u13 * 6270,
        t6 * 25172 + z2 + z3,
        (u10 - u11) << 13,
        t5 * 16819 + z2 + z4,
        even + u12 * -15137,
        t4 * 2446 + z1 + z3,
    ]


def _inverse_1d(k: Sequence[Tensor]) -> list[Tensor]:
    """Eight frequencies to eight samples times sqrt(8) 2**13 (jidctint.c).

    The sums that libjpeg-turbo's vector code holds in 16 bits wrap as they do there.
    """
    even = (k[2] + k[6]) * 4433
    t2, t3 = even + k[6] * -15137, even + k[2] * 6270
    t0, t1 = _wrap(k[0] + k[4]) << 13, _wrap(k[0] - k[4]) << 13
    e = (t0 + t3, t1 + t2, t1 - t2, t0 - t3)
    z3, z4 = _wrap(k[7] + k[3]), _wrap(k[5] + k[1])
    z5 = (z3 + z4) * 9633
    z1, z2 = (k[7] + k[1]) * -7373, (k[5] + k[3]) * -20995
    z3, z4 = z3 * -16069 + z5, z4 * -3196 + z5
    o = (
        k[1] * 12299 + z1 + z4,
        k[3] * 25172 + z2 + z3,
        k[5] * 16819 + z2 + z4,
        k[7] * 2446 + z1 + z3,
    )
    return [a + b for a, b in zip(e, o, strict=True)] + [
        a - b for a, b in zip(reversed(e), reversed(o), strict=True)
    ]


def forward_islow(samples: Tensor) -> Tensor:
    """int32 `[8, 8, ...]` samples minus 128 -> 8 times their DCT, int32 `[8, 8, ...]`."""
    rows = _descale(torch.stack(_forward_1d(samples.unbind(1)), 1), 11)
    return _descale(torch.stack(_forward_1d(rows.unbind(0))), 15)


def inverse_islow(levels: Tensor, steps: Tensor) -> Tensor:
    """int32 levels `[8, 8, ...]`, steps that broadcast to them -> samples 0..255, the same shape.

    Follows libjpeg-turbo's vector code for levels that no picture has, too: products and four
    sums wrap to 16 bits, what the first pass gives saturates (but wraps where rows 1 to 7 are all
    zero, which takes a shortcut), the samples are clipped.
    """
    coefficients = _wrap(levels * steps)
    columns = _descale(torch.stack(_inverse_1d(coefficients.unbind(0))), 11)
    shortcut = (levels[1:] == 0).all(0).all(0)
    lines = torch.where(shortcut, _wrap(columns), columns.clamp(-32768, 32767))
    rows = _inverse_1d(lines.unbind(1))
    return (_descale(torch.stack(rows, 1), 18) + 128).clamp(0, 255)
