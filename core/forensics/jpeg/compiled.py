"""The codec's integer path for a CPU, compiled by numba: the same arithmetic, image by image.

Equal to the tensor path to the bit, which the tests hold; faster on a CPU, as nothing leaves the
cache. Images are shared out to as many threads as torch may use.
"""

# numba infers the types of compiled functions from their arguments.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
import torch
from numba import int32, njit

from forensics.device import parallel_for
from forensics.jpeg.coefficients import SAMPLINGS, Jpeg
from forensics.jpeg.compiled_blocks import clip, quantise, restore


@njit(cache=True, nogil=True)
def _pad_rows(plane, height):
    for y in range(height, plane.shape[0]):
        plane[y] = plane[height - 1]


@njit(cache=True, nogil=True)
def _to_ycc(image, y, cb, cr):
    """uint8 `[3, H, W]` -> three planes of at least H x W, edge columns and rows repeated."""
    _, height, width = image.shape
    half = (128 << 16) + 32767
    for i in range(height):
        for x in range(width):
            r, g, b = int32(image[0, i, x]), int32(image[1, i, x]), int32(image[2, i, x])
            y[i, x] = int32(19595 * r + 38470 * g + 7471 * b + 32768) >> 16
            cb[i, x] = int32(-11059 * r - 21709 * g + 32768 * b + half) >> 16
            cr[i, x] = int32(32768 * r - 27439 * g - 5329 * b + half) >> 16
        y[i, width:] = y[i, width - 1]
        cb[i, width:] = cb[i, width - 1]
        cr[i, width:] = cr[i, width - 1]
    _pad_rows(y, height)
    _pad_rows(cb, height)
    _pad_rows(cr, height)


@njit(cache=True, nogil=True)
def _downsample(plane, down, height, small):
    """Halve the columns and, if `down` is 2, the rows; `height` rows of `small` are real."""
    for y in range(height):
        if down == 2:
            top, bottom = plane[2 * y], plane[2 * y + 1]
            for x in range(small.shape[1]):
                total = int32(top[2 * x]) + top[2 * x + 1] + bottom[2 * x] + bottom[2 * x + 1]
                small[y, x] = int32(total + 1 + (x & 1)) >> 2
        else:
            row = plane[y]
            for x in range(small.shape[1]):
                small[y, x] = int32(int32(row[2 * x]) + row[2 * x + 1] + (x & 1)) >> 1
    _pad_rows(small, height)


@njit(cache=True, nogil=True)
def _upsample_row(plane, y, down, mixed, row):
    """Row y of the full-size plane, int32, from the small `plane` without padding."""
    height, width = plane.shape
    if width <= 2:
        for x in range(width):
            row[2 * x] = row[2 * x + 1] = plane[y // down, x]
        return
    if down == 2:
        bits, left, right = 4, 8, 7
        near = plane[y // 2]
        far = plane[min(max(y // 2 - 1 + 2 * (y & 1), 0), height - 1)]
        for x in range(width):
            mixed[x] = int32(3 * int32(near[x]) + far[x])
    else:
        bits, left, right = 2, 1, 2
        for x in range(width):
            mixed[x] = plane[y, x]
    row[0] = int32(4 * mixed[0] + left) >> bits
    for x in range(1, width):
        row[2 * x - 1] = int32(3 * mixed[x - 1] + mixed[x] + right) >> bits
        row[2 * x] = int32(3 * mixed[x] + mixed[x - 1] + left) >> bits
    row[2 * width - 1] = int32(4 * mixed[width - 1] + right) >> bits


@njit(cache=True, nogil=True)
def _to_rgb(y, cb, cr, down, across, image):
    """Three planes without padding -> uint8 `[3, H, W]`."""
    _, height, width = image.shape
    mixed = np.empty(cb.shape[1], np.int32)
    blue, red = np.empty(2 * cb.shape[1], np.int32), np.empty(2 * cb.shape[1], np.int32)
    for i in range(height):
        if across == 2:
            _upsample_row(cb, i, down, mixed, blue)
            _upsample_row(cr, i, down, mixed, red)
        else:
            blue[:width] = cb[i]
            red[:width] = cr[i]
        for x in range(width):
            luma, b, r = int32(y[i, x]), int32(blue[x] - 128), int32(red[x] - 128)
            image[0, i, x] = clip(luma + (int32(91881 * r + 32768) >> 16))
            image[1, i, x] = clip(luma + (int32(-22554 * b - 46802 * r + 32768) >> 16))
            image[2, i, x] = clip(luma + (int32(116130 * b + 32768) >> 16))


@njit(cache=True, nogil=True)
def _compress_gray(images, steps, levels):
    """uint8 `[N, 1, H, W]`, int32 `[N, 1, 8, 8]` -> int16 `[N, by, bx, 8, 8]`."""
    _, by, bx, _, _ = levels.shape
    _, _, height, width = images.shape
    plane = np.empty((8 * by, 8 * bx), np.uint8)
    for n in range(len(images)):
        plane[:height, :width] = images[n, 0]
        for i in range(height):
            plane[i, width:] = plane[i, width - 1]
        _pad_rows(plane, height)
        quantise(plane, steps[n, 0], levels[n])


@njit(cache=True, nogil=True)
def _compress_colour(images, steps, y, cb, cr, down, across):
    """uint8 `[N, 3, H, W]`, int32 `[N, 3, 8, 8]` -> levels y, cb, cr."""
    height = images.shape[2]
    rows, columns = 8 * cb.shape[1], 8 * cb.shape[2]
    # Chroma may fill a block more than luma, once it is doubled, and the reverse.
    tall = max(8 * y.shape[1], rows * down)
    wide = max(8 * y.shape[2], columns * across)
    planes = np.empty((3, tall, wide), np.uint8)
    small = np.empty((rows, columns), np.uint8)
    for n in range(len(images)):
        _to_ycc(images[n], planes[0], planes[1], planes[2])
        quantise(planes[0], steps[n, 0], y[n])
        for c in range(1, 3):
            levels = cb[n] if c == 1 else cr[n]
            if across == 2:
                _downsample(planes[c], down, (height + down - 1) // down, small)
                quantise(small, steps[n, c], levels)
            else:
                quantise(planes[c], steps[n, c], levels)


@njit(cache=True, nogil=True)
def _decode_gray(levels, steps, images):
    _, by, bx, _, _ = levels.shape
    _, _, height, width = images.shape
    plane = np.empty((8 * by, 8 * bx), np.uint8)
    for n in range(len(images)):
        restore(levels[n], steps[n, 0], plane)
        images[n, 0] = plane[:height, :width]


@njit(cache=True, nogil=True)
def _decode_colour(y, cb, cr, steps, down, across, images):
    _, _, height, width = images.shape
    h, w = (height + down - 1) // down, (width + across - 1) // across
    luma = np.empty((8 * y.shape[1], 8 * y.shape[2]), np.uint8)
    blue = np.empty((8 * cb.shape[1], 8 * cb.shape[2]), np.uint8)
    red = np.empty_like(blue)
    for n in range(len(images)):
        restore(y[n], steps[n, 0], luma)
        restore(cb[n], steps[n, 1], blue)
        restore(cr[n], steps[n, 2], red)
        _to_rgb(luma, blue[:h, :w], red[:h, :w], down, across, images[n])


def compress(pixels: torch.Tensor, steps: torch.Tensor, sampling: str) -> tuple[torch.Tensor, ...]:
    """uint8 `[N, C, H, W]`, int32 `[N, C, 8, 8]` on the CPU -> int16 levels, one a component."""
    n, channels, height, width = pixels.shape
    down, across = SAMPLINGS[sampling]
    shapes = [(height, width)] + [(-(-height // down), -(-width // across))] * (channels - 1)
    levels = [np.empty((n, -(-h // 8), -(-w // 8), 8, 8), np.int16) for h, w in shapes]
    images, tables = pixels.contiguous().numpy(), steps.numpy()

    def work(part: slice) -> None:
        out = [component[part] for component in levels]
        if channels == 1:
            _compress_gray(images[part], tables[part], out[0])
        else:
            y, cb, cr = out
            _compress_colour(images[part], tables[part], y, cb, cr, down, across)

    parallel_for(work, n, channels * height * width)
    return tuple(map(torch.from_numpy, levels))


def decode(jpeg: Jpeg) -> torch.Tensor:
    """The pixels, uint8 `[N, C, H, W]`, of a Jpeg on the CPU."""
    down, across = SAMPLINGS[jpeg.sampling]
    images = np.empty((len(jpeg), len(jpeg.coefficients), *jpeg.size), np.uint8)
    levels = [component.contiguous().numpy() for component in jpeg.coefficients]
    tables = jpeg.tables.contiguous().numpy()

    def work(part: slice) -> None:
        chosen = [component[part] for component in levels]
        if len(levels) == 1:
            _decode_gray(chosen[0], tables[part], images[part])
        else:
            y, cb, cr = chosen
            _decode_colour(y, cb, cr, tables[part], down, across, images[part])

    parallel_for(work, len(images), images[:1].size)
    return torch.from_numpy(images)
