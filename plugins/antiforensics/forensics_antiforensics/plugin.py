"""What this plugin registers. Nothing here imports torch."""

from __future__ import annotations

from forensics import hookimpl
from forensics.interfaces import Needs
from forensics.registry import Entry, ModelEntry

_PAPER = "Kim, Ahn and Lee, End-to-End Anti-Forensics Network of Single and Double JPEG Detection"
_DETECTORS = {
    "kl": ("KL", "calibration: the variance of high frequencies with and without a shifted grid"),
    "kf": ("KF", "blocking signature: differences across block corners against block centres"),
    "ku1": ("KU1", "gradient-aware blockiness, absolute differences"),
    "ku2": ("KU2", "gradient-aware blockiness, squared differences"),
    "kqf": ("KQF", "quantisation steps estimated from each subband's histogram"),
    "kv": ("KV", "jumps of the total variation when the image is compressed again"),
}
_DETECTOR_OPTIONS = {
    "ku1": {"relative": "divide by the blockiness of the shifted image"},
    "ku2": {"relative": "divide by the blockiness of the shifted image"},
}
_QUALITIES = ("q50", "q60", "q70", "q80", "q90")
_NEEDS = Needs(smallest=16, acts_on="jpeg")


@hookimpl
def forensics_detectors() -> list[ModelEntry]:
    return [
        ModelEntry(
            name,
            f"forensics_antiforensics.detectors:{factory}",
            summary,
            paper=_PAPER,
            options=_DETECTOR_OPTIONS.get(name),
            traces=("jpeg",),
        )
        for name, (factory, summary) in _DETECTORS.items()
    ]


@hookimpl
def forensics_attackers() -> list[ModelEntry]:
    return [
        ModelEntry(
            "afcnn",
            "forensics_antiforensics.attackers:AFCNN",
            "the paper's network: restoration, histogram and deblocking losses, soft clamp",
            paper=_PAPER,
            needs=_NEEDS,
            card="forensics_antiforensics:weights/afcnn",
            parts=_QUALITIES,
        ),
        ModelEntry(
            "afcnn-matched",
            "forensics_antiforensics.attackers:Matched",
            "a light one-pass network with noise, trained to match the detectors' statistics",
            needs=_NEEDS,
            card="forensics_antiforensics:weights/afcnn-matched",
            parts=_QUALITIES,
        ),
        ModelEntry(
            "ddcn-dither",
            "forensics_antiforensics.attackers:Dither",
            "the control: plain restoration, then white noise of s.d. 1",
            needs=_NEEDS,
            card="forensics_antiforensics:weights/ddcn-dither",
            parts=("restorer",),
        ),
    ]


@hookimpl
def forensics_recipes() -> list[Entry]:
    start = {"start": "a part to fine-tune from, instead of a fresh start"}
    mixed = {"autocast": "bfloat16 in the residual blocks: faster where the processor has it"}
    quality = {"quality": "the JPEG quality of the part: 50, 60, 70, 80 or 90"}
    return [
        Entry(
            "afcnn",
            "forensics_antiforensics.recipes:AFCNNRecipe",
            "the paper's losses, one part a quality",
            options={**quality, **start, **mixed},
        ),
        Entry(
            "afcnn-matched",
            "forensics_antiforensics.recipes:MatchedRecipe",
            "matched statistics, one part a quality",
            options={**quality, **start, **mixed, "weight": "of the statistics against the MSE"},
        ),
        Entry(
            "ddcn-dither",
            "forensics_antiforensics.recipes:DitherRecipe",
            "mean squared error, all qualities in one part",
            options=mixed,
        ),
    ]
