"""`resampling-mask` and its rivals: where an image was resampled otherwise than the rest of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from forensics.models.interfaces import Layer
from forensics.plugin import Batch, ForensicsError, Heatmap, Localizer, option
from forensics_resampling import segmentation
from forensics_resampling.constrained import constrained_network
from forensics_resampling.maps import STRIDE, maps
from forensics_resampling.networks import radon_network
from forensics_resampling.patches import flat, gray
from forensics_resampling.recipes import SIDE
from forensics_resampling.traces import TASKS

# Of the bilateral filter's tolerance, over which a gray mask is the mean of binary ones.
_TOLERANCES = (0.2, 0.25, 0.3, 0.35, 0.4)
_TOLERANCE = 0.1  # of the filter of deviations, chosen on val
STAGES = ("mask", "walker", "otsu", "filtered", "raw")


# How the network of each model is made of its weights.
_BUILDS = {"radon": radon_network, "radonfft": constrained_network}
# What an answer is for one image: heat `[h, w]`, its layers `[6, h, w]`, and a score.
_Answer = tuple[np.ndarray, np.ndarray, float]
_SHARES = (0.0, 1.0)


@dataclass(frozen=True)
class _OnMaps(Localizer):
    """Something made of the six maps of a model. model: radon or radonfft."""

    model: str

    # What is black and white in a picture of the heat.
    scale: ClassVar[tuple[float, float]] = _SHARES

    @property
    def unit(self) -> str:
        """Of the heat."""
        raise NotImplementedError

    def localize(self, batch: Batch) -> Heatmap:
        seen = gray(batch)
        network = self.network("six", _BUILDS[self.model], batch.device)
        empty = flat(seen)
        found = torch.stack([maps(network, one, (k, len(seen))) for k, one in enumerate(seen)])
        answers = [
            (np.full_like(one[0], np.nan), np.full_like(one, np.nan), np.nan)
            if none
            else self.answer(one)
            for one, none in zip(found.cpu().double().numpy(), empty.tolist(), strict=True)
        ]
        heat, shown, scores = (
            torch.from_numpy(np.stack(part)).float().to(batch.device)
            for part in zip(*answers, strict=True)
        )
        layers = {
            task: Layer(shown[:, k], "probability", scale=_SHARES) for k, task in enumerate(TASKS)
        }
        reasons = tuple("one grey level everywhere" if none else None for none in empty.tolist())
        unit = self.unit
        return Heatmap(
            heat, STRIDE, SIDE // 2, scores, reasons, layers, unit=unit, scale=self.scale
        )

    def answer(self, found: np.ndarray) -> _Answer:
        """What is made of the maps of an image, float64 `[6, h, w]`."""
        raise NotImplementedError


@dataclass(frozen=True)
class ResamplingMask(_OnMaps):
    """The paper's chain. Heat is the gray mask: in how many of five runs, with other tolerances of
    the filter, a cell is in the mask; the image's score is the mean of what is not 0 in it, the
    paper's confidence. Layers are the filtered maps.

    stage: what the heat shows instead: one run's walker or threshold, or the highest of the maps,
    filtered or raw. map: one characteristic's alone.
    """

    stage: str = option(
        "mask", "mask, walker, otsu, filtered or raw: after which step of the chain"
    )
    map: str = option("all", "all six maps, or one: " + ", ".join(TASKS))

    def __post_init__(self) -> None:
        for name, known in (("stage", STAGES), ("map", ("all", *TASKS))):
            if getattr(self, name) not in known:
                raise ForensicsError(
                    f"{name} is one of {', '.join(known)}, not {getattr(self, name)}"
                )

    @property
    def unit(self) -> str:
        return "share of runs" if self.stage == "mask" else self.stage

    def answer(self, found: np.ndarray) -> _Answer:
        own = slice(None) if self.map == "all" else [TASKS.index(self.map)]
        runs = {t: segmentation.chain(found[own], t) for t in _TOLERANCES}
        mask = np.mean([run.mask for run in runs.values()], 0)
        one = runs[0.3]
        heat: dict[str, Callable[[], np.ndarray]] = {
            "mask": lambda: mask,
            "walker": lambda: one.mask.astype(float),
            "otsu": lambda: one.otsu.astype(float),
            "filtered": lambda: one.filtered.max(0),
            "raw": lambda: found[own].max(0),
        }
        smooth = found.copy()
        smooth[own] = one.filtered
        return heat[self.stage](), smooth, segmentation.confidence(mask)


@dataclass(frozen=True)
class Deviation(_OnMaps):
    """In place of the chain: how far the maps of the five warps are from their medians, in the
    mean, after a bilateral filter. Most of a picture has one history, so what differs from it is
    from elsewhere, whether it is resampled or the only part that is not. The score is what 5 % of
    the cells exceed."""

    # Half the length of what probabilities can differ by.
    scale: ClassVar[tuple[float, float]] = (0.0, 0.5)

    @property
    def unit(self) -> str:
        return "difference of probabilities"

    def answer(self, found: np.ndarray) -> _Answer:
        heat = segmentation.filtered(segmentation.deviation(found[1:]), _TOLERANCE)
        return heat, found, float(np.quantile(heat, 0.95))
