"""Mixed histories: a first JPEG or none, one affine warp, a last JPEG.

Scale, rotation and shear are drawn independently, each with a chance of none, and are one
interpolation, linear or cubic. A characteristic is defined by what was drawn: `resampling-up` has
histories with an enlargement (altered) and with everything but one (pristine). As a rotation and a
shear of one map are mixed, such labels are partly arbitrary; `resampling-NAME-alone` has that one
step and no other. `resampling-splice-resize` and `-rotate` are the core's composites without JPEGs.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping

import numpy as np
import torch
from scipy.stats import qmc
from torch import Tensor

from forensics.plugin import Draw, Target, Trace, points_of
from forensics.traces.trace import Grid

UP, DOWN, TURN, SHEAR = (1.05, 2.0), (0.5, 0.95), (2.0, 45.0), (0.05, 0.4)
QUALITIES, LIMIT = (60, 100), 85
# How much of the old picture, in sides of a patch, a new one shows at most: more would not fit
# into photographs of 384 pixels. Few drawn maps are beyond.
WIDEST = 2.75
_COUNT = 2048

TASKS = ("jpegquality", "up", "down", "cw", "ccw", "shear")


def _between(span: tuple[float, float], part: np.ndarray) -> np.ndarray:
    return span[0] + (span[1] - span[0]) * part


def _scales(part: np.ndarray, which: str) -> np.ndarray:
    """Scales of quantiles: `any` none, up or down, a third each; else without one of them."""
    within = np.mod(part * 3 if which == "any" else part * 2, 1)
    up, down = _between(UP, within), _between(DOWN, within)
    one = np.ones_like(part)
    if which == "any":
        return np.where(part < 1 / 3, one, np.where(part < 2 / 3, up, down))
    return {"up": _between(UP, part), "down": _between(DOWN, part), "none": one}.get(
        which, np.where(part < 0.5, one, down if which == "not up" else up)
    )


def _degrees(part: np.ndarray, which: str) -> np.ndarray:
    """The same of rotations; clockwise is negative."""
    within = np.mod(part * 3 if which == "any" else part * 2, 1)
    turn, zero = _between(TURN, within), np.zeros_like(part)
    if which == "any":
        return np.where(part < 1 / 3, zero, np.where(part < 2 / 3, turn, -turn))
    every = _between(TURN, part)
    return {"cw": -every, "ccw": every, "none": zero}.get(
        which, np.where(part < 0.5, zero, turn if which == "not cw" else -turn)
    )


def _shears(part: np.ndarray, which: str) -> np.ndarray:
    """The same of shears, to both sides."""
    within = np.mod(part * 4 if which == "any" else part * 2, 1)
    sign = np.where(np.mod(part * (4 if which == "any" else 2), 2) < 1, 1, -1)
    shear = sign * _between(SHEAR, within)
    zero = np.zeros_like(part)
    return {"shear": shear, "none": zero}.get(which, np.where(part < 0.5, zero, shear))


def widest(scale: np.ndarray, degrees: np.ndarray, shear: np.ndarray) -> np.ndarray:
    """How many sides of a patch the old picture of a new patch has."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    down, across = np.abs(c) + np.abs(s), np.abs(s + shear * c) + np.abs(c - shear * s)
    return np.maximum(down, across) / scale


_KINDS = {"scale": _scales, "degrees": _degrees, "shear": _shears}
# What the sides of a characteristic differ in: with it, without it.
_SIDES = {
    "up": ("scale", "up", "not up"),
    "down": ("scale", "down", "not down"),
    "cw": ("degrees", "cw", "not cw"),
    "ccw": ("degrees", "ccw", "not ccw"),
    "shear": ("shear", "shear", "none"),
}


def _drawn(kinds: Mapping[str, tuple[str, str]]) -> Draw:
    """Joint values of a parameter for each of these, each a kind and which of it; and the order
    of the interpolation. Maps that are too wide are left out."""
    points = qmc.Halton(len(kinds) + 1, scramble=False).random(2 * _COUNT + 1)[1:]
    columns = {
        name: np.round(_KINDS[kind](part, which), 4)
        for (name, (kind, which)), part in zip(kinds.items(), points.T[:-1], strict=True)
    }
    both = [_named(columns, side) for side in ("", "n")]
    fits = np.all([widest(*three) <= WIDEST for three in both], axis=0)
    order = np.where(points.T[-1] < 0.5, 1, 3)
    rows = zip(*(column[fits].tolist() for column in (*columns.values(), order)), strict=True)
    return Draw((*columns, "o"), tuple(rows)[:_COUNT])


def _named(columns: Mapping[str, np.ndarray], side: str) -> list[np.ndarray]:
    """scale, degrees and shear of one side: `fn` is the scale of the pristine side where it has
    one of its own."""
    return [columns.get(name + side, columns[name]) for name in ("f", "d", "h")]


_LETTERS = {"scale": "f", "degrees": "d", "shear": "h"}
_FIRST = Draw(("q0",), tuple((q,) for q in range(75, 99)))
_LAST = Draw(("q2",), tuple((q,) for q in range(QUALITIES[0], QUALITIES[1] + 1)))
_HISTORY = (
    "maybe(0.5,jpeg({{q0}})) affine({{{f}}},{{{d}}},{{{h}}},order={{o}}) ATTACK jpeg({{{q}}})"
)


def _history(f: str = "f", d: str = "d", h: str = "h", q: str = "q2") -> str:
    return _HISTORY.format(f=f, d=d, h=h, q=q)


def _mixed(task: str, alone: bool) -> Trace:
    others = "none" if alone else "any"
    name = f"resampling-{task}" + ("-alone" if alone else "")
    if task == "jpegquality":
        draw = _drawn({letter: (kind, others) for kind, letter in _LETTERS.items()})
        lower = Draw(("q2",), tuple((q,) for q in range(QUALITIES[0], LIMIT)))
        upper = Draw(("qn",), tuple((q,) for q in range(LIMIT, QUALITIES[1] + 1)))
        sides = (("pristine", _history(q="qn")), ("altered", _history()))
        # The tables of the last JPEG would say it all.
        return Trace(name, sides, ((),), "pixels", (), (draw, _FIRST, lower, upper))
    kind, has, lacks = _SIDES[task]
    own = _LETTERS[kind]
    kinds = {letter: (k, has if k == kind else others) for k, letter in _LETTERS.items()}
    kinds[f"{own}n"] = (kind, "none" if alone else lacks)
    sides = (("pristine", _history(**{own: f"{own}n"})), ("altered", _history()))
    unit = {"scale": "new / old", "degrees": "degrees", "shear": "pixels a row"}[kind]
    target = Target(own, "real", unit, {"f": 0.05, "d": 1.0, "h": 0.02}[own], None)
    return Trace(name, sides, ((),), "jpeg", (target,), (_drawn(kinds), _FIRST, _LAST))


(
    RESAMPLING_JPEGQUALITY,
    RESAMPLING_UP,
    RESAMPLING_DOWN,
    RESAMPLING_CW,
    RESAMPLING_CCW,
    RESAMPLING_SHEAR,
) = (_mixed(task, alone=False) for task in TASKS)
(
    RESAMPLING_UP_ALONE,
    RESAMPLING_DOWN_ALONE,
    RESAMPLING_CW_ALONE,
    RESAMPLING_CCW_ALONE,
    RESAMPLING_SHEAR_ALONE,
) = (_mixed(task, alone=True) for task in TASKS[1:])


def _composite(name: str, step: str, target: Target, points: Grid) -> Trace:
    sides = (("pristine", ""), ("altered", f"splice({step}) ATTACK"))
    return Trace(name, sides, points, "pixels", (target,), ())


RESAMPLING_SPLICE_RESIZE = _composite(
    "resampling-splice-resize",
    "resize({f})",
    Target("f", "real", "new / old", 0.05, none=1),
    points_of(f=(0.8, 1.2)),
)
RESAMPLING_SPLICE_ROTATE = _composite(
    "resampling-splice-rotate",
    "rotate({d})",
    Target("d", "real", "degrees", 1.0, none=0),
    points_of(d=(5, -15)),
)


@functools.cache
def mixture() -> Trace:
    """All six at once, for trainings: one history, whose drawn values are the labels. Last
    qualities below 85 are as frequent as the others."""
    draw = _drawn({letter: (kind, "any") for kind, letter in _LETTERS.items()})
    low, high = range(QUALITIES[0], LIMIT), range(LIMIT, QUALITIES[1] + 1)
    count = math.lcm(len(low), len(high))
    equally = [*low] * (count // len(low)) + [*high] * (count // len(high))
    last = Draw(("q2",), tuple((q,) for q in equally))
    return Trace("resampling", (("altered", _history()),), ((),), "jpeg", (), (draw, _FIRST, last))


def labels(values: Mapping[str, Tensor]) -> Tensor:
    """Which of the six characteristics drawn values have, bool `[N, 6]` in the order of `TASKS`."""
    f, d, h, q = (values[name] for name in ("f", "d", "h", "q2"))
    has = (q < LIMIT, f > 1, f < 1, d < 0, d > 0, h != 0)
    return torch.stack(has, 1)
