"""What this plugin registers. Nothing here imports torch."""

from __future__ import annotations

from forensics.plugin import Entry, ModelEntry, Needs, RecipeEntry, TraceEntry, hookimpl

_PAPER = (
    "Bunk et al., Detection and Localization of Image Forgeries using Resampling Features and "
    "Deep Learning"
)
_WINDOW = Needs(smallest=64)
_KINDS = ("", "-jpeg", "-resaved")
_CORE = {
    "up": ("resize-bilinear[f=1.01..8]", "resize-bicubic[f=1.01..8]"),
    "down": ("resize-bilinear[f=0.1..0.99]", "resize-bicubic[f=0.1..0.99]"),
    "cw": ("rotate[d=-45..-1]",),
    "ccw": ("rotate[d=1..45]",),
    "shear": ("shear",),
}
# What each characteristic says, and whether histories with that step alone are a trace.
_ABOUT = {
    "jpegquality": "was it saved as a JPEG below quality 85?",
    "up": "was it enlarged?",
    "down": "was it reduced?",
    "cw": "was it turned clockwise?",
    "ccw": "was it turned counter-clockwise?",
    "shear": "was it sheared?",
}

_COMPOSITES = (
    "splice-resize",
    "splice-rotate",
    "resampling-splice-resize",
    "resampling-splice-rotate",
)


def _traces(task: str) -> tuple[str, ...]:
    """The mixture first; the core's single manipulations after it."""
    alone = () if task == "jpegquality" else (f"resampling-{task}-alone",)
    return (f"resampling-{task}", *alone, *_of_core(task))


def _of_core(task: str) -> tuple[str, ...]:
    found = []
    for declared in _CORE.get(task, ()):
        name, bracket, points = declared.partition("[")
        found += [f"{name}{kind}{bracket}{points}" for kind in _KINDS]
    return tuple(found)


def _six(
    prefix: str, factory: str, summary: str, seconds: float, baseline: bool = True
) -> list[ModelEntry]:
    """A detector for each characteristic, of one network."""
    return [
        ModelEntry(
            f"{prefix}-{task}",
            f"forensics_resampling.{factory}",
            f"{about} {summary}",
            paper=_PAPER,
            traces=_traces(task),
            needs=_WINDOW,
            card=f"forensics_resampling:weights/{prefix}",
            parts=("six",),
            weights_of="" if task == "up" else f"{prefix}-up",
            seconds=seconds,
            baseline=baseline,
            bind={"task": task},
        )
        for task, about in _ABOUT.items()
    ]


@hookimpl
def forensics_traces() -> list[Entry]:
    mixed = [
        Entry(
            f"resampling-{task}",
            f"forensics_resampling.traces:RESAMPLING_{task.upper()}",
            f"{about} Scaled, turned and sheared or not, before a JPEG",
        )
        for task, about in _ABOUT.items()
    ]
    alone = [
        Entry(
            f"resampling-{task}-alone",
            f"forensics_resampling.traces:RESAMPLING_{task.upper()}_ALONE",
            f"{about} Or nothing, before a JPEG",
        )
        for task, about in _ABOUT.items()
        if task != "jpegquality"
    ]
    composites = [
        TraceEntry(
            f"resampling-splice-{step}",
            f"forensics_resampling.traces:RESAMPLING_SPLICE_{step.upper()}",
            f"is a region from another photograph, {done}? No JPEGs",
        )
        for step, done in (("resize", "resized"), ("rotate", "turned"))
    ]
    return mixed + alone + composites


# What a period is evidence of.
_RESAMPLED = (
    *(name + kind for name in ("resize-bilinear", "resize-bicubic") for kind in _KINDS),
    *(name + kind for name in ("rotate", "shear") for kind in _KINDS),
    *(f"resampling-{task}-alone" for task in ("up", "down", "cw", "ccw", "shear")),
)
_PMAPS = {
    "kirchner": ("of a fixed linear predictor", 0.002),
    "em": ("of weights estimated with it, by expectation maximisation", 0.09),
}


def _pmaps() -> list[ModelEntry]:
    return [
        ModelEntry(
            f"pmap-{name}",
            "forensics_resampling.periodic:Periodic",
            f"highest peak in the spectrum of the p-map {about}; no training",
            paper=_PAPER,
            traces=_RESAMPLED,
            needs=Needs(smallest=32),
            seconds=seconds,
            baseline=True,
            bind={"map": name},
        )
        for name, (about, seconds) in _PMAPS.items()
    ]


def _lstms() -> list[ModelEntry]:
    """Detectors and localizers at once."""
    return [
        ModelEntry(
            name,
            "forensics_resampling.lstm:LSTM",
            f"LSTM over 64 blocks of {about}",
            paper=_PAPER,
            traces=_COMPOSITES,
            needs=_WINDOW,
            card=f"forensics_resampling:weights/{name}",
            parts=("raster",),
            seconds=0.016,
            baseline=True,
        )
        for name, about in (("resampling-lstm", "the p-map"), ("lstm-pixels", "pixels"))
    ]


@hookimpl
def forensics_detectors() -> list[ModelEntry]:
    return [
        *_lstms(),
        *_pmaps(),
        *_six("radon", "detectors:RadonDetector", "Radon feature, two hidden layers", 0.0008),
        *_six(
            "qda",
            "detectors:QuadraticDetector",
            "Radon feature, quadratic Bayes classifier",
            0.0009,
        ),
        *_six(
            "radonfft",
            "constrained:ConstrainedDetector",
            "constrained convolution, FFT inside, two hidden layers",
            0.01,
            baseline=False,
        ),
    ]


@hookimpl
def forensics_estimators() -> list[ModelEntry]:
    return [
        ModelEntry(
            "resampling-factor",
            "forensics_resampling.factor:Factor",
            "scale and angle from spectra of prediction errors, with beliefs over both",
            traces=tuple(
                name + kind
                for kind in _KINDS
                for name in ("resize-bilinear", "resize-bicubic", "rotate")
            ),
            needs=Needs(smallest=128),
            card="forensics_resampling:weights/factor",
            parts=("net",),
            seconds=0.02,
            presupposes="one resizing or one rotation at most, of the whole picture",
        )
    ]


_MASKS = (
    (
        "resampling-mask",
        "ResamplingMask",
        "radon",
        0.018,
        "six maps of Radon features, filtered; those that become bimodal are walked to a mask",
    ),
    ("radonfft-mask", "ResamplingMask", "radonfft", 0.07, "the same of six maps of model II"),
    (
        "radonfft-deviation",
        "Deviation",
        "radonfft",
        0.065,
        "how far maps of model II are from their medians",
    ),
)


@hookimpl
def forensics_localizers() -> list[ModelEntry]:
    masks = [
        ModelEntry(
            name,
            f"forensics_resampling.mask:{factory}",
            summary,
            paper=_PAPER,
            traces=_COMPOSITES,
            needs=Needs(smallest=128),
            card=f"forensics_resampling:weights/{model}",
            parts=("six",),
            weights_of=f"{model}-up",
            seconds=seconds,
            baseline=factory == "ResamplingMask",
            bind={"model": model},
        )
        for name, factory, model, seconds, summary in _MASKS
    ]
    return masks + _lstms()


@hookimpl
def forensics_recipes() -> list[Entry]:
    return [
        Entry(
            "resampling-factor",
            "forensics_resampling.factor_recipe:FactorRecipe",
            "one scaling or rotation, before and after JPEGs",
        ),
        *(
            Entry(
                name,
                "forensics_resampling.lstm:LSTMRecipe",
                "boundaries and insides of resampled regions against the rest",
                bind={"pixels": name == "lstm-pixels"},
            )
            for name in ("resampling-lstm", "lstm-pixels")
        ),
        RecipeEntry(
            "radon",
            "forensics_resampling.recipes:RadonRecipe",
            "Radon feature, two hidden layers, six outputs",
            model="radon-up",
        ),
        RecipeEntry(
            "qda",
            "forensics_resampling.recipes:QuadraticRecipe",
            "Radon feature, quadratic Bayes classifiers of six characteristics",
            model="qda-up",
        ),
        RecipeEntry(
            "radonfft",
            "forensics_resampling.constrained:ConstrainedRecipe",
            "constrained convolution, FFT inside or none, six outputs",
            model="radonfft-up",
        ),
    ]
