"""Content hashes: what a stored row depends on, and so when it may be used again."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from forensics.bench import sources
from forensics.bench.sources import digest
from forensics.models import selection, weights
from forensics.models.registry import Registered
from forensics.models.selection import Model

if TYPE_CHECKING:
    from forensics.histories.history import Step

# The parts of the core that pixels, coefficients and patches come from. The command line, tables,
# metrics, trainings and the sharing of threads are not among them: editing those keeps every stored
# score.
_CORE = (
    "batch.py",
    "random.py",
    "models/beliefs.py",
    "models/interfaces.py",
    "models/sliding.py",
    "models/windows.py",
    "images",
    "data/masks.py",
    "data/source.py",
    "histories",
    "traces",
    "jpeg",
    "nn",
    "bench/inference.py",
    "bench/donors.py",
    "bench/labelled.py",
    "bench/positions.py",
    "bench/evaluate.py",
    "bench/states.py",
    "bench/views.py",
    "metrics/confidence.py",
    "metrics/cost.py",
    "metrics/mask_histogram.py",
)


@functools.cache
def core() -> str:
    """Hash of the core's sources that rows depend on."""
    root = Path(__file__).parents[1]
    files = [f for name in _CORE for f in [root / name, *(root / name).rglob("*.py")]]
    return sources.of_files(root, (file for file in files if file.is_file()))


def model(chosen: Model) -> str:
    """Hash of a model: its text with options, weights, version and source."""
    found: Registered = chosen.registered
    parts = [str(chosen), found.distribution, found.version, core()]
    # An option that names a file stands for what the file holds. A word is no file.
    texts = [value for _, value in chosen.options if isinstance(value, str)]
    named = [Path(text) for text in texts if "/" in text or "." in text]
    parts += [hashlib.sha256(p.read_bytes()).hexdigest() for p in named if p.is_file()]
    parts += [_sources_of(found), repr(sorted(chosen.entry.bind.items()))]
    if chosen.entry.card is not None:
        there = weights.there(chosen.entry)
        parts += [f"{name}={part.sha256}" for name, part in sorted(there.items())]
    inner = _slid(chosen)
    return digest(*parts, *([] if inner is None else [model(inner)]))


def _slid(chosen: Model) -> Model | None:
    """The detector whose windows a `SlidingLocalizer` asks; None of any other model."""
    if chosen.entry.factory != "forensics.models.sliding:SlidingLocalizer":
        return None
    return selection.model(chosen.entry.bind["detector"], "detector")


def step(taken: Step) -> str:
    """Hash of what a step of a history depends on beside its text: an attacker's weights, a
    plugin's sources. Empty for an operation of the core's own."""
    found = taken.registered
    if "attacker" in found.kinds:
        return model(Model(found, taken.options))
    return _sources_of(found)


def _sources_of(thing: Registered) -> str:
    # The core's own operations and attackers are among what `core()` covers.
    entry = thing.entry
    return "" if entry.package == "forensics" else sources.of_module(entry.module)


def untrained(chosen: Model) -> str | None:
    """Why a model cannot be asked: it has to be trained, and has no weights."""
    inner = _slid(chosen)
    if inner is not None:
        return untrained(inner)
    if chosen.entry.card is None or trained(chosen):
        return None
    return f"{chosen.name} has no weights: run `forensics train {chosen.entry.trained_as}`"


def trained(chosen: Model) -> str | None:
    """Where a model's weights come from: `"shipped"`, `"user"`, or None if it has none."""
    inner = _slid(chosen)
    if inner is not None:
        return trained(inner)
    if chosen.entry.card is None:
        return None
    origins = {part.origin for part in weights.there(chosen.entry).values()}
    return "user" if "user" in origins else next(iter(origins), None)
