"""Traces of JPEG compression: once before the image was saved without loss, and twice."""

from __future__ import annotations

import itertools

from forensics.traces.draws import Draw
from forensics.traces.trace import Target, Trace, points_of

# Every shift of the JPEG grid but none.
SHIFTS = Draw(("r", "c"), tuple(p for p in itertools.product(range(8), range(8)) if any(p)))
_FIRST = (Target("q1", "step", "JPEG quality"),)
_DOUBLE = points_of(q1=(60, 80), q2=(95,)) + points_of(q1=(60,), q2=(75,))

JPEG = Trace(
    "jpeg",
    (("pristine", ""), ("altered", "jpeg({q}) ATTACK")),
    points_of(q=(60, 80, 90)),
    "pixels",
    (Target("q", "step", "JPEG quality"),),
)
DJPEG = Trace(
    "djpeg",
    (("pristine", "jpeg({q2})"), ("altered", "jpeg({q1}) ATTACK jpeg({q2})")),
    _DOUBLE,
    "jpeg",
    _FIRST,
)
DJPEG_SHIFTED = Trace(
    "djpeg-shifted",
    (
        ("pristine", "crop({r},{c}) jpeg({q2})"),
        ("altered", "jpeg({q1}) ATTACK crop({r},{c}) jpeg({q2})"),
    ),
    _DOUBLE,
    "jpeg",
    _FIRST,
    (SHIFTS,),
)
