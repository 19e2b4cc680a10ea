"""`radon-up` and the like: one of six characteristics, by a network on Radon features."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from forensics.plugin import Batch, Detector, Scores
from forensics_resampling.networks import OnRadon, quadratic_network, radon_network
from forensics_resampling.patches import flat, gray
from forensics_resampling.traces import TASKS

STRIDE = 32
_FLAT = "one grey level everywhere"


def blank(values: Tensor, empty: Tensor, why: str = _FLAT) -> Scores:
    """Scores without those of patches that say nothing."""
    reasons = tuple(why if none else None for none in empty.tolist())
    return Scores(torch.where(empty, torch.nan, values), reasons)


@dataclass(frozen=True)
class _Six(Detector):
    """The log odds of a characteristic; of a patch larger than 64 x 64 their mean over windows
    that are 32 pixels apart."""

    task: str

    def six(self, device: torch.device) -> OnRadon:
        """The network of all six."""
        raise NotImplementedError

    def score(self, batch: Batch) -> Scores:
        seen = gray(batch)
        network = self.six(batch.device)
        features = network.radon.features(seen, STRIDE)
        n, windows, _ = features.shape
        logits = network(features.flatten(0, 1)).view(n, windows, -1).mean(1)
        return blank(logits[:, TASKS.index(self.task)], flat(seen))


@dataclass(frozen=True)
class RadonDetector(_Six):
    """Model I, `RadonNetwork`."""

    def six(self, device: torch.device) -> OnRadon:
        network = self.network("six", radon_network, device)
        assert isinstance(network, OnRadon)
        return network


@dataclass(frozen=True)
class QuadraticDetector(_Six):
    """The quadratic Bayes classifier, `QuadraticNetwork`."""

    def six(self, device: torch.device) -> OnRadon:
        network = self.network("six", quadratic_network, device)
        assert isinstance(network, OnRadon)
        return network
