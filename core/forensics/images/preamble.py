"""What precedes the picture in a JPEG or Netpbm file, measured before Pillow walks through it.

Pillow reads these headers byte by byte in Python, however long they are.
"""

from __future__ import annotations

import re
from typing import IO

_MOST_SEGMENTS = 2048
_MOST_FILL = 256
_MOST_METADATA = 32_000_000

_SOS = 0xDA
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Markers whose length Pillow does not read: RST0..7, SOI, EOI and the reserved extensions.
_WITHOUT_LENGTH = frozenset(range(0xD0, 0xDA)) | frozenset(range(0xF0, 0xFE)) | {0xC8}

_MOST_HEADER = 4096
_GAP = rb"\s(?:\s|#[^\r\n]*[\r\n])*"
_NETPBM = re.compile(rb"P(?:4|[56f]%b[^\s#]+)%b[^\s#]+%b[^\s#]+\s" % (_GAP, _GAP, _GAP))


def jpeg(file: IO[bytes]) -> str | None:
    """Why the segments before the first scan of the JPEG in `file` are not to be read, as a
    short reason; None where they may be. Leaves damage to those who decode it."""
    position = 2
    for _ in range(_MOST_SEGMENTS):
        file.seek(position)
        head = file.read(_MOST_FILL + 4)
        after = head.lstrip(b"\xff")
        fill = len(head) - len(after)
        if fill > _MOST_FILL:
            return f"it has more than {_MOST_FILL} fill bytes before a marker"
        if not after or 0 < after[0] < 0xC0:
            return None
        if fill == 0 or after[0] == 0:
            return "damaged (stray bytes between its segments)"
        if after[0] == _SOS:
            return None
        if after[0] in _FRAMES and len(after) > 3 and after[3] in (12, 16):
            return f"a JPEG of {after[3]} bits a sample: only 8 are read"
        position += fill + 1
        if after[0] not in _WITHOUT_LENGTH:
            position += max(2, int.from_bytes(after[1:3], "big"))
        if position > _MOST_METADATA:
            return f"its picture begins after more than {_MOST_METADATA} bytes of metadata"
    return f"it has more than {_MOST_SEGMENTS} segments before its picture"


def netpbm(file: IO[bytes]) -> str | None:
    """Why the header of the PBM, PGM, PPM or PFM in `file` is not to be read, as a short reason;
    None where it may be."""
    head = file.read(_MOST_HEADER)
    if head[1:2] in (b"1", b"2", b"3"):
        return "PBM, PGM and PPM as text are not read; convert it to the binary kind first"
    if _NETPBM.match(head) is None:
        return f"its header is damaged or longer than {_MOST_HEADER} bytes"
    return None
