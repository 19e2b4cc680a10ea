"""The questions that the paper asks, and the histories that its models are trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from forensics.plugin import Draw, Target, Trace, Uniform, points_of

Values = list[int] | list[float] | list[tuple[int, float]]

# Sizes with the s.d. that OpenCV takes for them, 0.3 ((k - 1) / 2 - 1) + 0.8.
KERNELS = [(3, 0.8), (7, 1.4), (11, 2.0), (15, 2.6)]
# Variances on [0, 1] as s.d. in grey levels.
VARIANCES = (0.1, 0.3, 0.6, 0.9, 1.2, 1.5, 1.8)
DEVIATIONS = [round(255 * variance**0.5, 1) for variance in VARIANCES]
FACTORS = [0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.3, 1.4, 1.5]
SIZES = [3, 5, 7, 9, 11, 13, 15]


@dataclass(frozen=True)
class Task:
    """name: of the task; target: what is asked; step: of the histories, with parameters `names`,
    which are drawn together from `values`; groups: of features that tell the values apart."""

    name: str
    target: Target
    step: str
    names: str | tuple[str, ...]
    values: Values
    groups: tuple[str, ...]

    @property
    def trace(self) -> Trace:
        """The recipes': photographs to which nothing was done, and in part sharpened ones, and
        altered ones, between two JPEGs."""
        others = (Target("s", "class", "pixels", none=0),) if self.name == "gaussian" else ()
        return Trace(
            f"mper-{self.name}",
            (
                ("pristine", "jpeg({q0}) maybe({p},sharpen({a})) jpeg({q2})"),
                ("altered", f"jpeg({{q0}}) {self.step} ATTACK jpeg({{q2}})"),
            ),
            (),
            "jpeg",
            (self.target, *others),
        )


CAMERA = Draw(("q0",), ((95,), (96,), (97,)))
_FINE = ("dct32", "jpeg", "grid", "cooc", "local", "side", "table")
_SCALE = (*_FINE[:3], "period", *_FINE[3:])
_FACTOR = Target("f", "real", "new / old", 0.05, none=1)

TASKS = {
    task.name: task
    for task in (
        Task("median", Target("k", "class", "pixels", none=1), "median({k})", "k", SIZES, _FINE),
        Task(
            "gaussian",
            Target("k", "class", "pixels", none=1),
            "gaussian({s},size={k})",
            ("k", "s"),
            KERNELS,
            _FINE,
        ),
        Task(
            "awgn",
            Target("s", "class", "grey levels", none=0),
            "awgn({s})",
            "s",
            DEVIATIONS,
            ("jpeg", "noise", "local", "side", "table"),
        ),
        Task("bilinear", _FACTOR, "resize({f})", "f", FACTORS, _SCALE),
        Task("bicubic", _FACTOR, "resize({f},kernel=bicubic)", "f", FACTORS, _SCALE),
    )
}

_STEPS = {
    "median": "median({k})",
    "gaussian": "gaussian({s},size={g})",
    "awgn": "awgn({n})",
    "bilinear": "resize({f})",
    "bicubic": "resize({f},kernel=bicubic)",
}
KINDS = ("none", *_STEPS)


def _kind(side: str, values: Mapping[str, Tensor]) -> Tensor:
    """The number of the side among the kinds."""
    return torch.tensor(KINDS.index(side))


_KIND = Target("operation", "class", "operation", none=0, classes=KINDS, derive=_kind)
_WEAK = points_of(k=(3,), g=(3,), s=(0.8,), n=(80.6,), f=(0.9,), q2=(90,))
_STRONG = points_of(k=(9,), g=(11,), s=(2.0,), n=(241.9,), f=(1.3,), q2=(90,))


def _which(name: str, pristine: str, camera: tuple[Draw, ...]) -> Trace:
    sides = tuple((n, f"jpeg({{q0}}) {step} ATTACK jpeg({{q2}})") for n, step in _STEPS.items())
    grid = _WEAK + _STRONG if camera else ()
    return Trace(name, (("pristine", pristine), *sides), grid, "jpeg", (_KIND,), camera)


WHICH = _which("mper-which", "jpeg({q0}) jpeg({q2})", (CAMERA,))
WHICH_TRAINED = _which("mper-which", "jpeg({q0}) maybe({p},sharpen({a})) jpeg({q2})", ())

# The Gaussian's sizes all together, as a size and its s.d. belong together.
GAUSSIAN = Trace(
    "mper-gaussian",
    (
        ("pristine", "jpeg({q0}) jpeg({q2})"),
        ("altered", "jpeg({q0}) gaussian({s},size={k}) ATTACK jpeg({q2})"),
    ),
    points_of(q2=(90,)),
    "jpeg",
    (TASKS["gaussian"].target, Target("s", "class", "pixels", none=0)),
    (CAMERA, Draw(("k", "s"), tuple(KERNELS))),
)


def groups_of(task: str) -> tuple[str, ...]:
    """The features that a task looks at."""
    return (*_SCALE, "noise") if task == "which" else TASKS[task].groups


# Under which name the value of a kind is drawn where all are.
NAMES = {"median": "k", "gaussian": "g", "awgn": "n", "bilinear": "f", "bicubic": "f"}


def values_of(task: str) -> tuple[float, ...]:
    """The classes of a task in order, with that of nothing: values, or the numbers of the kinds."""
    if task == "which":
        return tuple(float(number) for number in range(len(KINDS)))
    asked = TASKS[task]
    listed = [float(value[0] if isinstance(value, tuple) else value) for value in asked.values]
    assert asked.target.none is not None
    return tuple(sorted([*listed, float(asked.target.none)]))


def target_of(task: str) -> Target:
    """What a task asks for."""
    return _KIND if task == "which" else TASKS[task].target


def trained_on(task: str) -> Trace:
    """The histories that the models of a task are trained on."""
    return WHICH_TRAINED if task == "which" else TASKS[task].trace


def drawn(task: str, last: Sequence[int]) -> dict[Any, Any]:
    """What the parameters of `trained_on` are drawn from. last: qualities of the last JPEG. A third
    of the photographs to which nothing was done is sharpened."""
    own = (
        {
            "k": SIZES,
            ("g", "s"): KERNELS,
            "n": DEVIATIONS,
            "f": FACTORS,
        }
        if task == "which"
        else {TASKS[task].names: TASKS[task].values}
    )
    return {**own, "q0": (95, 96, 97), "q2": last, "p": (0, 0, 1), "a": Uniform(0.3, 2.5)}
