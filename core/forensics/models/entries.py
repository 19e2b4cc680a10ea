"""What a plugin registers: entries, which name a thing and say where its class lies, as text.

Nothing here imports torch."""

from __future__ import annotations

import importlib
import math
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Literal

from forensics.errors import BrokenPlugin, ForensicsError, unknown

_NAME = re.compile(r"[A-Za-z][\w-]*")
_NUMBER = r"-?\d+(?:\.\d+)?"
_POINT = rf"\w+={_NUMBER}(?:\.\.{_NUMBER})?"
_JUDGED = re.compile(rf"(?P<trace>[\w-]+)(\[(?P<points>{_POINT}(, *{_POINT})*)\])?")

Range = tuple[int | float, int | float]

PATCH = 128  # pixels a side, of the patches that costs are declared for


def parse_trace(declared: str) -> tuple[str, dict[str, Range]]:
    """`"djpeg[q1=60, q2=88..92]"` as the trace's name and the least and greatest values that a
    model is restricted to."""
    match = _JUDGED.fullmatch(declared)
    if match is None:
        raise ForensicsError(
            f"a model's trace is written djpeg, djpeg[q2=90] or djpeg[q2=88..92], not {declared!r}"
        )
    pairs = (item.partition("=") for item in (match["points"] or "").split(",") if item)
    texts = ((name.strip(), value.partition("..")) for name, _, value in pairs)
    ranges = {name: (number(low), number(high or low)) for name, (low, _, high) in texts}
    if any(low > high for low, high in ranges.values()):
        raise ForensicsError(f"{declared!r} has a range whose end lies before its beginning")
    return match["trace"], ranges


def number(text: str) -> int | float:
    """A whole number, or else a real one. Raises ValueError for anything else, infinity too."""
    try:
        return int(text)
    except ValueError:
        value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no finite number")
    return value


def spelled(value: Any) -> str:
    """A value as users write it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


# Why a model that needs coefficients has no answer in a history.
NO_JPEG = "not a JPEG at this place"


@dataclass(frozen=True)
class Needs:
    """What a model or attacker asks of its input; the bench turns the rest into n/a.

    channels: the channel counts it takes, 1 (gray) and 3 (RGB).
    smallest: the smallest side in pixels.
    multiple_of: both sides are cut to a multiple of this.
    jpeg: whether coefficients and tables must be at hand.
    acts_on: for attackers, `"pixels"` or `"jpeg"`.
    """

    channels: tuple[int, ...] = (1, 3)
    smallest: int = 8
    multiple_of: int = 1
    jpeg: bool = False
    acts_on: Literal["pixels", "jpeg"] = "pixels"

    def refusal(self, channels: int, height: int, width: int, jpeg: bool) -> str | None:
        """Why such an input cannot be taken, as a short reason for n/a; None where it can."""
        if channels not in self.channels:
            return "takes gray only" if channels == 3 else "takes RGB only"
        if min(height, width) < self.smallest:
            return f"smaller than {self.smallest} x {self.smallest}"
        if height % self.multiple_of or width % self.multiple_of:
            return f"size is not a multiple of {self.multiple_of}"
        if (self.jpeg or self.acts_on == "jpeg") and not jpeg:
            return NO_JPEG
        return None


@dataclass(frozen=True)
class Option:
    """A field that users may set. about: a line on it."""

    default: Any
    about: str


@dataclass(frozen=True)
class Entry:
    """One registered thing. factory: `"module:attribute"`, imported at first use; bind: fields of
    the factory that have these values under this name, so that one class makes many models. The
    other fields are its options, as `name:key=value`."""

    name: str
    factory: str
    summary: str
    paper: str = ""
    bind: Mapping[str, Any] = field(default_factory=dict, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise ForensicsError(f"a name is letters, digits, _ and -, not {self.name!r}")

    @property
    def package(self) -> str:
        """The import package that brings it, or the name of a single module."""
        return self.factory.partition(":")[0].partition(".")[0]

    @property
    def module(self) -> str:
        """The module that its factory lies in."""
        return self.factory.partition(":")[0]

    def load(self) -> Any:
        """The factory itself; imports its module. Raises BrokenPlugin where there is none, or
        where the module fails."""
        module, _, attribute = self.factory.partition(":")
        try:
            return getattr(importlib.import_module(module), attribute)
        except Exception as error:
            text = f"{type(error).__name__}: {error}".splitlines()[0]
            raise BrokenPlugin(f"{self.name} cannot be made of {self.factory}: {text}") from error

    def options(self) -> dict[str, Option]:
        """What may follow its name as `name:key=value`, by key; imports its module."""
        return {
            f.name: Option(f.default, str(f.metadata.get("about", "")))
            for f in fields(self.load())
            if f.init and f.default is not MISSING and f.name not in self.bind
        }

    def make(self, options: Mapping[str, Any] | None = None) -> Any:
        """The thing itself; imports its module. A model or recipe then knows this entry.

        Raises UnknownName for an option that it has not, ForensicsError for a value of another
        type.
        """
        there, given = self.options(), dict(options or {})
        for key, value in given.items():
            if key not in there:
                raise unknown(f"option of {self.name}", key, there)
            # A truth value is an int to Python, and not to a user.
            wanted, kind = type(there[key].default), type(value)
            if wanted is str and kind in (int, float):
                given[key] = spelled(value)  # a word that looks like a number
            elif kind is not wanted and (kind, wanted) != (int, float):
                raise ForensicsError(
                    f"option {key} of {self.name} takes {wanted.__name__}, not {spelled(value)}"
                )
        made = self.load()(**self.bind, **given)
        object.__setattr__(made, "_entry", self)  # of a frozen dataclass; no part of its equality
        return made


@dataclass(frozen=True)
class ModelEntry(Entry):
    """A detector, estimator, localizer or attacker.

    traces: the traces it judges, each optionally with restricted points: `"djpeg[q2=90]"`,
        `"djpeg[q2=88..92]"`; an attacker leaves it empty, for its place is the slot of every trace.
    needs: what it asks of its input.
    card: where its weights and their cards lie, `"package:folder"`; None = needs no training.
    parts: the weight files in that folder, without suffix, one for each network of the model.
    weights_of: the name of the model whose weights these are, where it has none of its own.
    beliefs: of an estimator, whether it says how probable values are. From what it says of a
        target's value for 'none' it is a detector too (`models.beliefs`), on every trace that has
        such a target and a pristine side.
    seconds: of processor time for a gray patch of 128 x 128, as part of a larger image where those
        are looked at in more windows, for `--plan` and `analyze`. `benchmarks/costs.py` measures.
    most_patches: however large the image, it looks at so many patches of 128 x 128 at most; 0: all.
    baseline: a rival to compare with: `analyze` asks it only where it is named.
    presupposes: what an estimator takes for granted about an image, which `analyze` says beside its
        answers: "presupposed is ...".
    """

    traces: tuple[str, ...] = ()
    needs: Needs = field(default_factory=Needs)
    card: str | None = None
    parts: tuple[str, ...] = ()
    weights_of: str = ""
    beliefs: bool = True
    seconds: float = 0.01
    most_patches: int = 0
    baseline: bool = False
    presupposes: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.traces, str):
            raise ForensicsError(f"the traces of {self.name} are a tuple of names, not a text")
        for declared in self.traces:
            parse_trace(declared)

    @property
    def trained_as(self) -> str:
        """The name of the model whose training makes its weights."""
        return self.weights_of or self.name

    def takes(self, height: int, width: int) -> float:
        """Processor seconds for a gray image of this size."""
        patches = height * width / PATCH**2
        return self.seconds * min(patches, self.most_patches or patches)


@dataclass(frozen=True)
class TraceEntry(Entry):
    """A trace with a pristine side and a target whose value there, `Target.none`, says that nothing
    was done: estimators of this target are its detectors too. Other traces are an `Entry`."""


@dataclass(frozen=True)
class BeliefEntry(ModelEntry):
    """An estimator on the traces where it is a detector. judged: these traces' entries."""

    judged: tuple[TraceEntry, ...] = ()

    @classmethod
    def of(cls, entry: ModelEntry, traces: Mapping[str, TraceEntry]) -> BeliefEntry | None:
        """On those of an estimator's traces that are among these, by name; None where there is
        none, or where it states no beliefs."""
        names = {text: parse_trace(text)[0] for text in entry.traces}
        found = {text: traces[name] for text, name in names.items() if name in traces}
        if not (entry.beliefs and found):
            return None
        same = {f.name: getattr(entry, f.name) for f in fields(ModelEntry)}
        return cls(**same | {"traces": tuple(found)}, judged=tuple(found.values()))

    def make(self, options: Mapping[str, Any] | None = None) -> Any:
        targets = (target for trace in self.judged for target in trace.load().targets)
        none = {target.name: target.none for target in targets if target.none is not None}
        detector = Entry("detector", "forensics.models.beliefs:BeliefDetector", "").load()
        made = detector(super().make(options), tuple(none.items()))
        object.__setattr__(made, "_entry", self)
        return made


@dataclass(frozen=True)
class RecipeEntry(Entry):
    """A recipe whose name is not that of its model, as one model's parts may be trained in several
    ways. model: the name of the model whose part it makes."""

    model: str = ""
