"""All that the author of a plugin imports: `from forensics.plugin import Detector, Scores, ...`.

Each name is imported from where it lives at first use, so that a plugin's registration, which needs
`ModelEntry` and `hookimpl` alone, imports no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forensics.batch import Batch
    from forensics.errors import ForensicsError, NotApplicable
    from forensics.jpeg import Jpeg
    from forensics.models.entries import Entry, ModelEntry, Needs, RecipeEntry
    from forensics.models.hookspecs import hookimpl
    from forensics.models.interfaces import (
        Attacker,
        Detector,
        Estimate,
        Estimator,
        Heatmap,
        Layer,
        Localizer,
        Operation,
        Region,
        Scores,
        option,
    )
    from forensics.nn import decision
    from forensics.traces.draws import LogUniform, Uniform
    from forensics.traces.trace import Draw, Target, Trace, points_of
    from forensics.training import (
        ClassifierRecipe,
        Example,
        FittedClassifierRecipe,
        FittedRecipe,
        NetworkRecipe,
        Phase,
        Progress,
        Start,
        network_of,
        warm_cosine,
    )

_WHERE = {
    "batch": ("Batch",),
    "errors": ("ForensicsError", "NotApplicable"),
    "jpeg": ("Jpeg",),
    "models.entries": ("Entry", "ModelEntry", "Needs", "RecipeEntry"),
    "models.hookspecs": ("hookimpl",),
    "models.interfaces": (
        "Attacker",
        "Detector",
        "Estimate",
        "Estimator",
        "Heatmap",
        "Layer",
        "Localizer",
        "Operation",
        "Region",
        "Scores",
        "option",
    ),
    "nn": ("decision",),
    "traces.draws": ("LogUniform", "Uniform"),
    "traces.trace": ("Draw", "Target", "Trace", "points_of"),
    "training": (
        "ClassifierRecipe",
        "Example",
        "FittedClassifierRecipe",
        "FittedRecipe",
        "NetworkRecipe",
        "Phase",
        "Progress",
        "Start",
        "network_of",
        "warm_cosine",
    ),
}
_HOME = {name: f"forensics.{module}" for module, names in _WHERE.items() for name in names}

__all__ = [
    "Attacker",
    "Batch",
    "ClassifierRecipe",
    "Detector",
    "Draw",
    "Entry",
    "Estimate",
    "Estimator",
    "Example",
    "FittedClassifierRecipe",
    "FittedRecipe",
    "ForensicsError",
    "Heatmap",
    "Jpeg",
    "Layer",
    "Localizer",
    "LogUniform",
    "ModelEntry",
    "Needs",
    "NetworkRecipe",
    "NotApplicable",
    "Operation",
    "Phase",
    "Progress",
    "RecipeEntry",
    "Region",
    "Scores",
    "Start",
    "Target",
    "Trace",
    "Uniform",
    "decision",
    "hookimpl",
    "network_of",
    "option",
    "points_of",
    "warm_cosine",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'forensics.plugin' has no attribute {name!r}")
