"""The manipulations, their strengths, and the histories that they are told apart in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# Which of the kinds of a mixture there are: a camera's JPEG before, JPEGs after, one or two.
_KINDS = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (1, 1, 1)]
_CAMERA = range(93, 98)
_AFTER = range(50, 99)
_SIZES = (0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.01, 1.02, 1.05, 1.1, 1.125, 1.2, 1.3, 1.5, 1.7, 2.0)


@dataclass(frozen=True)
class Task:
    """step: what is done, with its parameter open; parameter: its name; paper: the paper's
    strengths, the weakest last; any: what the strengths of everyday are drawn from; traces: those
    that a detector of it judges."""

    step: str
    parameter: str
    paper: tuple[float, ...]
    any: tuple[float, ...]
    traces: tuple[str, ...]

    def strengths(self) -> tuple[str, ...]:
        """The values of the option `strength` besides `any`."""
        return tuple(f"{value:g}" for value in self.paper)

    def histories(self, strength: str) -> tuple[tuple[str, str], ...]:
        """The sides to be told apart, the pristine one first: one strength after a camera's JPEG or
        none, or any strength in every recompressed history."""
        before, after = "maybe({p0},jpeg({q0}))", ""
        if strength == "any" and self.parameter != "q":
            after = " maybe({p2},jpeg({q2})) maybe({p3},jpeg({q3}))"
        done = {"altered": self.step}
        if self.parameter == "f":
            done = {"altered": f"{self.step[:-1]},kernel=bicubic)"}
            if strength == "any":
                done["bilinear"] = self.step
        altered = ((name, f"{before} {step} ATTACK{after}") for name, step in done.items())
        return (("pristine", before + after), *altered)

    def draws(self, strength: str) -> dict[str | tuple[str, ...], Any]:
        """What the parameters of these histories are drawn from, one value a crop."""
        if strength != "any":
            (value,) = (v for v in self.paper if f"{v:g}" == strength)
            return {"p0": [0, 1], "q0": _CAMERA, self.parameter: [value]}
        drawn: dict[str | tuple[str, ...], Any] = {"q0": _CAMERA, self.parameter: list(self.any)}
        if self.parameter == "q":
            return drawn | {"p0": [0, 1]}
        return drawn | {("p0", "p2", "p3"): _KINDS, "q2": _AFTER, "q3": _AFTER}


def _kinds(*names: str) -> tuple[str, ...]:
    return tuple(n + kind for n in names for kind in ("", "-camera", "-jpeg", "-resaved"))


TASKS = {
    "median": Task("median({k})", "k", (7, 5, 3), (3, 5, 7), _kinds("median")),
    "gaussian": Task(
        "gaussian({s})",
        "s",
        (1.1, 0.75, 0.5),
        (0.5, 0.6, 0.75, 0.9, 1.1, 1.5, 2.0, 3.0),
        _kinds("gaussian"),
    ),
    "awgn": Task(
        "awgn({s})", "s", (2, 0.5, 0.25), (0.25, 0.5, 0.7, 1, 1.5, 2, 3, 5), _kinds("awgn")
    ),
    "resize": Task(
        "resize({f})",
        "f",
        (1.5, 1.125, 1.01),
        _SIZES,
        _kinds("resize-bicubic", "resize-bilinear"),
    ),
    "jpeg": Task("jpeg({q})", "q", (70, 80, 90), tuple(range(50, 96)), ("jpeg", "jpeg-camera")),
}
