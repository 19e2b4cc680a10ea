"""A linear discriminant of two features, trained and judged by."""

import functools
from dataclasses import dataclass
from typing import ClassVar

import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from forensics import nn
from forensics.models import weights
from forensics.models.interfaces import Detector, Scores
from forensics.models.registry import registry
from forensics.training import FittedRecipe, Phase, network_of


def features(batch):
    """Steps over the block grid and inside of blocks."""
    steps = batch.pixels.float().diff(dim=3).abs().mean((1, 2))
    edge = torch.arange(steps.shape[1]) % 8 == 7
    return torch.stack([steps[:, edge].mean(1), steps[:, ~edge].mean(1)], 1)


@dataclass(frozen=True)
class Discriminant(FittedRecipe):
    trace: ClassVar[str] = "jpeg"
    phases: ClassVar[tuple[Phase, ...]] = (Phase(1, 16, 4),)
    validation_crop: ClassVar[int] = 24
    validation_crops: ClassVar[int] = 6
    part: ClassVar[str] = "lda"
    broken: bool = False

    def draws(self):
        return {"q": [20, 40]}

    def rows(self, example):
        sides = [features(example.sides[side]) for side in ("pristine", "altered")]
        found = torch.cat(sides)
        if self.broken:
            found = found / 0
        return found, torch.arange(2).repeat_interleave(len(sides[0]))

    def fit(self, found, labels):
        estimator = make_pipeline(StandardScaler(), LinearDiscriminantAnalysis())
        return network_of(estimator.fit(found.numpy(), labels.numpy()))

    def validate(self, network, examples):
        rows = [self.rows(example) for example in examples]
        scores = torch.cat([network(found)[:, 0] for found, _ in rows])
        return {"objective": roc_auc_score(torch.cat([labels for _, labels in rows]), scores)}


@functools.cache
def trained():
    entry = registry().get("tiny-lda", "detector").entry
    return nn.decision(weights.load(entry, "lda"))


@dataclass(frozen=True)
class Judge(Detector):
    def score(self, batch):
        return Scores(trained()(features(batch))[:, 0])
