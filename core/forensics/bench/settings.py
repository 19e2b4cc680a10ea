"""What a run is asked for: the options of `forensics run`, the same as YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from forensics.errors import ForensicsError, unknown
from forensics.models.entries import number
from forensics.traces.draws import Number

_KINDS = ("detectors", "estimators", "localizers")
_FOLDERS = ("positive", "negative", "masks")
_ALWAYS = ("data", "device")
_NAMES = ("attack", *_KINDS, "trace", "photographs")


@dataclass(frozen=True)
class Settings:
    """attack, detectors, estimators, localizers, trace: names, globs and groups as
    `selection.models` reads them; no trace means one for each chosen model (`bench.choice`), `all`
    every one that it judges. set: values of gridded parameters, in the place of those of the
    trace's points. pool: all points of a trace make one cell, in place of one a point. photographs:
    globs that match the ends of their paths, such as `kodak/*`; none means all. reduce: by how much
    each side of a photograph is reduced first. limit: patches a condition, spread evenly over the
    photographs. batch: patches worked on at once.

    positive, negative, masks: folders of real files, altered and not, in the place of `data` and
    traces; there a patch of 0 is the whole file and a limit of 0 all of them. masks_inverted: black
    is altered, not white."""

    attack: tuple[str, ...] = ()
    detectors: tuple[str, ...] = ("all",)
    estimators: tuple[str, ...] = ("all",)
    localizers: tuple[str, ...] = ("all",)
    trace: tuple[str, ...] = ()
    set: Mapping[str, tuple[Number, ...]] = field(default_factory=dict)
    pool: bool = False
    data: str = "samples"
    split: str | None = None
    photographs: tuple[str, ...] = ()
    reduce: int = 1
    positive: str | None = None
    negative: str | None = None
    masks: str | None = None
    masks_inverted: bool = False
    patch: int = 128
    color: bool = False
    limit: int = 48
    seed: int = 0
    device: str = "auto"
    batch: int = 64

    def __post_init__(self) -> None:
        for name in ("data", "device", "split", *_FOLDERS):
            value = getattr(self, name)
            if not isinstance(value, str) and (value is not None or name in _ALWAYS):
                raise ForensicsError(f"{name} takes a name, not {value}")
        for name in ("color", "pool", "masks_inverted"):
            if not isinstance(getattr(self, name), bool):
                raise ForensicsError(f"{name} takes true or false, not {getattr(self, name)}")
        self._check_folders()
        lowests = {"patch": 16, "limit": 1, "batch": 1, "seed": 0, "reduce": 1}
        for name, lowest in lowests.items():
            value = getattr(self, name)
            if self.positive is not None and name in ("patch", "limit") and value == 0:
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < lowest:
                raise ForensicsError(f"{name} takes a whole number from {lowest}, not {value}")
        if self.patch % 8:
            raise ForensicsError(f"patch takes a multiple of 8 pixels, not {self.patch}")
        if self.color and self.patch % 16:
            raise ForensicsError(f"with color, patch takes a multiple of 16, not {self.patch}")

    def _check_folders(self) -> None:
        """Labelled files take the place of photographs and histories, and one label is none."""
        folders = [name for name in _FOLDERS if getattr(self, name) is not None]
        if self.masks_inverted and self.masks is None:
            raise ForensicsError("masks_inverted goes with masks, the folder of masks")
        if folders and self.positive is None:
            raise ForensicsError(f"{folders[0]} goes with positive, the folder of altered files")
        if folders == ["positive"]:
            raise ForensicsError(
                "altered files alone measure nothing: name a folder of untouched ones (negative) "
                "or of masks (masks)"
            )
        if not folders:
            return
        simulated = ("data", "trace", "set", "pool", "photographs", "reduce")
        for name in simulated:
            if getattr(self, name) != _default(name):
                raise ForensicsError(f"labelled files are scored as they are: leave {name} out")
        if self.estimators:
            raise ForensicsError("labelled files have no truth to estimate: leave estimators out")

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Settings:
        """From plain values, as in YAML or keyword arguments; a single name or value stands for a
        list of one. Where models of one kind are named, the other kinds are left out. Raises
        ForensicsError for an unknown option and for a value that an option does not take."""
        known = {f.name for f in fields(cls)}
        plain: dict[str, Any] = {}
        for name, value in options.items():
            if name not in known:
                raise unknown("option of a run", name, known)
            if name in _NAMES:
                value = _names(name, value)
            if name == "set":
                if not isinstance(value or {}, Mapping):
                    raise ForensicsError(f"set takes values such as {{q: [60, 70]}}, not {value}")
                value = {str(k): _values(str(k), v) for k, v in (value or {}).items()}
            if name in ("data", *_FOLDERS) and isinstance(value, Path):
                value = str(value)
            plain[name] = value
        if plain.get("positive") is not None:
            compared = ("all",) if plain.get("negative") is not None else ()
            kinds = {"detectors": compared, "localizers": ("all",)}
            named = not plain.keys().isdisjoint(_KINDS)
            plain = {"patch": 0, "limit": 0} | ({} if named else kinds) | plain
        if not plain.keys().isdisjoint(_KINDS):
            plain = dict.fromkeys(_KINDS, ()) | plain
        return cls(**plain)

    def to_yaml(self) -> str:
        """The text that `--config` reads back to equal settings."""
        plain = asdict(self)
        for name in _NAMES:
            plain[name] = list(plain[name])
        plain["set"] = {k: list(v) for k, v in self.set.items()}
        return yaml.safe_dump(plain, sort_keys=False)


def _default(name: str) -> Any:
    declared = Settings.__dataclass_fields__[name]
    return {} if declared.default is MISSING else declared.default


def _names(option: str, value: Any) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value or []
    if not isinstance(names, (list, tuple)) or not all(isinstance(n, str) for n in names):
        raise ForensicsError(f"{option} takes names, not {value}")
    return tuple(names)


def _values(name: str, value: Any) -> tuple[Number, ...]:
    values = value if isinstance(value, (list, tuple)) else str(value).split(",")
    try:
        numbers = tuple(dict.fromkeys(n for v in values for n in _numbers(str(v))))
    except ValueError:
        numbers = ()
    if not numbers:
        raise ForensicsError(f"--set takes {name}=60,70 or {name}=60..98, not {name}={value}")
    return numbers


def _numbers(text: str) -> list[Number]:
    """One value, or all whole numbers from one to another, `60..98`."""
    first, dots, last = text.partition("..")
    return list(range(int(first), int(last) + 1)) if dots else [number(text)]


def read_config(text: str, where: str) -> dict[str, Any]:
    """The options in a YAML text. Raises ForensicsError where it holds anything else."""
    try:
        content = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        position = f", line {mark.line + 1}" if mark else ""
        why = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ForensicsError(
            f"{where} is not YAML{position}: {why}; write options such as `patch: 128`, one a line"
        ) from None
    if not isinstance(content, dict):
        raise ForensicsError(f"{where} must hold options such as `patch: 128`, one a line")
    return content
