"""The metrics of a localizer on one cell: its heat on the pixels of the mask and on the others.

Heat maps and masks come as `MaskHistogram`. `f1_best` takes, for each image, the threshold that
suits its mask best, which flatters ('chosen here'); Otsu's is chosen on the map alone. Intervals
are 95 %, of 1,000 resamples of photographs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forensics.metrics.cost import mean_with_interval
from forensics.metrics.curves import Curves, auc
from forensics.metrics.intervals import Floats, Value, estimate, ratio
from forensics.metrics.mask_histogram import MaskHistogram


@dataclass(frozen=True, eq=False)
class Mapped:
    """The maps of n altered images. photographs: `[n]`, the photograph of each."""

    evidence: Sequence[MaskHistogram]
    photographs: NDArray[np.generic]


def localizer_metrics(mapped: Mapped, seed: int) -> dict[str, Value]:
    """All pixel metrics of a cell by name, in the order of tables.

    `pixel_auc`: of all pixels of all images together; `pixel_auc_mean`: the mean over images of
    each one's own; `f1_otsu`, `iou_otsu`: F1 (2 TP / (2 TP + FP + FN)) and intersection over union
    of the mask and the pixels hotter than Otsu's threshold of the map (Otsu, 1979), means over
    images; `f1_best`: the same F1 at the best threshold of each image. Images with an empty mask
    count for `pixel_auc` only. What cannot be computed is a `Value` with a reason.
    """
    inside, outside = (
        np.array([getattr(e, side).sum() > 0 for e in mapped.evidence], bool)
        for side in ("inside", "outside")
    )
    if not (inside & outside).any():
        missing = "no mask marks a part of an image" if mapped.evidence else "no image has a map"
        names = ("pixel_auc", "pixel_auc_mean", "f1_otsu", "f1_best", "iou_otsu")
        return {name: Value(None, reason=missing) for name in names}
    otsu = [_at_otsu(e) for e in mapped.evidence]
    single = {
        "pixel_auc_mean": (inside & outside, [_auc(e) for e in mapped.evidence]),
        "f1_otsu": (inside, [f1 for f1, _ in otsu]),
        "f1_best": (inside, [_best_f1(e) for e in mapped.evidence]),
        "iou_otsu": (inside, [iou for _, iou in otsu]),
    }
    means = {
        name: mean_with_interval(np.where(there, values, np.nan), mapped.photographs, seed)
        for name, (there, values) in single.items()
    }
    return {"pixel_auc": _pooled(mapped, seed)} | means


def _pooled(mapped: Mapped, seed: int) -> Value:
    names, owners = np.unique(mapped.photographs, return_inverse=True)
    levels = np.unique(np.concatenate([e.levels for e in mapped.evidence]))
    inside, outside = np.zeros((2, len(names), len(levels)))
    for one, owner in zip(mapped.evidence, owners, strict=True):
        places = np.searchsorted(levels, one.levels)
        inside[owner, places] += one.inside
        outside[owner, places] += one.outside

    def statistic(weights: Floats) -> Floats:
        return auc(Curves(_below(weights @ outside), _below(weights @ inside)))[None]

    return estimate(statistic, len(names), seed, width=len(levels) + 1)[0]


def _below(counts: Floats) -> Floats:
    """The pixels below each cut, `[R, U + 1]`, of those at each level, `[R, U]`."""
    return np.concatenate([np.zeros((len(counts), 1)), counts.cumsum(axis=1)], axis=1)


def _auc(one: MaskHistogram) -> float:
    curves = Curves(_below(one.outside[None]), _below(one.inside[None]))
    return float(auc(curves)[0])


def _above(one: MaskHistogram) -> tuple[Floats, Floats]:
    """True and false positives where everything hotter than a level is called tampered, `[U + 1]`:
    from all of it to nothing."""
    hits, alarms = (_below(side[None])[0] for side in (one.inside, one.outside))
    return hits[-1] - hits, alarms[-1] - alarms


def _best_f1(one: MaskHistogram) -> float:
    return float(_f1(*_above(one), one.inside.sum()).max())


def _at_otsu(one: MaskHistogram) -> tuple[float, float]:
    """F1 and intersection over union of the pixels above Otsu's threshold; a map of a single level
    has none."""
    from skimage.filters import threshold_otsu

    cut = len(one.levels)
    if cut > 1:
        threshold = threshold_otsu(hist=(one.inside + one.outside, one.levels))
        cut = int(np.searchsorted(one.levels, threshold, side="right"))
    hits, alarms = (side[cut] for side in _above(one))
    marked = one.inside.sum()
    union = alarms + marked
    return float(_f1(hits, alarms, marked)), float(hits / union) if union else np.nan


def _f1(hits: Floats, alarms: Floats, marked: float) -> Floats:
    """2 TP / (2 TP + FP + FN), NaN where nothing is marked and nothing called."""
    return ratio(np.asarray(2 * hits), np.asarray(hits + alarms + marked))
