"""What is registered of the networks. Nothing here imports torch."""

from __future__ import annotations

from forensics.models.entries import Entry, ModelEntry, Needs

PART = "steps"  # the weight file of each
_PAPER = (
    "Tondi, Costanzo, Huang and Li, Boosting CNN-based primary quantization matrix estimation of "
    "double JPEG images via a classification-like architecture"
)
_RIVAL = (
    "Niu, Tondi, Zhao and Barni, Primary quantization matrix estimation of double compressed JPEG "
    "images via CNN"
)
NEAR = 2  # second qualities: so far off the paper finds little lost (its section 5.2)


_BLOCKS, _REAL = "15 soft-max blocks", "15 real outputs"
_NINE = "of nine first qualities"  # where the paper compares its losses


def _model(name: str, second: int, factory: str, summary: str, paper: str) -> ModelEntry:
    near = f"{second - NEAR}..{second + NEAR}"
    return ModelEntry(
        name,
        f"forensics_q1cnn.dense.model:{factory}",
        f"DenseNet-40 on pixels, {summary}, for second quality {second}",
        paper=paper,
        bind={"second": second},
        traces=(
            *(f"{trace}[q2={near}]" for trace in ("q1", "q1-aligned", "q1-shifted")),
            *(f"{trace}[u={near}]" for trace in ("q1-tables", "q1-tables-aligned")),
        ),
        needs=Needs(smallest=64, multiple_of=8, jpeg=True),
        card=f"forensics_q1cnn:weights/{name}",
        parts=(PART,),
        seconds=0.4,
        presupposes="a JPEG that was saved twice, with nothing but a cut in between",
        most_patches=64,
        baseline=True,
    )


def _recipe(name: str, factory: str, summary: str, **bind: object) -> Entry:
    return Entry(
        name,
        f"forensics_q1cnn.dense.recipe:{factory}",
        f"{summary}, second quality {bind['second']}",
        bind=bind,
    )


MODELS = [
    _model("q1cnn-90", 90, "Classifier", _BLOCKS, _PAPER),
    _model("q1cnn-80", 80, "Classifier", _BLOCKS, _PAPER),
    _model("q1cnn-nine-lr", 90, "Classifier", f"trained under L_r {_NINE}", _PAPER),
    _model("q1cnn-nine-l", 90, "Classifier", f"trained under L {_NINE}", _PAPER),
    _model("q1reg-90", 90, "Regression", _REAL, _RIVAL),
    _model("q1reg-80", 80, "Regression", _REAL, _RIVAL),
]
_UNDER_LR, _UNDER_L = f"{_BLOCKS} under L_r", f"{_BLOCKS} under L {_NINE}"
RECIPES = [
    _recipe("q1cnn-90", "BlocksRecipe", _UNDER_LR, second=90, nine=False),
    _recipe("q1cnn-80", "BlocksRecipe", _UNDER_LR, second=80, nine=False),
    _recipe("q1cnn-nine-lr", "BlocksRecipe", f"{_UNDER_LR} {_NINE}", second=90, nine=True),
    _recipe("q1cnn-nine-l", "BlocksRecipe", _UNDER_L, second=90, nine=True, distance="none"),
    _recipe("q1reg-90", "RegressionRecipe", _REAL, second=90, nine=False),
    _recipe("q1reg-80", "RegressionRecipe", _REAL, second=80, nine=False),
]
