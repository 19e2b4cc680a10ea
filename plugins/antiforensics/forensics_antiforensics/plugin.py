"""What this plugin registers. Nothing here imports torch."""

from __future__ import annotations

from forensics import hookimpl
from forensics.models.entries import Entry, ModelEntry, Needs

_PAPER = "Kim, Ahn and Lee, End-to-End Anti-Forensics Network of Single and Double JPEG Detection"
# name: class, smallest side, seconds for a patch of 128 x 128, what it looks at
_DETECTORS = {
    "kl": ("KL", 24, 0.0011, "variance of high frequencies, with and without a shifted grid"),
    "kf": ("KF", 16, 0.0001, "differences across block corners against block centres"),
    "ku1": ("KU1", 16, 0.0001, "gradient-aware blockiness, absolute differences"),
    "ku2": ("KU2", 16, 0.0001, "gradient-aware blockiness, squared differences"),
    "kqf": ("KQF", 8, 0.002, "quantisation steps estimated from each subband's histogram"),
    "kv": ("KV", 8, 0.0085, "jumps of the total variation when the image is compressed again"),
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
            traces=("jpeg",),
            needs=Needs(smallest=smallest),
            seconds=seconds,
        )
        for name, (factory, smallest, seconds, summary) in _DETECTORS.items()
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
            seconds=0.18,
        ),
        ModelEntry(
            "afcnn-matched",
            "forensics_antiforensics.attackers:Matched",
            "a light one-pass network with noise, trained to match the detectors' statistics",
            needs=_NEEDS,
            card="forensics_antiforensics:weights/afcnn-matched",
            parts=_QUALITIES,
            seconds=0.015,
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
    return [
        Entry(
            "afcnn",
            "forensics_antiforensics.recipes:AFCNNRecipe",
            "the paper's losses, one part a quality",
        ),
        Entry(
            "afcnn-matched",
            "forensics_antiforensics.recipes:MatchedRecipe",
            "matched statistics, one part a quality",
        ),
        Entry(
            "ddcn-dither",
            "forensics_antiforensics.recipes:DitherRecipe",
            "mean squared error, all qualities in one part",
        ),
    ]
