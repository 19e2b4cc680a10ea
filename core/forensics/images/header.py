"""What the header of an image file says, checked before anything is decoded."""

from __future__ import annotations

import os
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from PIL import Image, ImageFile, UnidentifiedImageError

from forensics.errors import UnreadableImage
from forensics.images import directory, preamble

FORMATS = ("PNG", "JPEG", "TIFF", "PPM", "BMP", "WEBP")
# Modes that Pillow decodes to 8 bits a sample, and how many channels are kept of each.
_CHANNELS = {
    "1": 1,
    "L": 1,
    "LA": 1,
    "P": 3,
    "PA": 3,
    "RGB": 3,
    "RGBA": 3,
    "RGBX": 3,
    "CMYK": 3,
    "YCbCr": 3,
}

# What makes Pillow take a file for a TIFF, be it wrong, or a Netpbm file.
_TIFF = frozenset((b"II*\0", b"MM\0*", b"II\0*", b"MM*\0", b"II+\0", b"MM\0+"))
_NETPBM = re.compile(rb"P[0-6fy]")

_GUARD = threading.RLock()


@dataclass(frozen=True)
class Header:
    """What is known of an image file without decoding it.

    width, height: as stored, in pixels; an orientation tag does not turn them.
    channels: 1 or 3, of the pixels that opening gives.
    mode: Pillow's mode of the stored samples.
    lossy: what kind of lossy compression the file itself applies ("JPEG", "lossy WebP",
        "JPEG inside TIFF"), None where there is none.
    notes: sentences on what opening ignores or converts.
    """

    path: Path
    format: str
    width: int
    height: int
    channels: int
    mode: str
    lossy: str | None
    notes: tuple[str, ...]


@contextmanager
def pillow() -> Iterator[list[warnings.WarningMessage]]:
    """Pillow with its global switches as strict reading wants them; gives what it warned of.

    Pillow's own limit on pixels is lifted, because ours is checked in its place and is adjustable
    per call; reading of truncated files is off whatever the program around us has chosen. The
    switches belong to the process, so threads take turns here; processes do not.
    """
    with _GUARD, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
        Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = None, False
        try:
            yield caught
        finally:
            Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = before


def header(path: str | Path, max_megapixels: float = 100.0) -> Header:
    """The header of the image file at `path`; no pixel is decoded.

    Raises UnreadableImage where the file is not there, is of a kind that is not read, claims
    more than `max_megapixels` million pixels, or has far more bytes than its picture can need.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            return examine(file, path, max_megapixels)
    except OSError as error:
        raise UnreadableImage(path, error.strerror or str(error)) from error


def examine(file: IO[bytes], path: Path, max_megapixels: float) -> Header:
    """As `header`, of an open file."""
    if os.fstat(file.fileno()).st_size == 0:
        raise UnreadableImage(path, "the file is empty")
    reason = _absurdity(file)
    if reason is not None:
        raise UnreadableImage(path, reason)
    with pillow():
        try:
            with Image.open(file, formats=FORMATS) as image:
                return _header_of(image, path, file, max_megapixels)
        except UnreadableImage:
            raise
        except UnidentifiedImageError as error:
            reason = "not a PNG, JPEG, TIFF, PGM/PPM, BMP or WebP file, or its header is damaged"
            raise UnreadableImage(path, reason) from error
        except Exception as error:  # Pillow's parsers raise nearly anything on a damaged header
            raise UnreadableImage(path, f"its header is damaged ({error})") from error


def _absurdity(file: IO[bytes]) -> str | None:
    """Why the header is not for Pillow to parse: it would take gigabytes or minutes over it."""
    magic = file.read(4)
    file.seek(0)
    reason = None
    if magic.startswith(b"\xff\xd8\xff"):
        reason = preamble.jpeg(file)
    elif _NETPBM.match(magic):
        reason = preamble.netpbm(file)
    elif magic in _TIFF:
        reason = directory.tiff(file)
    file.seek(0)
    return reason


def _header_of(
    image: ImageFile.ImageFile, path: Path, file: IO[bytes], max_megapixels: float
) -> Header:
    kind = {"MPO": "JPEG"}.get(image.format or "", image.format or "")
    width, height = image.size
    if kind == "TIFF":
        # Pillow swaps the sides of a TIFF by its orientation tag; the stored sides are wanted.
        tags = image.tag_v2  # type: ignore[attr-defined]
        width, height = int(tags[256]), int(tags[257])
    if width * height == 0:
        raise UnreadableImage(path, "it has no pixels")
    if width * height > max_megapixels * 1e6:
        raise UnreadableImage(
            path,
            f"it claims {width} x {height} pixels, over the limit of {max_megapixels:g} "
            "megapixels; raise max_megapixels if that is meant",
        )
    size = os.fstat(file.fileno()).st_size
    if size > 5 * width * height + 64_000_000:
        raise UnreadableImage(path, f"its {size} bytes are far more than its picture needs")
    reason = _refusal(image, kind)
    if reason is not None:
        raise UnreadableImage(path, reason)
    return Header(
        path=path,
        format=kind,
        width=width,
        height=height,
        channels=_CHANNELS[image.mode],
        mode=image.mode,
        lossy=_lossy(image, kind, file),
        notes=_notes(image, kind),
    )


def _refusal(image: ImageFile.ImageFile, kind: str) -> str | None:
    if _bits(image, kind) > 8:
        return "more than 8 bits a sample; reduce it to 8 bits first, by a rule that you choose"
    if image.mode not in _CHANNELS:
        return f"samples of kind {image.mode} are not read; convert it to 8-bit gray or RGB first"
    if kind in ("PNG", "WEBP") and getattr(image, "n_frames", 1) > 1:
        return "it is an animation; save the frame that you mean as a picture of its own"
    return None


def _bits(image: ImageFile.ImageFile, kind: str) -> int:
    """Bits a sample as stored: Pillow turns 16-bit colour into 8 bits without a word."""
    if image.mode.startswith(("I", "F")):
        return 16
    if kind == "TIFF":
        stored = image.tag_v2.get(258, 1)  # type: ignore[attr-defined]
        return max(stored) if isinstance(stored, tuple) else int(stored)
    raw = image.tile[0][3] if image.tile else ""
    if kind == "PPM" and isinstance(raw, tuple) and isinstance(raw[-1], int) and raw[-1] > 255:
        return 16  # the last argument of Pillow's PPM decoder is the largest sample value
    if kind == "PNG" and "16" in str(raw):
        return 16
    return 8


def _lossy(image: ImageFile.ImageFile, kind: str, file: IO[bytes]) -> str | None:
    if kind == "JPEG":
        return "JPEG"
    if kind == "TIFF" and image.info.get("compression") in ("jpeg", "tiff_jpeg"):
        return "JPEG inside TIFF"
    if kind == "WEBP" and b"VP8 " in _chunks(file):
        return "lossy WebP"
    return None


def _chunks(file: IO[bytes]) -> set[bytes]:
    """The names of the top-level chunks of a RIFF file."""
    names: set[bytes] = set()
    position = 12
    while True:
        file.seek(position)
        head = file.read(8)
        if len(head) < 8:
            return names
        names.add(head[:4])
        length = int.from_bytes(head[4:], "little")
        position += 8 + length + length % 2


def _notes(image: ImageFile.ImageFile, kind: str) -> tuple[str, ...]:
    notes = []
    if image.mode in ("P", "PA"):
        notes.append("Palette colours were looked up.")
    if image.mode == "1":
        notes.append("One bit a pixel was spread to 0 and 255.")
    if image.mode in ("CMYK", "YCbCr"):
        notes.append(f"{image.mode} was converted to RGB by Pillow's plain formula.")
    if image.info.get("icc_profile"):
        notes.append("The colour profile was not applied.")
    # Not the number of frames: to count a TIFF's, Pillow would parse them all.
    if getattr(image, "is_animated", False):
        notes.append("The file holds more pictures; the first was read.")
    if kind == "TIFF":
        extra = int(image.tag_v2.get(277, 1)) - len(image.getbands())  # type: ignore[attr-defined]
        if extra > 0:
            notes.append(f"{extra} samples a pixel beyond {image.mode} were left out.")
    if kind == "TIFF" and image.info.get("compression") in ("jpeg", "tiff_jpeg"):
        notes.append("The JPEG inside the TIFF was decoded; its coefficients are not read.")
    return tuple(notes)
