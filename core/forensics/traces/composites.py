"""Traces with many sides, and traces of regions: which operation was it, and what was spliced in.

    operation        (untouched), and a side for each of median, gaussian, awgn, resize, rotate,
                     shear; -jpeg and -resaved as those of single manipulations
    splice-q1        jpeg({q1}) crop({r},{c}) jpeg({q2})
                     jpeg({q1}) crop({r},{c}) splice(jpeg({qd}) crop({rd},{cd})) ATTACK jpeg({q2})
    splice-two       two such regions of two other photographs
    splice-NAME      jpeg({q0}) jpeg({q2})
                     jpeg({q0}) splice(op, ...) ATTACK jpeg({q2})
    splice-NAME-camera   the same without the last JPEG

No two JPEG grids of splice-q1 and splice-two agree, the last one's included; at (75, 95, 85, 90)
and (75, 65, 95, 90) splice-two is Figure 12 of the q1cnn paper. In splice-resize and splice-rotate
the region comes from another photograph of the same camera; in splice-blur and splice-noise it is
the image's own, so that content says nothing; in splice-copy it is moved within the image, and in
splice-enlarge enlarged as well: Figure 6 of the srmcnn paper is splice-blur-camera at s=0.5, and
splice-enlarge-camera.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import torch
from torch import Tensor

from forensics.traces.draws import Draw
from forensics.traces.manipulations import CAMERA, after_camera, in_jpeg
from forensics.traces.trace import Grid, Target, Trace, crossed, points_of

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


_WEAK = points_of(k=(3,), s=(0.5,), n=(0.5,), f=(0.8,), d=(5,), h=(0.1,))
_STRONG = points_of(k=(5,), s=(1.1,), n=(2.0,), f=(1.2,), d=(15,), h=(0.2,))


def _operation(kind: str, pristine: str, altered: str, others: Grid) -> Trace:
    """altered: the history around `{}`, the operation; others: points of other parameters."""
    sides = tuple((name, altered.format(step)) for name, step in _OPERATIONS.items())
    return Trace(
        f"operation{kind}",
        (("pristine", pristine), *sides),
        crossed(_WEAK + _STRONG, others),
        "jpeg" if kind else "pixels",
        (Target("operation", "class", "operation", none=0, classes=_NAMES, derive=_which),),
        (CAMERA,) if kind else (),
    )


OPERATION = _operation("", "", "{} ATTACK", ((),))
OPERATION_JPEG = _operation(
    "-jpeg",
    "jpeg({q0}) jpeg({q2})",
    "jpeg({{q0}}) {} ATTACK jpeg({{q2}})",
    points_of(q2=(90,)),
)
OPERATION_RESAVED = _operation(
    "-resaved",
    "jpeg({q0}) jpeg({q2}) ATTACK jpeg({q3})",
    "jpeg({{q0}}) {} jpeg({{q2}}) ATTACK jpeg({{q3}})",
    points_of(q2=(75,), q3=(90,)),
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


SPLICE_Q1 = Trace(
    "splice-q1",
    (
        ("pristine", "jpeg({q1}) crop({r},{c}) jpeg({q2})"),
        ("altered", f"jpeg({{q1}}) crop({{r}},{{c}}) {_REGION} ATTACK jpeg({{q2}})"),
    ),
    points_of(q1=(75,), qd=(65, 85, 95), q2=(90,)),
    "jpeg",
    (Target("qd", "step", "JPEG quality"),),
    (Draw(_GRIDS[:4], tuple(t[:4] for t in _THREE)),),
)
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
    points_of(q1=(75,), qd=(95,), qe=(85,), q2=(90,))
    + points_of(q1=(75,), qd=(65,), qe=(95,), q2=(90,)),
    "jpeg",
    (Target("qd", "step", "JPEG quality"), Target("qe", "step", "JPEG quality")),
    (Draw(_GRIDS, _THREE),),
)


SPLICE_RESIZE = in_jpeg(
    "splice-resize",
    "splice(jpeg({q0}) resize({f}))",
    (Target("f", "real", "new / old", 0.05, none=1),),
    points_of(f=(0.8, 1.2)),
)
SPLICE_ROTATE = in_jpeg(
    "splice-rotate",
    "splice(jpeg({q0}) rotate({d}))",
    (Target("d", "real", "degrees", 1.0, none=0),),
    points_of(d=(5, -15)),
)
_BLUR = "splice(gaussian({s}),donor=self)", (Target("s", "class", "pixels", none=0),)
SPLICE_BLUR = in_jpeg("splice-blur", *_BLUR, points_of(s=(1.1, 2.0)))
SPLICE_BLUR_CAMERA = after_camera("splice-blur", *_BLUR, points_of(s=(0.5, 1.1)))
SPLICE_NOISE = in_jpeg(
    "splice-noise",
    "splice(awgn({s}),donor=self)",
    (Target("s", "class", "grey levels", none=0),),
    points_of(s=(2.0, 5.0)),
)
SPLICE_COPY = in_jpeg("splice-copy", "splice(donor=copy)", (), ((),))
_ENLARGE = (
    "splice(resize({f},kernel=bicubic),donor=copy)",
    (Target("f", "real", "new / old", 0.05, none=1),),
    points_of(f=(1.125,)),
)
SPLICE_ENLARGE = in_jpeg("splice-enlarge", *_ENLARGE)
SPLICE_ENLARGE_CAMERA = after_camera("splice-enlarge", *_ENLARGE)
