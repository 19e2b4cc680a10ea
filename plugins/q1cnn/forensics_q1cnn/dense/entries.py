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
_SECOND = (90, 80)
_RECIPE = {
    "start": "a model of the same kind to go on from",
    "rate": "learning rate at the start",
    "rgb": "colours, as printed, in place of luma",
}


def _model(kind: str, second: int, summary: str, paper: str, **options: str) -> ModelEntry:
    name = f"q1{kind.lower()}-{second}"
    compared = name == "q1cnn-90"
    if compared:
        options["part"] = f"{PART}, {' or '.join(NINE.values())}: nine first qualities, L_r or L"
    return ModelEntry(
        name,
        f"forensics_q1cnn.dense.model:Q1{kind}{second}",
        f"{summary}, for second quality {second}",
        paper=paper,
        options=options or None,
        traces=(
            *(f"{trace}[q2={second}]" for trace in ("q1", "q1-aligned", "q1-shifted")),
            *(f"{trace}[u={second}]" for trace in ("q1-tables", "q1-tables-aligned")),
        ),
        needs=Needs(smallest=64, multiple_of=8, jpeg=True),
        card=f"forensics_q1cnn:weights/{name}",
        parts=(PART, *NINE.values()) if compared else (PART,),
        seconds=0.15,
    )


def _recipe(kind: str, second: int, summary: str, **options: str) -> Entry:
    name = f"q1{kind.lower()}-{second}"
    if name == "q1cnn-90":
        options["nine"] = "nine first qualities only, as where the paper compares its losses"
    return Entry(
        name,
        f"forensics_q1cnn.dense.recipe:Q1{kind}{second}Recipe",
        f"{summary}, second quality {second}",
        options={**_RECIPE, **options},
    )


_DENSENET = "DenseNet-40 on pixels"
MODELS = {
    model.name: model
    for second in _SECOND
    for model in (
        _model(
            "CNN",
            second,
            f"{_DENSENET}, 15 soft-max blocks",
            _PAPER,
            decode="argmax or expectation",
        ),
        _model("Reg", second, f"{_DENSENET}, 15 real outputs", _RIVAL),
    )
}
RECIPES = [
    recipe
    for second in _SECOND
    for recipe in (
        _recipe("CNN", second, "soft-max blocks under L_r", distance="squared, absolute or none"),
        _recipe("Reg", second, "15 real outputs", error="logcosh or squared"),
    )
]
