"""What this plugin registers. Nothing here imports torch."""

from __future__ import annotations

from forensics.plugin import Entry, ModelEntry, Needs, hookimpl
from forensics_srmcnn.tasks import TASKS

_PAPER = (
    "Cozzolino, Poggi and Verdoliva, Recasting residual-based local descriptors as convolutional "
    "neural networks, 2017"
)
_NEEDS = Needs(smallest=64)
# name, class, recipe, summary, seconds a patch
_METHODS = (
    ("srmsvm", "Svm", "SvmRecipe", "co-occurrences of residuals, a linear SVM", 0.0001),
    (
        "srmwide",
        "Wide",
        "PerceptronRecipe",
        "co-occurrences at twelve thresholds, a small network",
        0.001,
    ),
    ("srmcnn", "Cnn", "CnnRecipe", "the same as a network, fine-tuned", 0.01),
    ("bayar", "Bayar", "BayarRecipe", "Bayar and Stamm's constrained network", 0.02),
)

_BASELINES = ("srmsvm", "srmcnn", "bayar", "srmmap", "srmcnnmap")

# The regions that a map of a manipulation is asked for.
_REGIONS = {
    "gaussian": ("splice-blur", "splice-blur-camera"),
    "awgn": ("splice-noise",),
    "resize": ("splice-resize", "splice-enlarge", "splice-enlarge-camera"),
}
_MAPS = (
    ("srmmap", "srmsvm", "svm", "the SVM on all windows of 64 x 64 at once", 0.008),
    ("srmcnnmap", "srmcnn", "cnn", "the network on all windows of 64 x 64 at once", 0.02),
)
# The paper's hard tasks, which the small networks have parts of as well; of the paper's network
# one was fine-tuned for long enough to be judged.
_HARD = {"gaussian": ("0.5",), "awgn": ("0.5", "0.25"), "resize": ("1.01",), "jpeg": ("90",)}
_FINE_TUNED = {"gaussian": ("0.5",)}


def _parts(method: str, task: str) -> tuple[str, ...]:
    """The SVM has a part for each strength; the networks, but the rival, for some."""
    more = {
        "srmsvm": TASKS[task].strengths(),
        "srmwide": _HARD.get(task, ()),
        "srmcnn": _FINE_TUNED.get(task, ()),
    }
    return ("any", *more.get(method, ()))


@hookimpl
def forensics_detectors() -> list[ModelEntry]:
    return [
        ModelEntry(
            f"{method}-{name}",
            f"forensics_srmcnn.models:{factory}",
            f"{name}? {summary}",
            _PAPER,
            traces=task.traces,
            needs=_NEEDS,
            card=f"forensics_srmcnn:weights/{method}-{name}",
            parts=_parts(method, name),
            seconds=seconds,
            baseline=method in _BASELINES,
            bind={"task": name},
        )
        for method, factory, _, summary, seconds in _METHODS
        for name, task in TASKS.items()
    ]


@hookimpl
def forensics_estimators() -> list[ModelEntry]:
    return [
        ModelEntry(
            "srm-which",
            "forensics_srmcnn.which:Which",
            "which operation? co-occurrences of four residuals, a linear discriminant",
            traces=("operation", "operation-jpeg", "operation-resaved"),
            needs=_NEEDS,
            card="forensics_srmcnn:weights/srm-which",
            parts=("which",),
            seconds=0.001,
            presupposes="one operation at most",
        )
    ]


@hookimpl
def forensics_localizers() -> list[ModelEntry]:
    return [
        ModelEntry(
            f"{name}-{task}",
            "forensics_srmcnn.maps:Map",
            f"where {task}? {summary}",
            _PAPER,
            traces=_REGIONS.get(task, ()),
            needs=_NEEDS,
            card=f"forensics_srmcnn:weights/{weights}-{task}",
            parts=_parts(weights, task),
            weights_of=f"{weights}-{task}",
            seconds=seconds,
            baseline=name in _BASELINES,
            bind={"task": task, "method": method},
        )
        for name, weights, method, summary, seconds in _MAPS
        for task in TASKS
    ] + [
        ModelEntry(
            f"srmwidemap-{task}",
            "forensics.models.sliding:SlidingLocalizer",
            f"where {task}? co-occurrences at twelve thresholds, a small network, window by window",
            _PAPER,
            traces=_REGIONS[task],
            needs=_NEEDS,
            seconds=0.1,
            bind={"detector": f"srmwide-{task}"},
        )
        for task in _REGIONS
    ]


@hookimpl
def forensics_recipes() -> list[Entry]:
    return [
        Entry(
            f"{method}-{name}",
            f"forensics_srmcnn.recipes:{recipe}",
            f"{name}, of any strength or of one of the paper's",
            bind={"task": name},
        )
        for method, _, recipe, _, _ in _METHODS
        for name in TASKS
    ] + [Entry("srm-which", "forensics_srmcnn.which:WhichRecipe", "seven classes in one mixture")]
