"""What this plugin registers."""

from __future__ import annotations

import dataclasses

from forensics import hookimpl
from forensics.interfaces import Needs
from forensics.registry import Entry, ModelEntry, RecipeEntry


@hookimpl
def forensics_operations() -> list[Entry]:
    return [
        Entry("qtable", "forensics_q1cnn.tables:TableCompression", "one JPEG of a numbered table")
    ]


@hookimpl
def forensics_traces() -> list[Entry]:
    return [
        Entry(
            "q1-tables",
            "forensics_q1cnn.traces:Q1_TABLES",
            "which was the first quantisation of this JPEG, libjpeg's or not?",
        ),
    ]


@hookimpl
def forensics_detectors() -> list[ModelEntry]:
    return [dataclasses.replace(Q1PHASE, traces=("djpeg", "djpeg-shifted"))]


@hookimpl
def forensics_estimators() -> list[ModelEntry]:
    return [Q1PHASE]


@hookimpl
def forensics_localizers() -> list[ModelEntry]:
    return [Q1MAP]


@hookimpl
def forensics_recipes() -> list[Entry]:
    return [
        Entry(
            "q1phase",
            "forensics_q1cnn.phase.recipe:PhaseRecipe",
            "all second qualities at once, any first table",
            options={
                "hidden": "units a frequency",
                "rate": "learning rate at the start",
                "start": "phase: begin with the weights that there are",
            },
        ),
        RecipeEntry(
            "q1phase-once",
            "forensics_q1cnn.phase.once_recipe:OnceRecipe",
            "compressed once or twice, from the scores of the trained network",
            options={"trees": "boosting iterations"},
            model="q1phase",
        ),
    ]


Q1PHASE = ModelEntry(
    "q1phase",
    "forensics_q1cnn.phase.model:Q1Phase",
    "histograms of 64 frequencies on 64 phases, one soft-max over phase and table",
    options={
        "decode": "argmax, expectation or table",
        "tables": "libjpeg, known, or a JSON file of more first tables",
        "given": "nothing, or double: take a first JPEG with a listed table for granted",
    },
    traces=("q1", "q1-aligned", "q1-tables"),
    needs=Needs(smallest=32, multiple_of=8, jpeg=True),
    card="forensics_q1cnn:weights/q1phase",
    parts=("phase", "once"),
    seconds=0.02,
)

Q1MAP = ModelEntry(
    "q1map",
    "forensics_q1cnn.localization.model:Q1Map",
    "q1phase on windows of 64 x 64 at every block, and the regions that differ",
    options={
        "decode": "of the steps in the maps: argmax, expectation or table",
        "prune": "probability below which phases are left out; 0 for none",
    },
    traces=("splice-q1", "splice-two"),
    needs=Needs(smallest=64, multiple_of=8, jpeg=True),
    card="forensics_q1cnn:weights/q1phase",
    parts=("phase",),
    borrows="q1phase",
    seconds=0.4,
)
