"""What is registered of the networks. Nothing here imports torch."""

from __future__ import annotations

from forensics.models.entries import Entry, ModelEntry
from forensics.models.interfaces import Needs

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
_RECIPE = {
    "start": "a model of the same kind to go on from",
    "rate": "learning rate at the start",
    "rgb": "colours, as printed, in place of luma",
}


def _model(name: str, second: int, summary: str, paper: str, **options: str) -> ModelEntry:
    near = f"{second - NEAR}..{second + NEAR}"
    return ModelEntry(
        name,
        f"forensics_q1cnn.dense.model:{_class(name)}",
        f"DenseNet-40 on pixels, {summary}, for second quality {second}",
        paper=paper,
        options=options or None,
        traces=(
            *(f"{trace}[q2={near}]" for trace in ("q1", "q1-aligned", "q1-shifted")),
            *(f"{trace}[u={near}]" for trace in ("q1-tables", "q1-tables-aligned")),
        ),
        needs=Needs(smallest=64, multiple_of=8, jpeg=True),
        card=f"forensics_q1cnn:weights/{name}",
        parts=(PART,),
        seconds=0.15,
    )


def _recipe(name: str, summary: str, **options: str) -> Entry:
    factory = f"forensics_q1cnn.dense.recipe:{_class(name)}Recipe"
    return Entry(name, factory, summary, options={**_RECIPE, **options})


def _class(name: str) -> str:
    """`q1cnn-nine-l` as `Q1CNNNineL`."""
    first, *rest = name.split("-")
    return _KINDS[first] + "".join(part.title() for part in rest)


_KINDS = {"q1cnn": "Q1CNN", "q1reg": "Q1Reg"}
_BLOCKS, _REAL = "15 soft-max blocks", "15 real outputs"
_NINE = "of nine first qualities"  # where the paper compares its losses
_DECODE = "argmax or expectation"
MODELS = {
    model.name: model
    for model in (
        _model("q1cnn-90", 90, _BLOCKS, _PAPER, decode=_DECODE),
        _model("q1cnn-80", 80, _BLOCKS, _PAPER, decode=_DECODE),
        _model("q1cnn-nine-lr", 90, f"trained under L_r {_NINE}", _PAPER, decode=_DECODE),
        _model("q1cnn-nine-l", 90, f"trained under L {_NINE}", _PAPER, decode=_DECODE),
        _model("q1reg-90", 90, _REAL, _RIVAL),
        _model("q1reg-80", 80, _REAL, _RIVAL),
    )
}
_LOSSES = "squared, absolute or none"
_ERRORS = "logcosh or squared"
RECIPES = [
    _recipe("q1cnn-90", "soft-max blocks under L_r, second quality 90", distance=_LOSSES),
    _recipe("q1cnn-80", "soft-max blocks under L_r, second quality 80", distance=_LOSSES),
    _recipe("q1cnn-nine-lr", f"soft-max blocks under L_r {_NINE}, second quality 90"),
    _recipe("q1cnn-nine-l", f"soft-max blocks under L {_NINE}, second quality 90"),
    _recipe("q1reg-90", f"{_REAL}, second quality 90", error=_ERRORS),
    _recipe("q1reg-80", f"{_REAL}, second quality 80", error=_ERRORS),
]
