"""Traces with many sides, and traces of regions: which operation was it, and what was spliced in.

    operation        (untouched), and a side for each of median, gaussian, awgn, resize, rotate,
                     shear; -jpeg and -resaved as those of single manipulations
    splice-q1        jpeg({q1}) crop({r},{c}) jpeg({q2})
                     jpeg({q1}) crop({r},{c}) splice(jpeg({qd}) crop({rd},{cd})) ATTACK jpeg({q2})
    splice-two       two such regions of two other photographs
    splice-NAME      jpeg({q0}) jpeg({q2})
                     jpeg({q0}) splice(op, ...) ATTACK jpeg({q2})

No two JPEG grids of splice-q1 and splice-two agree, the last one's included; at (75, 95, 85, 90)
and (75, 65, 95, 90) splice-two is Figure 12 of the q1cnn paper. In splice-resize and splice-rotate
the region comes from another photograph of the same camera; in splice-blur and splice-noise it is
the image's own, so that content says nothing; in splice-copy it is moved within the image.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from forensics.traces.manipulations import CAMERA, QUALITIES
from forensics.traces.trace import Draw, Grid, Number, Target, Trace, crossed, points_of

_OPERATIONS = {
    "median": "median({k})",
    "gaussian": "gaussian({s})",
    "awgn": "awgn({n})",
    "resize": "resize({f})",
    "rotate": "rotate({d})",
    "shear": "shear({h})",
}
_NAMES = ("none", *_OPERATIONS)


def _which(side: str, values: Mapping[str, Tensor]) -> Tensor:
    """The number of the side among the classes."""
    return torch.tensor(_NAMES.index(side))


def _strengths(*points: tuple[Number, ...]) -> Grid:
    return tuple(tuple(zip(("k", "s", "n", "f", "d", "h"), p, strict=True)) for p in points)


_STRONG = (5, 1.1, 2.0, 1.2, 15, 0.2)
_FEW = _strengths((3, 0.5, 0.5, 0.8, 5, 0.1), _STRONG)
_MANY = _FEW + _strengths((3, 0.75, 0.5, 1.05, 2, 0.05), (7, 2.0, 2.0, 1.5, -15, 0.3))


def _operation(kind: str, pristine: str, altered: str, few: Grid, many: Grid) -> Trace:
    """altered: the history around `{}`, the operation."""
    sides = tuple((name, altered.format(step)) for name, step in _OPERATIONS.items())
    return Trace(
        f"operation{kind}",
        (("pristine", pristine), *sides),
        (("quick", few), ("paper", many)),
        "jpeg" if kind else "pixels",
        (Target("operation", "class", "operation", none=0, classes=_NAMES, derive=_which),),
        (CAMERA,) if kind else (),
    )


OPERATION = _operation("", "", "{} ATTACK", _FEW, _MANY)
OPERATION_JPEG = _operation(
    "-jpeg",
    "jpeg({q0}) jpeg({q2})",
    "jpeg({{q0}}) {} ATTACK jpeg({{q2}})",
    crossed(_FEW, points_of(q2=(90,))),
    crossed(_MANY, points_of(q2=QUALITIES)),
)
OPERATION_RESAVED = _operation(
    "-resaved",
    "jpeg({q0}) jpeg({q2}) ATTACK jpeg({q3})",
    "jpeg({{q0}}) {} jpeg({{q2}}) ATTACK jpeg({{q3}})",
    crossed(_FEW, points_of(q2=(75,), q3=(90,))),
    crossed(_MANY, points_of(q2=QUALITIES, q3=(75, 90))),
)

# Three shifts of the JPEG grid, of which no two agree and none is the last JPEG's: each pair of
# the 63 that there are, and a third as far from the second as that is from the first.
_SHIFTS = tuple(shift for shift in itertools.product(range(8), range(8)) if any(shift))
_THREE = tuple(
    (*_SHIFTS[i], *_SHIFTS[(i + j) % 63], *_SHIFTS[(i + 2 * j) % 63])
    for i in range(63)
    for j in range(1, 63)
)
_GRIDS = ("r", "c", "rd", "cd", "re", "ce")
_REGION = "splice(jpeg({qd}) crop({rd},{cd}))"


def _qualities(names: Sequence[str], *points: tuple[int, ...]) -> Grid:
    return tuple(tuple(zip(names, point, strict=True)) for point in points)


SPLICE_Q1 = Trace(
    "splice-q1",
    (
        ("pristine", "jpeg({q1}) crop({r},{c}) jpeg({q2})"),
        ("altered", f"jpeg({{q1}}) crop({{r}},{{c}}) {_REGION} ATTACK jpeg({{q2}})"),
    ),
    (
        ("quick", points_of(q1=(75,), qd=(65, 85, 95), q2=(90,))),
        (
            "paper",
            points_of(q1=(75,), qd=(65, 85, 95), q2=(80, 90))
            + points_of(q1=(60, 95), qd=(75,), q2=(80, 90)),
        ),
    ),
    "jpeg",
    (Target("qd", "step", "JPEG quality"),),
    (Draw(_GRIDS[:4], tuple(t[:4] for t in _THREE)),),
)
_TWO = _qualities(("q1", "qd", "qe", "q2"), (75, 95, 85, 90), (75, 65, 95, 90))
SPLICE_TWO = Trace(
    "splice-two",
    (
        ("pristine", "jpeg({q1}) crop({r},{c}) jpeg({q2})"),
        (
            "altered",
            f"jpeg({{q1}}) crop({{r}},{{c}}) {_REGION} "
            "splice(jpeg({qe}) crop({re},{ce}),donor=1) ATTACK jpeg({q2})",
        ),
    ),
    (("quick", _TWO), ("paper", _TWO)),
    "jpeg",
    (Target("qd", "step", "JPEG quality"), Target("qe", "step", "JPEG quality")),
    (Draw(_GRIDS, _THREE),),
)


def _region(name: str, step: str, targets: tuple[Target, ...], quick: Grid, paper: Grid) -> Trace:
    """step: the splice, in a JPEG of the camera that becomes another."""
    return Trace(
        f"splice-{name}",
        (
            ("pristine", "jpeg({q0}) jpeg({q2})"),
            ("altered", f"jpeg({{q0}}) {step} ATTACK jpeg({{q2}})"),
        ),
        (
            ("quick", crossed(quick, points_of(q2=(90,)))),
            ("paper", crossed(paper, points_of(q2=(75, 90, 100)))),
        ),
        "jpeg",
        targets,
        (CAMERA,),
    )


SPLICE_RESIZE = _region(
    "resize",
    "splice(jpeg({q0}) resize({f}))",
    (Target("f", "real", "new / old", 0.05, none=1),),
    points_of(f=(0.8, 1.2)),
    points_of(f=(0.8, 0.9, 0.95, 1.05, 1.1, 1.2, 1.5, 2.0)),
)
SPLICE_ROTATE = _region(
    "rotate",
    "splice(jpeg({q0}) rotate({d}))",
    (Target("d", "real", "degrees", 1.0, none=0),),
    points_of(d=(5, -15)),
    points_of(d=(-30, -15, -5, -2, 2, 5, 15, 30)),
)
SPLICE_BLUR = _region(
    "blur",
    "splice(gaussian({s}),donor=self)",
    (Target("s", "class", "pixels", none=0),),
    points_of(s=(1.1, 2.0)),
    points_of(s=(0.5, 0.75, 1.1, 2.0)),
)
SPLICE_NOISE = _region(
    "noise",
    "splice(awgn({s}),donor=self)",
    (Target("s", "class", "grey levels", none=0),),
    points_of(s=(2.0, 5.0)),
    points_of(s=(0.5, 2.0, 5.0, 10.0)),
)
SPLICE_COPY = _region("copy", "splice(donor=copy)", (), ((),), ((),))
