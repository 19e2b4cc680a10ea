"""What is registered of the networks. Nothing here imports torch."""

from __future__ import annotations

from forensics.interfaces import Needs
from forensics.registry import Entry, ModelEntry

PART = "steps"  # the weight file of each
# Of q1cnn-90, where the paper compares its losses, by that of the recipe (`losses.CLASSIFICATION`).
NINE = {"squared": "nine-lr", "none": "nine-l"}
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


def _model(
    kind: str,
    second: int,
    summary: str,
    paper: str,
    parts: tuple[str, ...] = (PART,),
    **options: str,
) -> ModelEntry:
    name, near = f"q1{kind.lower()}-{second}", f"{second - NEAR}..{second + NEAR}"
    return ModelEntry(
        name,
        f"forensics_q1cnn.dense.model:Q1{kind}{second}",
        f"{_DENSENET}, {summary}, for second quality {second}",
        paper=paper,
        options=options or None,
        traces=(
            *(f"{trace}[q2={near}]" for trace in ("q1", "q1-aligned", "q1-shifted")),
            *(f"{trace}[u={near}]" for trace in ("q1-tables", "q1-tables-aligned")),
        ),
        needs=Needs(smallest=64, multiple_of=8, jpeg=True),
        card=f"forensics_q1cnn:weights/{name}",
        parts=parts,
        seconds=0.15,
    )


def _recipe(kind: str, second: int, summary: str, **options: str) -> Entry:
    return Entry(
        f"q1{kind.lower()}-{second}",
        f"forensics_q1cnn.dense.recipe:Q1{kind}{second}Recipe",
        f"{summary}, second quality {second}",
        options={**_RECIPE, **options},
    )


_DENSENET = "DenseNet-40 on pixels"
_BLOCKS, _REAL = "15 soft-max blocks", "15 real outputs"
_DECODE = "argmax or expectation"
MODELS = {
    model.name: model
    for model in (
        _model(
            "CNN",
            90,
            _BLOCKS,
            _PAPER,
            (PART, *NINE.values()),
            decode=_DECODE,
            part=f"{PART}, {' or '.join(NINE.values())}: of nine first qualities, L_r or L",
        ),
        _model("Reg", 90, _REAL, _RIVAL),
        _model("CNN", 80, _BLOCKS, _PAPER, decode=_DECODE),
        _model("Reg", 80, _REAL, _RIVAL),
    )
}
_LOSSES = "squared, absolute or none"
_ERRORS = "logcosh or squared"
RECIPES = [
    _recipe(
        "CNN",
        90,
        "soft-max blocks under L_r",
        distance=_LOSSES,
        nine="nine first qualities only, as where the paper compares its losses",
    ),
    _recipe("Reg", 90, _REAL, error=_ERRORS),
    _recipe("CNN", 80, "soft-max blocks under L_r", distance=_LOSSES),
    _recipe("Reg", 80, _REAL, error=_ERRORS),
]
