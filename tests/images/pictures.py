"""Pictures for the tests of this folder: one natural-looking scene, written in every format."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import simplejpeg
from PIL import Image


def scene(height: int = 61, width: int = 83, channels: int = 3) -> np.ndarray:
    """uint8 [H, W, C] (no last axis for one channel): smooth shapes, an edge, a little noise."""
    y, x = np.mgrid[:height, :width].astype(float)
    noise = np.random.default_rng(height * width).normal(0, 4, (height, width, channels))
    waves = np.stack([np.sin(x / (5 + 3 * c)) + np.cos(y / (7 - c)) for c in range(channels)], -1)
    pixels = 128 + 45 * waves + 40 * (x > y)[..., None] + noise
    return pixels.clip(0, 255).astype(np.uint8).squeeze()


def written(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_16_bit_colour() -> bytes:
    """A 16-bit RGB PNG, which Pillow reads but does not write."""
    rows = b"".join(b"\0" + bytes(8 * 6) for _ in range(8))
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 0))
    body = png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + body


def every_kind() -> dict[str, bytes]:
    """Readable files, by a name that ends in the suffix."""
    rgb = Image.fromarray(scene())
    gray = Image.fromarray(scene(channels=1))
    deep = Image.fromarray(scene(channels=1).astype(np.uint16) * 257)
    alpha = rgb.copy()
    alpha.putalpha(255)
    frames = [gray.convert("RGB")]
    files = {
        "rgb.png": written(rgb, "PNG"),
        "gray.png": written(gray, "PNG"),
        "alpha.png": written(alpha, "PNG"),
        "bilevel.png": written(gray.convert("1"), "PNG"),
        "palette.png": written(rgb.convert("P", palette=Image.Palette.ADAPTIVE), "PNG"),
        "deep.png": written(deep, "PNG"),
        "rgb.ppm": written(rgb, "PPM"),
        "gray.pgm": written(gray, "PPM"),
        "rgb.bmp": written(rgb, "BMP"),
        "gray.bmp": written(gray, "BMP"),
        "lossless.webp": written(rgb, "WEBP", lossless=True),
        "lossy.webp": written(rgb, "WEBP", quality=80),
        "gray.jpg": written(gray, "JPEG", quality=85),
        "progressive.jpg": written(rgb, "JPEG", quality=85, progressive=True),
        "cmyk.jpg": written(rgb.convert("CMYK"), "JPEG", quality=85),
        "rgb.jpg": written(rgb, "JPEG", quality=85, keep_rgb=True),
        "exif.jpg": written(rgb, "JPEG", exif=orientation(6), icc_profile=b"x" * 500),
        "pages.tif": written(rgb, "TIFF", save_all=True, append_images=frames),
        "cmyk.tif": written(rgb.convert("CMYK"), "TIFF"),
    }
    for name in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        files[f"{name}.tif"] = written(rgb, "TIFF", compression=name)
    for index, name in enumerate(("444", "422", "420")):
        files[f"{name}.jpg"] = written(rgb, "JPEG", quality=85, subsampling=index)
    for name in ("440", "411"):
        files[f"{name}.jpg"] = simplejpeg.encode_jpeg(scene(), 85, colorsubsampling=name)
    return files


def orientation(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[274] = value
    return exif
