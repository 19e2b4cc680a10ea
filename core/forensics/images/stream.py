"""JPEG streams: the strict check for damage, and the coefficients."""

from __future__ import annotations

import functools
import io
import os
import re
import tempfile
from collections.abc import Iterator

import jpeglib
import numpy as np
import simplejpeg
import torch
from PIL import Image

from forensics.errors import ForensicsError, NotApplicable, UnreadableImage
from forensics.images import jpegio_reader
from forensics.images.header import Header
from forensics.jpeg.coefficients import Jpeg, sampling_of

# A progressive stream costs one pass over the whole picture for each scan, however short the
# scan is; real encoders write about ten.
_MOST_SCANS = 100

# Of the fill bytes before a marker only the last: a run of them that ends in none would be searched
# once from each.
_NEXT_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_EOI, _SOS, _DQT, _DHT = 0xD9, 0xDA, 0xDB, 0xC4
_BASELINE, _PROGRESSIVE = 0xC0, 0xC2
UNFINISHED = "a progressive JPEG whose last scans are missing"
# Comments and APP1..15 but for APP14: that one, and APP0, say what the components are.
_DROPPED = frozenset(range(0xE1, 0xF0)) - {0xEE} | {0xFE}


def segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start, end) of each segment after SOI, up to and without EOI; the segment of a
    scan includes its entropy-coded data. Ends early where the stream breaks off."""
    position = 2
    while (found := _NEXT_MARKER.search(data, position)) is not None:
        marker = data[found.end() - 1]
        start = found.end() - 2
        if marker == _EOI:
            return
        end = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
        if marker == _SOS:
            after = _NEXT_MARKER.search(data, end)
            end = after.start() if after else len(data)
        yield marker, start, end
        position = end


def check(data: bytes, header: Header) -> None:
    """Decodes the stream once and discards it. Raises UnreadableImage at whatever libjpeg-turbo
    warns about; Pillow and jpeglib let most of that pass."""
    scans = sum(marker == _SOS for marker, _, _ in segments(data))
    if scans > _MOST_SCANS:
        raise UnreadableImage(
            header.path, f"it has {scans} scans; more than {_MOST_SCANS} is no photograph's"
        )
    spaces = {"L": "GRAY", "CMYK": "CMYK"}
    try:
        simplejpeg.decode_jpeg(data, colorspace=spaces.get(header.mode, "RGB"))
    except ValueError as error:
        reason = f"damaged or truncated ({error})"
        if "subsampling" in str(error):
            reason = "its header or chroma sampling is beyond the strict decoder (libjpeg-turbo)"
        raise UnreadableImage(header.path, reason) from error


def refusal(data: bytes) -> str | None:
    """Why the stream's content does not fit a `Jpeg`, as a short reason; None where it does."""
    kinds = [(marker, start) for marker, start, _ in segments(data)]
    order = [marker for marker, _ in kinds]
    frame = next((m for m in order if m in _SOF), None)
    if frame not in (_BASELINE, 0xC1, _PROGRESSIVE):
        return "coefficients of an arithmetic-coded or lossless JPEG are not read"
    if _DQT in order[order.index(_SOS) :]:
        return "a JPEG that changes its quantisation tables between scans"
    factors = _factors(data, kinds[order.index(frame)][1])
    # Before asking simplejpeg for the colour space, which does not know every sampling.
    if len(factors) in (1, 3) and sampling_of(factors) is None:
        ratios = " ".join(f"{v}x{h}" for v, h in factors)
        return f"a JPEG with unusual chroma sampling ({ratios}, vertical x horizontal)"
    _, _, space, _ = simplejpeg.decode_jpeg_header(data)
    if space not in ("Gray", "YCbCr"):
        return f"a JPEG stored as {space}, not as luma and chroma"
    return UNFINISHED if unfinished(data) else None


def unfinished(data: bytes) -> bool:
    """Whether a progressive stream lacks scans: some coefficient of a component was never sent, or
    not down to its last bit (T.81, G.1.1.1). A decoder then smooths what it shows, so that pixels
    and coefficients disagree."""
    frame = next(((m, start) for m, start, _ in segments(data) if m in _SOF), None)
    if frame is None or frame[0] != _PROGRESSIVE:
        return False
    count = data[frame[1] + 9]
    names = [data[frame[1] + 10 + 3 * i] for i in range(count)]
    left = {name: [-1] * 64 for name in names}  # bits still to come; -1: nothing came yet
    for marker, start, _ in segments(data):
        if marker == _SOS:
            parts = data[start + 4]
            first, last, bits = data[start + 5 + 2 * parts : start + 8 + 2 * parts]
            for i in range(parts):
                bits_left = left.get(data[start + 5 + 2 * i])
                if bits_left is not None:
                    bits_left[first : last + 1] = [bits & 15] * (last + 1 - first)
    return any(bits for component in left.values() for bits in component)


def _factors(data: bytes, start: int) -> list[tuple[int, int]]:
    """(vertical, horizontal) sampling factors of each component, from the frame header."""
    count = data[start + 9]
    both = [data[start + 11 + 3 * i] for i in range(count)]
    return [(b & 15, b >> 4) for b in both]


def _bare(data: bytes) -> bytes:
    """The stream without what is not the picture: comments, profiles, Exif, and what follows EOI.
    jpeglib keeps room for 50 such segments and no more."""
    parts = list(segments(data))
    kept = [data[start:end] for marker, start, end in parts if marker not in _DROPPED]
    if not any(marker == _DHT for marker, _, _ in parts):
        kept[:0] = _usual_codes()
    return b"\xff\xd8" + b"".join(kept) + b"\xff\xd9"


@functools.cache
def _usual_codes() -> list[bytes]:
    """The Huffman tables of T.81, annex K.3, which streams without any mean (webcams', for one):
    those that libjpeg writes."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "jpeg")
    data = file.getvalue()
    return [data[start:end] for marker, start, end in segments(data) if marker == _DHT]


def content(data: bytes) -> tuple[Jpeg | None, str | None]:
    """The coefficients and tables (N = 1) of a stream that passed `check`, or None and why there
    are none, as a short reason for n/a: coefficients that cannot be read cost no pixels.

    They are read by jpeglib, or by jpegio where the environment says FORENSICS_JPEG_READER=jpegio;
    raises ForensicsError where it says anything else."""
    reader = os.environ.get("FORENSICS_JPEG_READER", "jpeglib")
    if reader not in ("jpeglib", "jpegio"):
        raise ForensicsError(f"FORENSICS_JPEG_READER is jpeglib or jpegio, not {reader}")
    read = _coefficients if reader == "jpeglib" else jpegio_reader.read
    try:
        reason = refusal(data)
        return (None, reason) if reason is not None else (read(_bare(data)), None)
    except NotApplicable as error:
        return None, str(error)
    except Exception as error:  # readers of damaged streams raise nearly anything
        return None, f"its coefficients cannot be read ({type(error).__name__})"


def _coefficients(data: bytes) -> Jpeg:
    with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
        file.write(data)
        file.flush()
        with jpeglib.read_dct(file.name) as read:
            planes = [read.Y] if read.Cb is None else [read.Y, read.Cb, read.Cr]
            tables = read.qt[read.quant_tbl_no[: len(planes)]].astype(np.int32)
            factors = [(int(v), int(h)) for v, h in read.samp_factor]
            size = int(read.height), int(read.width)
    if not tables.all():
        raise NotApplicable("a JPEG with a quantisation step of 0, which is no step")
    sampling = sampling_of(factors)
    assert sampling is not None  # `refusal` has seen to it
    return Jpeg(
        tuple(torch.from_numpy(np.ascontiguousarray(p))[None] for p in planes),
        torch.from_numpy(tables)[None],
        sampling,
        size,
    )
