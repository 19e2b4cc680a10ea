"""An opened image: its pixels as stored, and the JPEG behind them."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import ExifTags, Image

from forensics import random
from forensics.batch import Batch
from forensics.errors import NotApplicable, UnreadableImage
from forensics.images import stream
from forensics.images.header import FORMATS, Header, examine, pillow
from forensics.jpeg.coefficients import Jpeg

# What undoes each orientation that Pillow applies to a TIFF on its own account.
_UNDO = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


_STRIP = 256  # rows


@dataclass(frozen=True, eq=False)
class Picture:
    """One image file, opened. Immutable; `pixels` is a read-only array.

    format: "PNG", "JPEG", "TIFF", "PPM", "BMP" or "WEBP".
    notes: sentences on what was converted or left unapplied while opening.
    pixels: uint8 `[H, W, C]`, C = 1 or 3 (RGB), as Pillow decodes the file, in stored orientation.
    sha256: of the file's bytes, in hexadecimal.
    """

    path: Path
    format: str
    width: int
    height: int
    notes: tuple[str, ...]
    pixels: NDArray[np.uint8] = field(repr=False)
    sha256: str
    _data: bytes | None = field(repr=False)

    def gray(self) -> NDArray[np.uint8]:
        """uint8 `[H, W]`: Pillow's `convert("L")` of the pixels; of a gray picture, the pixels."""
        if self.pixels.shape[2] == 1:
            return self.pixels[:, :, 0]
        return np.asarray(Image.fromarray(self.pixels).convert("L"))

    @cached_property
    def _content(self) -> tuple[Jpeg | None, str | None]:
        return (None, "not a JPEG file") if self._data is None else stream.content(self._data)

    @property
    def jpeg(self) -> Jpeg | None:
        """The quantised coefficients and tables (N = 1), read at first use; None where the file
        is no JPEG or its content cannot be read or held by a `Jpeg` (`jpeg_reason` says which)."""
        return self._content[0]

    @property
    def jpeg_reason(self) -> str | None:
        """Why `jpeg` is None, as a short reason for n/a; None where it is not."""
        return self._content[1]

    def batch(self, color: bool | None = None) -> Batch:
        """The whole picture as a batch of one; its key and photograph follow from the content.

        color: True for RGB, False for gray, None for what the file is.

        The batch's pixels are always those of its `jpeg`, where it has one. So the gray view of a
        colour JPEG is its luma component: the luma coefficients as a "gray" `Jpeg` and libjpeg's
        luma plane as pixels. `gray()`, which weighs the clipped RGB values, differs from that
        plane where a colour was clipped; it is what a batch without coefficients holds.

        Raises NotApplicable for `color=True` on a gray picture.
        """
        if color and self.pixels.shape[2] == 1:
            raise NotApplicable(f"{self.path}: a gray picture has no colour")
        pixels, jpeg = self.pixels, self.jpeg
        if color is False and pixels.shape[2] == 3:
            pixels = self.gray()[:, :, None]
            if jpeg is not None and self._data is not None:
                pixels = _luma(self._data)[:, :, None]
                jpeg = Jpeg(jpeg.coefficients[:1], jpeg.tables[:, :1], "gray", jpeg.size)
        return Batch(
            torch.from_numpy(np.array(pixels.transpose(2, 0, 1), order="C"))[None],
            torch.tensor([random.key(self.sha256)]),
            (self.sha256,),
            torch.zeros(1, 2, dtype=torch.int64),
            jpeg,
        )


def open(path: str | Path, max_megapixels: float = 100.0) -> Picture:
    """Opens a PNG, JPEG, TIFF, PGM/PPM, BMP or WebP file.

    max_megapixels: files whose header claims more million pixels are refused undecoded.

    Raises UnreadableImage where the file is damaged (for a JPEG: wherever libjpeg warns), of a
    kind that is not read, or over the limit; the error names the file and the reason.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            header = examine(file, path, max_megapixels)
            file.seek(0)
            data = file.read()
    except OSError as error:
        raise UnreadableImage(path, error.strerror or str(error)) from error
    if header.format == "JPEG":
        stream.check(data, header)
    pixels, notes = _decode(data, header)
    if header.format == "JPEG" and stream.unfinished(data):
        notes += ("Its last scans are missing: what it shows is smoothed, and is not the whole.",)
    pixels.setflags(write=False)
    return Picture(
        path=path,
        format=header.format,
        width=header.width,
        height=header.height,
        notes=header.notes + notes,
        pixels=pixels,
        sha256=hashlib.sha256(data).hexdigest(),
        _data=data if header.format == "JPEG" else None,
    )


def _decode(data: bytes, header: Header) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    with pillow() as caught:
        try:
            if header.format == "PNG":
                # Decoding skips the checksums of the image data; `verify` reads them all.
                with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                    image.verify()
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            # Before loading, which makes Pillow forget a TIFF's, and after, as a PNG may have it
            # behind the picture.
            before = _orientation(image)
            image.load()
            after = _orientation(image)
        except Exception as error:  # Pillow's decoders raise nearly anything on damaged data
            raise UnreadableImage(header.path, f"damaged or truncated ({error})") from error
        if header.format == "TIFF" and before in _UNDO:
            pixels, notes = _samples(image.transpose(_UNDO[before]), header)
        else:
            pixels, notes = _samples(image, header)
    if (before, after) != (1, 1):
        tag = before if before != 1 else after
        notes += (f"Orientation tag {tag} is present and was not applied.",)
    warned = (f"Pillow warns: {' '.join(str(w.message).split())}" for w in caught)
    return pixels, notes + tuple(dict.fromkeys(warned))


def _orientation(image: Image.Image) -> int:
    """The Exif orientation, 1 where there is none. Asking a PNG for `getexif` would decode it."""
    exif = Image.Exif()
    if image.format == "PNG":
        exif.load(image.info.get("exif", b""))
    else:
        exif = image.getexif()
    value = exif.get(ExifTags.Base.Orientation, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _samples(image: Image.Image, header: Header) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """uint8 [H, W, C] of a loaded image, and notes on what was left out."""
    if image.size != (header.width, header.height):
        raise UnreadableImage(header.path, "header and picture disagree about its size")
    alpha = "A" in image.getbands() or "transparency" in image.info
    pixels = np.empty((header.height, header.width, header.channels), dtype=np.uint8)
    # Strip by strip: Pillow's conversions of a whole picture would each take a copy of it.
    for top in range(0, header.height, _STRIP):
        bottom = min(top + _STRIP, header.height)
        strip = image.crop((0, top, header.width, bottom))
        if alpha and np.asarray(strip.convert("RGBA"))[:, :, 3].min() < 255:
            reason = "parts are transparent, and what they show is not defined; flatten it first"
            raise UnreadableImage(header.path, reason)
        strip.info.pop("transparency", None)
        strip = strip.convert("L" if header.channels == 1 else "RGB")
        pixels[top:bottom] = np.asarray(strip).reshape(-1, header.width, header.channels)
    notes = ("The alpha channel is opaque throughout and was left out.",) if alpha else ()
    return pixels, notes


def _luma(data: bytes) -> NDArray[np.uint8]:
    """The luma plane of a colour JPEG, as libjpeg decodes it without converting colours."""
    with pillow(), Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        image.draft("L", image.size)
        return np.asarray(image)
