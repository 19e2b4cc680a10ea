"""How much the directories of a TIFF claim, counted before Pillow turns it into Python objects."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import IO

_MOST_ENTRIES = 4096
_MOST_NUMBERS = 500_000

# Bytes a value of each type of field that Pillow reads, and the code of those that are integers.
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
_INTEGERS = {3: "H", 4: "L", 6: "b", 8: "h", 9: "l", 13: "L", 16: "Q"}
# BYTE, ASCII and UNDEFINED stay one piece of bytes: profiles, comments, layers. Not so in the
# fields that describe the picture, whose elements Pillow looks at one by one.
_PIECES = frozenset((1, 2, 7))
_DESCRIBING = frozenset((256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 282, 283, 284))
_DESCRIBING |= frozenset((296, 317, 320, 322, 323, 324, 325, 338, 339, 530, 532))

_WIDTH, _HEIGHT, _SAMPLES, _FORMAT = 256, 257, 277, 339
# Values of SampleFormat other than 1, whole numbers from 0 on.
_KINDS = {2: "signed whole numbers", 3: "floating-point numbers", 5: "complex", 6: "complex"}
_STRIPS, _TILES = (273, 279), (324, 325)
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
# To the directories of Exif, GPS and interoperability.
_POINTERS = frozenset((34665, 34853, 40965))

_NO_PLACE = (ValueError, OverflowError, OSError)  # of `seek`, by how far off the offset is


@dataclass(frozen=True)
class _Layout:
    """Byte order and widths: of classic TIFF or of BigTIFF."""

    order: str
    big: bool

    def unpack(self, code: str, file: IO[bytes]) -> tuple[int, ...]:
        """Raises EOFError at the end of the file."""
        size = struct.calcsize(self.order + code)
        data = file.read(size)
        if len(data) < size:
            raise EOFError
        return struct.unpack(self.order + code, data)


@dataclass(frozen=True)
class _Field:
    type: int
    count: int
    start: int  # in the file, of the first value


def tiff(file: IO[bytes]) -> str | None:
    """Why the first directory of the TIFF or BigTIFF in `file`, or one of Exif's that it points
    to, is not to be parsed, as a short reason; None where it may be. Leaves damage to those who
    decode it."""
    head = file.read(4)
    layout = _Layout(">" if head.startswith(b"M") else "<", head[2] == 43)
    try:
        file.seek(8 if layout.big else 4)
        (start,) = layout.unpack("Q" if layout.big else "L", file)
    except EOFError:
        return None
    fields, reason = _fields(file, layout, start)
    if reason is None:
        reason = _too_many_pieces(file, layout, fields) or _odd_samples(file, layout, fields)
    for pointer in _POINTERS:
        inner = _integer(file, layout, fields.get(pointer))
        if reason is None and inner is not None:
            _, reason = _fields(file, layout, inner)
    return reason


def _fields(file: IO[bytes], layout: _Layout, start: int) -> tuple[dict[int, _Field], str | None]:
    """The fields by tag, and why the directory claims too much. One that breaks off counts as far
    as it goes: so Pillow does."""
    fields: dict[int, _Field] = {}
    numbers, width = 0, 8 if layout.big else 4
    try:
        file.seek(start)
        (entries,) = layout.unpack("Q" if layout.big else "H", file)
        if entries > _MOST_ENTRIES:
            return fields, f"a directory of it claims {entries} fields, over {_MOST_ENTRIES}"
        for _ in range(entries):
            tag, kind, count = layout.unpack("HHQ" if layout.big else "HHL", file)
            at = file.tell()
            (offset,) = layout.unpack("Q" if layout.big else "L", file)
            if kind not in _SIZES:
                continue
            if tag in fields and tag in _DESCRIBING | _POINTERS:
                return fields, f"a directory of it gives field {tag} twice"
            inline = count * _SIZES[kind] <= width
            fields[tag] = _Field(kind, count, at if inline else offset)
            numbers += count if kind not in _PIECES or tag in _DESCRIBING else 0
    except (EOFError, *_NO_PLACE):
        pass  # what is missing is for the decoder to complain of
    if numbers > _MOST_NUMBERS:
        return fields, f"a directory of it claims {numbers} numbers, over {_MOST_NUMBERS}"
    return fields, None


def _too_many_pieces(file: IO[bytes], layout: _Layout, fields: dict[int, _Field]) -> str | None:
    """Strips may be one a row, tiles as many as cover the picture; either for each sample."""
    values = {tag: _integer(file, layout, fields.get(tag)) for tag in _DESCRIBING}
    width, height, samples = (values[tag] for tag in (_WIDTH, _HEIGHT, _SAMPLES))
    across, down = values[_TILE_WIDTH], values[_TILE_HEIGHT]
    tiles = None
    if width and height and across and down:
        tiles = -(-width // across) * -(-height // down)
    for tags, kind, most in ((_STRIPS, "strips", height), (_TILES, "tiles", tiles)):
        count = max(fields[tag].count if tag in fields else 0 for tag in tags)
        if most is not None and count > most * (samples or 1):
            return f"it claims {count} {kind}, more than a picture of its size can have"
    return None


def _odd_samples(file: IO[bytes], layout: _Layout, fields: dict[int, _Field]) -> str | None:
    """Samples that are no whole numbers from 0 on."""
    field = fields.get(_FORMAT)
    first = field and _integer(file, layout, replace(field, count=1))
    if first not in _KINDS:
        return None
    return f"its samples are {_KINDS[first]} (SampleFormat {first}); convert it to 8 bits first"


def _integer(file: IO[bytes], layout: _Layout, field: _Field | None) -> int | None:
    """The field's value, None where it is missing, several values or no integer."""
    if field is None or field.count != 1 or field.type not in _INTEGERS:
        return None
    try:
        file.seek(field.start)
        return layout.unpack(_INTEGERS[field.type], file)[0]
    except (EOFError, *_NO_PLACE):
        return None
