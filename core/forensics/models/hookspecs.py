"""The hooks that a plugin implements. Each returns entries; nothing heavy is imported by them.

A plugin is a module named by an entry point in the group `forensics`:

    # pyproject.toml
    [project.entry-points.forensics]
    mine = "forensics_mine.plugin"

    # forensics_mine/plugin.py
    from forensics.plugin import ModelEntry, hookimpl

    @hookimpl
    def forensics_detectors():
        return [ModelEntry("mine", "forensics_mine.model:Mine", "what it sees", traces=("jpeg",))]
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from forensics.models.entries import Entry, ModelEntry

hookspec = pluggy.HookspecMarker("forensics")
hookimpl = pluggy.HookimplMarker("forensics")


@hookspec
def forensics_detectors() -> Iterable[ModelEntry]:
    """Models that score a patch: was it altered? Factories make `interfaces.Detector`s."""
    raise NotImplementedError


@hookspec
def forensics_estimators() -> Iterable[ModelEntry]:
    """Models that estimate parameters. Factories make `interfaces.Estimator`s."""
    raise NotImplementedError


@hookspec
def forensics_localizers() -> Iterable[ModelEntry]:
    """Models that draw a map. Factories make `interfaces.Localizer`s."""
    raise NotImplementedError


@hookspec
def forensics_attackers() -> Iterable[ModelEntry]:
    """Operations that hide traces. Factories make `interfaces.Attacker`s."""
    raise NotImplementedError


@hookspec
def forensics_operations() -> Iterable[Entry]:
    """Steps of histories. Factories make `interfaces.Operation`s from the step's arguments."""
    raise NotImplementedError


@hookspec
def forensics_traces() -> Iterable[Entry]:
    """Choices between histories. The factory is a `traces.Trace`, or makes one."""
    raise NotImplementedError


@hookspec
def forensics_datasets() -> Iterable[Entry]:
    """Named sources of photographs for `--data NAME`. Factories make `data.Source`s."""
    raise NotImplementedError


@hookspec
def forensics_recipes() -> Iterable[Entry]:
    """How a model is trained; the name is the model's, or that of a `RecipeEntry`. Factories make
    `training.NetworkRecipe`s, or `training.FittedRecipe`s of models that scikit-learn fits; of
    models that tell classes apart `training.ClassifierRecipe`s or `FittedClassifierRecipe`s."""
    raise NotImplementedError
