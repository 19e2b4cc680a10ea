"""Does this detector still work when somebody tries to fool it?

The names below are imported at first use, so that `import forensics` stays quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from forensics.models.hookspecs import hookimpl

if TYPE_CHECKING:
    from forensics.api import load, models, run, simulate
    from forensics.calibration.making import calibrate
    from forensics.experiments import reproduce
    from forensics.images import open
    from forensics.training import train

_WHERE = {
    "calibrate": "forensics.calibration.making",
    "load": "forensics.api",
    "models": "forensics.api",
    "simulate": "forensics.api",
    "open": "forensics.images",
    "reproduce": "forensics.experiments",
    "run": "forensics.api",
    "train": "forensics.training",
}

__all__ = [
    "calibrate",
    "hookimpl",
    "load",
    "models",
    "open",
    "reproduce",
    "run",
    "simulate",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(_WHERE[name]), name)
    if name == "jpeg":
        return importlib.import_module("forensics.jpeg")
    raise AttributeError(f"module 'forensics' has no attribute {name!r}")
