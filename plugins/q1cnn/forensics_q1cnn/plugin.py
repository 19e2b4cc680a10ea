"""What this plugin registers."""

from __future__ import annotations

import dataclasses

from forensics import hookimpl
from forensics.models.entries import Entry, ModelEntry, Needs, RecipeEntry
from forensics_q1cnn.dense import entries as dense


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
        Entry(
            "q1-tables-aligned",
            "forensics_q1cnn.traces:Q1_TABLES_ALIGNED",
            "the same on the same grid",
        ),
    ]


@hookimpl
def forensics_detectors() -> list[ModelEntry]:
    return [Q1PHASE_DETECTOR]


@hookimpl
def forensics_estimators() -> list[ModelEntry]:
    return [Q1PHASE, *dense.MODELS, Q1ANALYTIC, Q1BIANCHI, Q1GALVAN, Q1DALMIA, Q1CONSTANT]


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
        ),
        RecipeEntry(
            "q1phase-once",
            "forensics_q1cnn.phase.once_recipe:OnceRecipe",
            "compressed once or twice, from the scores of the trained network",
            model="q1phase",
        ),
        *dense.RECIPES,
    ]


_TRACES = ("q1", "q1-aligned", "q1-shifted", "q1-tables", "q1-tables-aligned")
_WHOLE_BLOCKS = Needs(smallest=32, multiple_of=8, jpeg=True)
_TWICE = "a JPEG that was saved twice, with nothing but a cut in between"

Q1PHASE = ModelEntry(
    "q1phase",
    "forensics_q1cnn.phase.model:Q1Phase",
    "histograms of 64 frequencies on 64 phases, one soft-max over phase and table",
    traces=_TRACES,
    needs=_WHOLE_BLOCKS,
    card="forensics_q1cnn:weights/q1phase",
    parts=("phase", "once"),
    seconds=0.012,
    most_patches=64,
    presupposes=_TWICE,
)

Q1MAP = ModelEntry(
    "q1map",
    "forensics_q1cnn.localization.model:Q1Map",
    "q1phase on windows of 64 x 64 at every block, and the regions that differ",
    traces=("splice-q1", "splice-two"),
    needs=Needs(smallest=64, multiple_of=8, jpeg=True),
    card="forensics_q1cnn:weights/q1phase",
    parts=("phase",),
    weights_of="q1phase",
    seconds=0.17,
)

Q1PHASE_DETECTOR = dataclasses.replace(
    Q1PHASE,
    summary="log-odds of two compressions against one, from the scores of all phases and tables",
    traces=("djpeg", "djpeg-shifted"),
)

Q1ANALYTIC = ModelEntry(
    "q1analytic",
    "forensics_q1cnn.analytic.model:Q1Analytic",
    "the joint likelihood of phase and table, without training",
    traces=_TRACES,
    needs=_WHOLE_BLOCKS,
    seconds=0.09,
    most_patches=64,
    baseline=True,
    presupposes=_TWICE,
)

Q1BIANCHI = ModelEntry(
    "q1bianchi",
    "forensics_q1cnn.baselines.bianchi:Bianchi",
    "mixture of once and twice compressed, the likeliest step of each frequency; no training",
    paper="Bianchi and Piva, Image forgery localization via block-grained analysis of JPEG "
    "artifacts",
    traces=_TRACES,
    needs=_WHOLE_BLOCKS,
    seconds=0.04,
    baseline=True,
    presupposes=_TWICE,
)
Q1GALVAN = ModelEntry(
    "q1galvan",
    "forensics_q1cnn.baselines.galvan:Galvan",
    "aligned grids: steps that explain all coefficients, the nearest histogram; no training",
    paper="Galvan, Puglisi, Bruna and Battiato, First quantization matrix estimation from double "
    "compressed JPEG images",
    traces=_TRACES,
    needs=_WHOLE_BLOCKS,
    seconds=0.0008,
    baseline=True,
    presupposes=_TWICE,
)
Q1DALMIA = ModelEntry(
    "q1dalmia",
    "forensics_q1cnn.baselines.dalmia:Dalmia",
    "shifted grids: spacing of the comb on the first JPEG's, which it searches; no training",
    traces=_TRACES,
    needs=_WHOLE_BLOCKS,
    seconds=0.0055,
    baseline=True,
    presupposes=_TWICE,
)
Q1CONSTANT = ModelEntry(
    "q1constant",
    "forensics_q1cnn.baselines.constant:Constant",
    "the same steps for every patch: what is said without looking",
    traces=_TRACES,
    needs=Needs(jpeg=True),
    seconds=0.00001,
    baseline=True,
    presupposes=_TWICE,
)
