"""From maps to a mask (Section 3.2): bilateral filter, Otsu's threshold, the maps that become
bimodal, a random walker between their modes, and all of them together.

scikit-image filters and segments; everything here is of one image, as numpy arrays.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from skimage.filters import threshold_otsu
from skimage.restoration import denoise_bilateral
from skimage.segmentation import random_walker

Map = NDArray[np.floating]
Mask = NDArray[np.bool_]

_WINDOW, _SPATIAL = 9, 3.0  # cells
_BINS = 64
# Otsu's threshold explains 2 / pi of the variance of a normal distribution and 3/4 of that of a
# uniform one.
BIMODAL = 0.75
_BETA = 130.0


def filtered(found: Map, tolerance: float) -> Map:
    """The map 0..1 after a bilateral filter. tolerance: the s.d. of values that are averaged."""
    return denoise_bilateral(
        found, win_size=_WINDOW, sigma_color=tolerance, sigma_spatial=_SPATIAL, mode="edge"
    )


@dataclass(frozen=True)
class Split:
    """Otsu's threshold of a map, the modes below and above it, and the share of the variance that
    it explains."""

    threshold: float
    low: float
    high: float
    explained: float

    @classmethod
    def of(cls, found: Map) -> Split | None:
        """None for a map of a single value."""
        if found.min() == found.max():
            return None
        counts, edges = np.histogram(found, _BINS)
        threshold = float(threshold_otsu(found, _BINS))
        centres = (edges[:-1] + edges[1:]) / 2
        smooth = gaussian_filter1d(counts.astype(float), 1.0)
        below = centres <= threshold
        low = centres[below][smooth[below].argmax()] if below.any() else centres[0]
        high = centres[~below][smooth[~below].argmax()] if (~below).any() else centres[-1]
        above = found > threshold
        share = above.mean()
        gap = found[above].mean() - found[~above].mean() if 0 < share < 1 else 0.0
        return cls(threshold, low, high, float(share * (1 - share) * gap**2 / found.var()))

    @property
    def bimodal(self) -> bool:
        return self.explained > BIMODAL


def walked(found: Map, split: Split) -> Mask:
    """Which cells a random walker gives to the upper mode: those at and beyond a mode are its own,
    the ones between are reached first from either side."""
    labels = np.zeros(found.shape, np.int32)
    labels[found <= split.low] = 1
    labels[found >= split.high] = 2
    if not (labels == 1).any() or not (labels == 2).any():
        return found > split.threshold
    if (labels > 0).all():
        return labels == 2
    spread = (found - found.min()) / (found.max() - found.min())
    with warnings.catch_warnings():
        # Which of two is more probable does not need probabilities of sum 1.
        warnings.filterwarnings("ignore", "The probability range is outside")
        return random_walker(spread, labels, beta=_BETA, mode="cg_j", tol=1e-4) == 2


@dataclass(frozen=True)
class Chain:
    """What one run of the chain gives at each stage, for maps `[k, h, w]`. chosen: which maps are
    bimodal; otsu, mask: bool `[h, w]`, the chosen maps' upper sides by the threshold, and by the
    walker, all together."""

    filtered: Map
    splits: tuple[Split | None, ...]
    chosen: NDArray[np.bool_]
    otsu: Mask
    mask: Mask


def chain(maps: Map, tolerance: float = 0.3) -> Chain:
    """Filter, choose, walk, OR."""
    smooth = np.stack([filtered(one, tolerance) for one in maps])
    splits = tuple(map(Split.of, smooth))
    chosen = np.array([split is not None and split.bimodal for split in splits])
    nothing = np.zeros(maps.shape[1:], bool)
    pairs = [(m, s) for m, s in zip(smooth, splits, strict=True) if s is not None and s.bimodal]
    otsu = np.logical_or.reduce([nothing, *(m > s.threshold for m, s in pairs)])
    mask = np.logical_or.reduce([nothing, *(walked(m, s) for m, s in pairs)])
    return Chain(smooth, splits, chosen, otsu, mask)


def confidence(mask: Map) -> float:
    """The mean of what is not 0 in a gray mask (Section 3.2.1); 0 where all is."""
    return float(mask[mask > 0].mean()) if (mask > 0).any() else 0.0


def deviation(maps: Map) -> Map:
    """How far cells are from the medians of their maps, `[h, w]` of `[k, h, w]`, in the mean."""
    return np.abs(maps - np.median(maps, (1, 2), keepdims=True)).mean(0)
