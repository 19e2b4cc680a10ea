"""What this plugin registers. Nothing here imports torch."""

from __future__ import annotations

from forensics.plugin import Entry, ModelEntry, Needs, TraceEntry, hookimpl

_PAPER = "MPeR-Net: Manipulation Parameter Estimation"
_PRESUPPOSED = "one manipulation at most, of the kind that is asked about, before the last JPEG"
_NEEDS = Needs(smallest=128, jpeg=True)
# What each task is asked on; the paper's question first.
_TRACES = {
    "median": ("median-jpeg", "median-resaved"),
    "gaussian": ("gaussian-kernel-jpeg", "gaussian-kernel-resaved", "mper-gaussian"),
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
            card="forensics_mpernet:weights/mper-which",
            parts=("net",),
            weights_of="" if task == "which" else "mper-which",
            seconds=0.003,
            presupposes=_PRESUPPOSED,
            bind={"task": task},
        )
        for task, about in _ABOUT.items()
    ]


# Each: what it is called, what it is after, its tasks, seconds a patch.
_NETWORKS = {
    "mpernet": ("the paper's network", _PAPER, tuple(_ABOUT), 0.2),
    "mislnet": ("MISLnet", "Bayar and Stamm, TIFS 2018", tuple(_ABOUT)[:-1], 0.04),
    "cnnrfe": ("CNN-RFE", "Liu and Kirchner, 2019", ("bilinear", "bicubic"), 0.05),
    "dualnet": ("Dual-Net", "Cao et al., 2019", ("bilinear", "bicubic"), 0.05),
}


def _networks() -> list[ModelEntry]:
    return [
        ModelEntry(
            f"{name}-{task}",
            "forensics_mpernet.trained:Trained",
            f"{_ABOUT[task]}, before the last JPEG: {called}",
            paper=paper,
            traces=_TRACES[task],
            needs=_NEEDS,
            card=f"forensics_mpernet:weights/{name}-{task}",
            parts=("net",),
            seconds=seconds,
            baseline=True,
            presupposes=_PRESUPPOSED,
            bind={"task": task, "by": name},
        )
        for name, (called, paper, tasks, seconds) in _NETWORKS.items()
        for task in tasks
    ]


def _crop() -> ModelEntry:
    return ModelEntry(
        "mper-papercrop",
        "forensics_mpernet.leak:PaperCrop",
        "by which factor it was resized, where the paper's crop gives it away",
        traces=("mper-papercrop",),
        needs=Needs(smallest=136),
        card="forensics_mpernet:weights/mper-which",
        parts=("net",),
        weights_of="mper-which",
        baseline=True,  # it is there for the preset: no picture is cut like that
        bind={"task": "bicubic"},
    )


@hookimpl
def forensics_estimators() -> list[ModelEntry]:
    return [*_fast(), _crop(), *_networks()]


@hookimpl
def forensics_traces() -> list[Entry]:
    return [
        TraceEntry(
            "mper-which",
            "forensics_mpernet.tasks:WHICH",
            "which manipulation was it processed by before it became this JPEG?",
        ),
        TraceEntry(
            "mper-papercrop",
            "forensics_mpernet.leak:PAPERCROP",
            "was it resized, bicubically, before it became the JPEG that this was cut from?",
        ),
        TraceEntry(
            "mper-gaussian",
            "forensics_mpernet.tasks:GAUSSIAN",
            "was it blurred, by any of four kernels, before it became this JPEG?",
        ),
    ]


@hookimpl
def forensics_recipes() -> list[Entry]:
    fast = Entry(
        "mper-which",
        "forensics_mpernet.fast_recipe:FastRecipe",
        "features of crops, small networks of all tasks: mperfast-* too",
    )
    networks = [
        Entry(
            entry.name,
            "forensics_mpernet.trained:TrainedRecipe",
            "small crops first, the values in turn",
            bind=entry.bind,
        )
        for entry in _networks()
    ]
    return [fast, *networks]
