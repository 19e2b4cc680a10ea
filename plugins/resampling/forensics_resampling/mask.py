"""`resampling-mask`: where an image was resampled otherwise than the rest of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from forensics.models.interfaces import Layer
from forensics.plugin import Batch, ForensicsError, Heatmap, Localizer, option
from forensics_resampling import segmentation
from forensics_resampling.maps import STRIDE, maps
from forensics_resampling.networks import OnRadon, radon_network
from forensics_resampling.patches import flat, gray
from forensics_resampling.traces import TASKS

# Of the bilateral filter's tolerance, over which a gray mask is the mean of binary ones.
_TOLERANCES = (0.2, 0.25, 0.3, 0.35, 0.4)
STAGES = ("mask", "walker", "otsu", "filtered", "raw")


@dataclass(frozen=True)
class ResamplingMask(Localizer):
    """The paper's chain on the six maps of `radon-up` and the like. Heat is the gray mask: in how
    many of five runs, with other tolerances of the filter, a cell is in the mask; the image's score
    is the mean of what is not 0 in it, the paper's confidence. Layers are the filtered maps.

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

    def localize(self, batch: Batch) -> Heatmap:
        seen = gray(batch)
        network = self.network("six", radon_network, batch.device)
        assert isinstance(network, OnRadon)
        empty = flat(seen)
        found = torch.stack([maps(network, one, (k, len(seen))) for k, one in enumerate(seen)])
        answers = [
            (np.full_like(one[0], np.nan), np.full_like(one, np.nan), np.nan)
            if none
            else self._answer(one)
            for one, none in zip(found.cpu().double().numpy(), empty.tolist(), strict=True)
        ]
        heat, smooth, scores = (np.stack(part) for part in zip(*answers, strict=True))

        def tensor(values: np.ndarray) -> Tensor:
            return torch.from_numpy(values).float().to(batch.device)

        filtered = tensor(smooth)
        layers = {task: Layer(filtered[:, k], "probability") for k, task in enumerate(TASKS)}
        reasons = tuple("one grey level everywhere" if none else None for none in empty.tolist())
        return Heatmap(
            tensor(heat), STRIDE, network.radon.side // 2, tensor(scores), reasons, layers
        )

    def _answer(self, found: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """Heat `[h, w]`, the filtered maps `[6, h, w]` and the confidence."""
        own = slice(None) if self.map == "all" else [TASKS.index(self.map)]
        runs = {t: segmentation.chain(found[own], t) for t in _TOLERANCES}
        mask = np.mean([run.mask for run in runs.values()], 0)
        one = runs[0.3]
        heat = {
            "mask": mask,
            "walker": one.mask.astype(float),
            "otsu": one.otsu.astype(float),
            "filtered": one.filtered.max(0),
            "raw": found[own].max(0),
        }[self.stage]
        smooth = found.copy()
        smooth[own] = one.filtered
        return heat, smooth, segmentation.confidence(mask)
