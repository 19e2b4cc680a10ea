"""What this plugin registers. Nothing here imports torch."""

from __future__ import annotations

from forensics.plugin import Entry, ModelEntry, Needs, TraceEntry, hookimpl

_PAPER = "MPeR-Net: Manipulation Parameter Estimation"
_NEEDS = Needs(smallest=128, jpeg=True)
# What each task is asked on; the paper's question first.
_TRACES = {
    "median": ("median-jpeg", "median-resaved"),
    "gaussian": ("gaussian-kernel-jpeg", "gaussian-kernel-resaved"),
    "awgn": ("awgn-jpeg", "awgn-resaved"),
    "bilinear": ("resize-bilinear-jpeg", "resize-bilinear-resaved"),
    "bicubic": ("resize-bicubic-jpeg", "resize-bicubic-resaved"),
    "which": ("mper-which",),
}
_ABOUT = {
    "median": "which size the median had",
    "gaussian": "which size the Gaussian kernel had",
    "awgn": "how strong the white noise was",
    "bilinear": "by which factor it was resized, bilinearly",
    "bicubic": "by which factor it was resized, bicubically",
    "which": "which kind of manipulation it was",
}


def _fast() -> list[ModelEntry]:
    return [
        ModelEntry(
            "mper-which" if task == "which" else f"mperfast-{task}",
            "forensics_mpernet.fast:Fast",
            f"{about}, before the last JPEG: features and a small network",
            traces=_TRACES[task],
            needs=_NEEDS,
            card=f"forensics_mpernet:weights/mperfast-{task}",
            parts=("net",),
            seconds=0.003,
            bind={"task": task},
        )
        for task, about in _ABOUT.items()
    ]


def _paper() -> list[ModelEntry]:
    """The paper's network; that of the kind is where the others begin."""
    return [
        ModelEntry(
            f"mpernet-{task}",
            "forensics_mpernet.trained:MPeR",
            f"{about}, before the last JPEG: the paper's network",
            paper=_PAPER,
            traces=_TRACES[task],
            needs=_NEEDS,
            card=f"forensics_mpernet:weights/mpernet-{task}",
            parts=("net",),
            seconds=0.2,
            baseline=True,
            bind={"task": task},
        )
        for task, about in _ABOUT.items()
    ]


@hookimpl
def forensics_estimators() -> list[ModelEntry]:
    return [
        *_fast(),
        *_paper(),
    ]


@hookimpl
def forensics_detectors() -> list[ModelEntry]:
    return [*_fast(), *_paper()]


@hookimpl
def forensics_traces() -> list[Entry]:
    return [
        TraceEntry(
            "mper-which",
            "forensics_mpernet.tasks:WHICH",
            "which manipulation was it processed by before it became this JPEG?",
        ),
    ]


@hookimpl
def forensics_recipes() -> list[Entry]:
    fast = [
        Entry(
            entry.name,
            "forensics_mpernet.fast_recipe:FastRecipe",
            "features of crops of 128, a small network",
            bind=entry.bind,
        )
        for entry in _fast()
    ]
    paper = [
        Entry(
            entry.name,
            "forensics_mpernet.trained:MPeRRecipe",
            "Adamax, small crops first, the values in turn",
            bind=entry.bind,
        )
        for entry in _paper()
    ]
    return fast + paper
