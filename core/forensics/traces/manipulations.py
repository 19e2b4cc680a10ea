"""Traces of single manipulations: plain, before a JPEG, and before a JPEG that was saved again.

    NAME          (untouched)
                  op ATTACK
    NAME-jpeg     jpeg({q0}) jpeg({q2})
                  jpeg({q0}) op ATTACK jpeg({q2})
    NAME-resaved  jpeg({q0}) jpeg({q2}) ATTACK jpeg({q3})
                  jpeg({q0}) op jpeg({q2}) ATTACK jpeg({q3})

q0, drawn from 95..97, is the camera's (MPeR-Net's QF1). In -resaved an attacker that acts on JPEGs
meets a detector of the manipulation; it acts on both sides, so that its own trace is not what is
found. The `paper` grids hold the points of the MPeR-Net paper (median, awgn above 80, resize; its
Gaussians, cut off at their size, are gaussian-kernel), of the SRM network's (median, gaussian, awgn
up to 2, resize 1.01, 1.125, 1.5) and a span of those that the resampling paper draws from.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from forensics.jpeg import ZIGZAG, standard_tables
from forensics.traces.jpeg import SHIFTS
from forensics.traces.trace import Draw, Grid, Number, Target, Trace, crossed, points_of

CAMERA = Draw(("q0",), ((95,), (96,), (97,)))
QUALITIES = (50, 60, 70, 80, 90)


def _three(
    name: str, step: str, targets: tuple[Target, ...], quick: Grid, paper: Grid
) -> tuple[Trace, Trace, Trace]:
    """The three traces of one step, written with its parameters, such as `median({k})`."""

    def grids(few: Grid, many: Grid) -> tuple[tuple[str, Grid], ...]:
        return ("quick", crossed(quick, few)), ("paper", crossed(paper, many))

    plain = Trace(
        name,
        (("pristine", ""), ("altered", f"{step} ATTACK")),
        (("quick", quick), ("paper", paper)),
        "pixels",
        targets,
    )
    jpeg = Trace(
        f"{name}-jpeg",
        (
            ("pristine", "jpeg({q0}) jpeg({q2})"),
            ("altered", f"jpeg({{q0}}) {step} ATTACK jpeg({{q2}})"),
        ),
        grids(points_of(q2=(90,)), points_of(q2=QUALITIES)),
        "jpeg",
        targets,
        (CAMERA,),
    )
    resaved = Trace(
        f"{name}-resaved",
        (
            ("pristine", "jpeg({q0}) jpeg({q2}) ATTACK jpeg({q3})"),
            ("altered", f"jpeg({{q0}}) {step} jpeg({{q2}}) ATTACK jpeg({{q3}})"),
        ),
        grids(points_of(q2=(75,), q3=(90,)), points_of(q2=QUALITIES, q3=(75, 90))),
        "jpeg",
        targets,
        (CAMERA,),
    )
    return plain, jpeg, resaved


def _one(
    name: str, step: str, target: Target, quick: Sequence[Number], paper: Sequence[Number]
) -> tuple[Trace, Trace, Trace]:
    """The same of a step with one parameter."""
    p = target.name
    return _three(name, step, (target,), points_of(**{p: quick}), points_of(**{p: paper}))


# The [0, 1] range's variances 0.1, 0.3, 0.6 .. 1.8 of the MPeR-Net paper, in grey levels.
_STRONG = (80.6, 139.7, 197.5, 241.9, 279.3, 312.3, 342.1)
_FACTORS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.01, 1.05, 1.1, 1.125, 1.2, 1.3, 1.4, 1.5, 1.8, 2.0)

MEDIAN, MEDIAN_JPEG, MEDIAN_RESAVED = _one(
    "median",
    "median({k})",
    Target("k", "class", "pixels", none=1),
    (3, 5, 7),
    tuple(range(3, 16, 2)),
)
GAUSSIAN, GAUSSIAN_JPEG, GAUSSIAN_RESAVED = _one(
    "gaussian",
    "gaussian({s})",
    Target("s", "class", "pixels", none=0),
    (0.5, 1.1),
    (0.5, 0.75, 0.8, 1.1, 1.4, 2.0, 2.6),
)
# OpenCV's s.d. for a size, 0.3 ((k - 1) / 2 - 1) + 0.8: 2.1 to 2.7 s.d. a side, but 1.25 for 3.
_KERNELS = ((3, 0.8), (7, 1.4), (11, 2.0), (15, 2.6))
_SIZED: Grid = tuple((("k", size), ("s", sigma)) for size, sigma in _KERNELS)
GAUSSIAN_KERNEL, GAUSSIAN_KERNEL_JPEG, GAUSSIAN_KERNEL_RESAVED = _three(
    "gaussian-kernel",
    "gaussian({s},size={k})",
    (Target("k", "class", "pixels", none=1), Target("s", "class", "pixels", none=0)),
    (_SIZED[0], _SIZED[-1]),
    _SIZED,
)
AWGN, AWGN_JPEG, AWGN_RESAVED = _one(
    "awgn",
    "awgn({s})",
    Target("s", "class", "grey levels", none=0),
    (0.5, 2.0),
    (0.25, 0.5, 2.0, *_STRONG),
)
RESIZE_BILINEAR, RESIZE_BILINEAR_JPEG, RESIZE_BILINEAR_RESAVED = _one(
    "resize-bilinear",
    "resize({f})",
    Target("f", "real", "new / old", 0.05, none=1),
    (0.8, 1.2),
    _FACTORS,
)
RESIZE_BICUBIC, RESIZE_BICUBIC_JPEG, RESIZE_BICUBIC_RESAVED = _one(
    "resize-bicubic",
    "resize({f},kernel=bicubic)",
    Target("f", "real", "new / old", 0.05, none=1),
    (0.8, 1.2),
    _FACTORS,
)
ROTATE, ROTATE_JPEG, ROTATE_RESAVED = _one(
    "rotate",
    "rotate({d})",
    Target("d", "real", "degrees", 1.0, none=0),
    (5, -15),
    (-45, -30, -15, -5, -2, 2, 5, 15, 30, 45),
)
SHEAR, SHEAR_JPEG, SHEAR_RESAVED = _one(
    "shear",
    "shear({h})",
    Target("h", "real", "pixels a row", 0.02, none=0),
    (0.1, 0.3),
    (0.05, 0.1, 0.2, 0.3, 0.4),
)


@dataclass(frozen=True)
class _FirstStep:
    """The luma step of the first JPEG at a place in zig-zag order, counted from 1."""

    number: int

    def __call__(self, side: str, values: Mapping[str, Tensor]) -> Tensor:
        return standard_tables(values["q1"], 1).flatten(1)[:, ZIGZAG[self.number - 1]]


_STEPS = tuple(
    Target(f"step{i}", "step", "first luma step, zig-zag", derive=_FirstStep(i))
    for i in range(1, 16)
)
_SHIFT = (Target("r", "class", "pixels"), Target("c", "class", "pixels"))
_PRIMARY = (
    ("quick", points_of(q1=(60, 80, 95), q2=(90,))),
    (
        "paper",
        points_of(q1=range(60, 99), q2=(90, 92)) + points_of(q1=range(55, 99), q2=(80,)),
    ),
)

Q1 = Trace(
    "q1",
    (("altered", "jpeg({q1}) ATTACK crop({r},{c}) jpeg({q2})"),),
    _PRIMARY,
    "jpeg",
    (*_STEPS, *_SHIFT),
    (Draw(("r", "c"), tuple(itertools.product(range(8), range(8)))),),
)
Q1_ALIGNED = Trace(
    "q1-aligned",
    (("altered", "jpeg({q1}) ATTACK jpeg({q2})"),),
    _PRIMARY,
    "jpeg",
    _STEPS,
)
Q1_SHIFTED = Trace(
    "q1-shifted",
    Q1.histories,
    _PRIMARY,
    "jpeg",
    Q1.targets,
    (SHIFTS,),
)
