"""Traces of single manipulations: plain, after a camera's JPEG, before a JPEG, and before a JPEG
that was saved again.

    NAME          (untouched)
                  op ATTACK
    NAME-jpeg     jpeg({q0}) jpeg({q2})
                  jpeg({q0}) op ATTACK jpeg({q2})
    NAME-camera   jpeg({q0})
                  jpeg({q0}) op ATTACK
    NAME-resaved  jpeg({q0}) jpeg({q2}) ATTACK jpeg({q3})
                  jpeg({q0}) op jpeg({q2}) ATTACK jpeg({q3})

q0, drawn from 95..97, is the camera's (MPeR-Net's QF1); in -camera, which judges files that were
made from a phone's JPEG, from 93..97, and `jpeg-camera` is the same of another JPEG. In -resaved an
attacker that acts on JPEGs meets a detector of the manipulation; it acts on both sides, so that its
own trace is not what is found. In gaussian-kernel the Gaussian is cut off at its size, as in the
MPeR-Net paper.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from forensics.jpeg import ZIGZAG, standard_tables
from forensics.traces.draws import Draw, Number
from forensics.traces.jpeg import JPEG, SHIFTS
from forensics.traces.trace import Grid, Target, Trace, crossed, points_of

CAMERA = Draw(("q0",), ((95,), (96,), (97,)))
PHONE = Draw(("q0",), ((93,), (94,), (95,), (96,), (97,)))


def in_jpeg(name: str, step: str, targets: tuple[Target, ...], grid: Grid) -> Trace:
    """The trace of one step between a camera's JPEG and another."""
    return Trace(
        name,
        (
            ("pristine", "jpeg({q0}) jpeg({q2})"),
            ("altered", f"jpeg({{q0}}) {step} ATTACK jpeg({{q2}})"),
        ),
        crossed(grid, points_of(q2=(90,))),
        "jpeg",
        targets,
        (CAMERA,),
    )


def after_camera(name: str, step: str, targets: tuple[Target, ...], grid: Grid) -> Trace:
    """The trace of one step after a camera's JPEG, saved without loss."""
    return Trace(
        f"{name}-camera",
        (("pristine", "jpeg({q0})"), ("altered", f"jpeg({{q0}}) {step} ATTACK")),
        grid,
        "pixels",
        targets,
        (PHONE,),
    )


def _four(
    name: str, step: str, targets: tuple[Target, ...], grid: Grid
) -> tuple[Trace, Trace, Trace, Trace]:
    """The four traces of one step, written with its parameters, such as `median({k})`. Of a step
    that goes one way, -resaved, on which every attacker meets every model, has the last point only.
    """
    plain = Trace(
        name,
        (("pristine", ""), ("altered", f"{step} ATTACK")),
        grid,
        "pixels",
        targets,
    )
    resaved = Trace(
        f"{name}-resaved",
        (
            ("pristine", "jpeg({q0}) jpeg({q2}) ATTACK jpeg({q3})"),
            ("altered", f"jpeg({{q0}}) {step} jpeg({{q2}}) ATTACK jpeg({{q3}})"),
        ),
        crossed(grid if targets[0].kind == "real" else grid[-1:], points_of(q2=(75,), q3=(90,))),
        "jpeg",
        targets,
        (CAMERA,),
    )
    camera = after_camera(name, step, targets, grid)
    return plain, camera, in_jpeg(f"{name}-jpeg", step, targets, grid), resaved


def _one(
    name: str, step: str, target: Target, values: Sequence[Number]
) -> tuple[Trace, Trace, Trace, Trace]:
    """The same of a step with one parameter."""
    return _four(name, step, (target,), points_of(**{target.name: values}))


MEDIAN, MEDIAN_CAMERA, MEDIAN_JPEG, MEDIAN_RESAVED = _one(
    "median",
    "median({k})",
    Target("k", "class", "pixels", none=1),
    (3, 5, 7),
)
GAUSSIAN, GAUSSIAN_CAMERA, GAUSSIAN_JPEG, GAUSSIAN_RESAVED = _one(
    "gaussian",
    "gaussian({s})",
    Target("s", "class", "pixels", none=0),
    (0.5, 1.1),
)
GAUSSIAN_KERNEL, GAUSSIAN_KERNEL_CAMERA, GAUSSIAN_KERNEL_JPEG, GAUSSIAN_KERNEL_RESAVED = _four(
    "gaussian-kernel",
    "gaussian({s},size={k})",
    (Target("k", "class", "pixels", none=1), Target("s", "class", "pixels", none=0)),
    # OpenCV's s.d. for a size, 0.3 ((k - 1) / 2 - 1) + 0.8.
    points_of(k=(3,), s=(0.8,)) + points_of(k=(15,), s=(2.6,)),
)
AWGN, AWGN_CAMERA, AWGN_JPEG, AWGN_RESAVED = _one(
    "awgn",
    "awgn({s})",
    Target("s", "class", "grey levels", none=0),
    (0.5, 2.0),
)
RESIZE_BILINEAR, RESIZE_BILINEAR_CAMERA, RESIZE_BILINEAR_JPEG, RESIZE_BILINEAR_RESAVED = _one(
    "resize-bilinear",
    "resize({f})",
    Target("f", "real", "new / old", 0.05, none=1),
    (0.8, 1.2),
)
RESIZE_BICUBIC, RESIZE_BICUBIC_CAMERA, RESIZE_BICUBIC_JPEG, RESIZE_BICUBIC_RESAVED = _one(
    "resize-bicubic",
    "resize({f},kernel=bicubic)",
    Target("f", "real", "new / old", 0.05, none=1),
    (0.8, 1.2),
)
ROTATE, ROTATE_CAMERA, ROTATE_JPEG, ROTATE_RESAVED = _one(
    "rotate",
    "rotate({d})",
    Target("d", "real", "degrees", 1.0, none=0),
    (5, -15),
)
SHEAR, SHEAR_CAMERA, SHEAR_JPEG, SHEAR_RESAVED = _one(
    "shear",
    "shear({h})",
    Target("h", "real", "pixels a row", 0.02, none=0),
    (0.1, 0.3),
)

JPEG_CAMERA = after_camera("jpeg", "jpeg({q})", JPEG.targets, JPEG.grid)


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
_PRIMARY = points_of(q1=(60, 80, 95), q2=(90,))

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
