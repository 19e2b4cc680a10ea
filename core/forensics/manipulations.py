"""Traces of single manipulations: plain, before a JPEG, and before a JPEG that was saved again.

    NAME          (untouched)
                  op ATTACK
    NAME-jpeg     jpeg({q0}) jpeg({q2})
                  jpeg({q0}) op ATTACK jpeg({q2})
    NAME-resaved  jpeg({q0}) jpeg({q2}) ATTACK jpeg({q3})
                  jpeg({q0}) op jpeg({q2}) ATTACK jpeg({q3})

q0, drawn from 95..97, is the camera's (MPeR-Net's QF1). In -resaved an attacker that acts on JPEGs
meets a detector of the manipulation; it acts on both sides, so that its own trace is not what is
found. The `paper` grids hold the points of the MPeR-Net paper (median, awgn above 80, resize;
of its Gaussians the s.d., here over 3 s.d. a side), of the SRM network's (median, gaussian, awgn
up to 2, resize 1.01, 1.125, 1.5) and a span of those that the resampling paper draws from.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import partial

from torch import Tensor

from forensics.jpeg import ZIGZAG, standard_tables
from forensics.traces import Draw, Grid, Number, Trace, Truth, points_of

_CAMERA = Draw(("q0",), ((95,), (96,), (97,)))
_QUALITIES = (50, 60, 70, 80, 90)


def _three(
    name: str,
    step: str,
    truth: Truth,
    none: Number,
    quick: Sequence[Number],
    paper: Sequence[Number],
) -> tuple[Trace, Trace, Trace]:
    """The three traces of one step, written with its parameter, such as `median({k})`."""
    what, p = name.replace("-", ", "), truth.name
    truths = (Truth(p, truth.kind, truth.unit, truth.tolerance, none),)

    def grids(*last: dict[str, Sequence[Number]]) -> tuple[tuple[str, Grid], ...]:
        few, many = last
        return ("quick", points_of(**{p: quick}, **few)), ("paper", points_of(**{p: paper}, **many))

    plain = Trace(
        name,
        f"was it processed ({what}) before it was saved without loss?",
        (("pristine", ""), ("altered", f"{step} ATTACK")),
        grids({}, {}),
        "pixels",
        truths,
    )
    jpeg = Trace(
        f"{name}-jpeg",
        f"was this JPEG processed ({what}) before?",
        (
            ("pristine", "jpeg({q0}) jpeg({q2})"),
            ("altered", f"jpeg({{q0}}) {step} ATTACK jpeg({{q2}})"),
        ),
        grids({"q2": (90,)}, {"q2": _QUALITIES}),
        "jpeg",
        truths,
        (_CAMERA,),
    )
    resaved = Trace(
        f"{name}-resaved",
        f"was this JPEG processed ({what}) before it was saved twice?",
        (
            ("pristine", "jpeg({q0}) jpeg({q2}) ATTACK jpeg({q3})"),
            ("altered", f"jpeg({{q0}}) {step} jpeg({{q2}}) ATTACK jpeg({{q3}})"),
        ),
        grids({"q2": (75,), "q3": (90,)}, {"q2": _QUALITIES, "q3": (75, 90)}),
        "jpeg",
        truths,
        (_CAMERA,),
    )
    return plain, jpeg, resaved


# The [0, 1] range's variances 0.1, 0.3, 0.6 .. 1.8 of the MPeR-Net paper, in grey levels.
_STRONG = (80.6, 139.7, 197.5, 241.9, 279.3, 312.3, 342.1)
_FACTORS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.01, 1.05, 1.1, 1.125, 1.2, 1.3, 1.4, 1.5, 1.8, 2.0)

MEDIAN, MEDIAN_JPEG, MEDIAN_RESAVED = _three(
    "median", "median({k})", Truth("k", "class", "pixels"), 1, (3, 5, 7), tuple(range(3, 16, 2))
)
GAUSSIAN, GAUSSIAN_JPEG, GAUSSIAN_RESAVED = _three(
    "gaussian",
    "gaussian({s})",
    Truth("s", "class", "pixels"),
    0,
    (0.5, 1.1),
    (0.5, 0.75, 0.8, 1.1, 1.4, 2.0, 2.6),
)
AWGN, AWGN_JPEG, AWGN_RESAVED = _three(
    "awgn",
    "awgn({s})",
    Truth("s", "class", "grey levels"),
    0,
    (0.5, 2.0),
    (0.25, 0.5, 2.0, *_STRONG),
)
RESIZE_BILINEAR, RESIZE_BILINEAR_JPEG, RESIZE_BILINEAR_RESAVED = _three(
    "resize-bilinear", "resize({f})", Truth("f", "real", "new / old", 0.05), 1, (0.8, 1.2), _FACTORS
)
RESIZE_BICUBIC, RESIZE_BICUBIC_JPEG, RESIZE_BICUBIC_RESAVED = _three(
    "resize-bicubic",
    "resize({f},kernel=bicubic)",
    Truth("f", "real", "new / old", 0.05),
    1,
    (0.8, 1.2),
    _FACTORS,
)
ROTATE, ROTATE_JPEG, ROTATE_RESAVED = _three(
    "rotate",
    "rotate({d})",
    Truth("d", "real", "degrees", 1.0),
    0,
    (5, -15),
    (-45, -30, -15, -5, -2, 2, 5, 15, 30, 45),
)
SHEAR, SHEAR_JPEG, SHEAR_RESAVED = _three(
    "shear",
    "shear({h})",
    Truth("h", "real", "pixels a row", 0.02),
    0,
    (0.1, 0.3),
    (0.05, 0.1, 0.2, 0.3, 0.4),
)


def _first_step(number: int, side: str, values: Mapping[str, Tensor]) -> Tensor:
    """The luma step of the first JPEG at a place in zig-zag order, counted from 1."""
    return standard_tables(values["q1"], 1).flatten(1)[:, ZIGZAG[number - 1]]


_STEPS = tuple(
    Truth(f"step{i}", "step", "first luma step, zig-zag", derive=partial(_first_step, i))
    for i in range(1, 16)
)
_SHIFT = (Truth("r", "class", "pixels"), Truth("c", "class", "pixels"))
_PRIMARY = (
    ("quick", points_of(q1=(60, 80, 95), q2=(90,))),
    ("paper", points_of(q1=range(60, 99), q2=(90,)) + points_of(q1=range(55, 99), q2=(80,))),
)

Q1 = Trace(
    "q1",
    "which was the first quantisation of this JPEG, whatever its grid?",
    (("altered", "jpeg({q1}) ATTACK crop({r},{c}) jpeg({q2})"),),
    _PRIMARY,
    "jpeg",
    (*_STEPS, *_SHIFT),
    (Draw(("r", "c"), tuple(itertools.product(range(8), range(8)))),),
)
Q1_ALIGNED = Trace(
    "q1-aligned",
    "which was the first quantisation of this JPEG, on the same grid?",
    (("altered", "jpeg({q1}) ATTACK jpeg({q2})"),),
    _PRIMARY,
    "jpeg",
    _STEPS,
)
