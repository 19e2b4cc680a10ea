"""How the classifiers of Radon features learn: six characteristics at once, of mixed histories."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from forensics.plugin import (
    Batch,
    Example,
    FittedRecipe,
    Phase,
    Trace,
    network_of,
    option,
    warm_cosine,
)
from forensics_resampling.networks import (
    HIDDEN,
    OnRadon,
    QuadraticNetwork,
    RadonNetwork,
    mirrored,
    mirrored_labels,
    spec,
)
from forensics_resampling.patches import gray
from forensics_resampling.radon import Radon
from forensics_resampling.traces import TASKS, labels, mixture

SIDE = 64


def figures(logits: Tensor, truth: Tensor) -> dict[str, float]:
    """The area under the ROC curve of each characteristic, and their mean as the objective."""
    each = {
        f"auc_{task}": float(roc_auc_score(truth[:, k].cpu(), logits[:, k].cpu()))
        for k, task in enumerate(TASKS)
    }
    return {"objective": sum(each.values()) / len(each), **each}


def weighted(logits: Tensor, truth: Tensor) -> Tensor:
    """Binary cross-entropy in which the positives of each characteristic weigh as much as its
    negatives, for shares that the mixture has."""
    share = torch.tensor((0.5, 1 / 3, 1 / 3, 1 / 3, 1 / 3, 0.5), device=logits.device)
    return binary_cross_entropy_with_logits(logits, truth.float(), pos_weight=(1 - share) / share)


class _Six(FittedRecipe):
    """Features of patches on the fly, all kept; validated once, when all are fitted."""

    phases: ClassVar[tuple[Phase, ...]] = (Phase(1.0, SIDE, 256),)
    validation_crop: ClassVar[int] = SIDE
    validation_crops: ClassVar[int] = 2400
    validations: ClassVar[int] = 1
    limits: ClassVar[tuple[str, ...]] = (
        "patches of 64 x 64 that end as a JPEG of 60..100, on its grid, after one affine warp "
        "without antialiasing",
        "labels are the drawn parameters, which other parameters can imitate",
    )

    @property
    @abstractmethod
    def radon(self) -> Radon:
        """Which feature."""

    @property
    def trace(self) -> Trace:
        return mixture()

    def draws(self) -> dict[str, list[int]]:
        return {}  # the trace draws everything

    def rows(self, example: Example) -> tuple[Tensor, Tensor]:
        return self._features(example.sides["altered"]), labels(example.values)

    def _features(self, batch: Batch) -> Tensor:
        return self.radon.features(gray(batch))[:, 0]

    def validate(self, network: nn.Module, examples: Iterable[Example]) -> dict[str, float]:
        rows = [self.rows(example) for example in examples]
        logits = torch.cat([network(features) for features, _ in rows])
        return figures(logits, torch.cat([truth for _, truth in rows]))

    def scaling(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of features and of their mirror images, `[K]`."""
        both = (features, mirrored(features, self.radon))
        mean = sum(part.mean(0) for part in both) / 2
        spread = sum((part - mean).square().mean(0) for part in both) / 2
        return mean, spread.sqrt().clamp_min(1e-6)


@dataclass(frozen=True)
class RadonRecipe(_Six):
    """Model I. Each epoch shows every patch once, as it is or mirrored."""

    root: bool = option(True, "the root of the Laplacian's magnitude, the paper's improvement")
    median: bool = option(False, "the residual of a 3 x 3 median in place of the Laplacian")
    angles: int = option(18, "18, or 19 with 0 degrees twice")
    epochs: int = option(8, "how often each patch is shown")

    part: ClassVar[str] = "six"

    @property
    def radon(self) -> Radon:
        return Radon(SIDE, self.angles, self.root, self.median)

    def fit(self, features: Tensor, labels: Tensor) -> OnRadon:
        torch.manual_seed(0)
        network = RadonNetwork(spec(self.radon), *self.scaling(features), HIDDEN, 0.4)
        steps = max(1, self.epochs * len(features) // 256)
        descent = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
        slope = torch.optim.lr_scheduler.LambdaLR(descent, lambda k: warm_cosine(k / steps))
        with torch.enable_grad():
            network.train()
            for _ in range(steps):
                chosen = torch.randint(len(features), (256,))
                seen, truth = features[chosen], labels[chosen]
                if torch.rand(()) < 0.5:
                    seen, truth = mirrored(seen, self.radon), mirrored_labels(truth)
                descent.zero_grad()
                weighted(network.logits(seen), truth).backward()
                descent.step()
                slope.step()
        return network.eval()


@dataclass(frozen=True)
class QuadraticRecipe(_Six):
    """The quadratic Bayes classifier on the first principal axes of the feature."""

    axes: int = option(100, "principal axes of the standardised feature")
    shrinkage: float = option(0.01, "of the covariance towards the identity")

    part: ClassVar[str] = "six"

    @property
    def radon(self) -> Radon:
        return Radon(SIDE)

    def fit(self, features: Tensor, labels: Tensor) -> OnRadon:
        mean, scale = self.scaling(features)
        standard = (features - mean) / scale
        _, axes = torch.linalg.eigh(standard.T @ standard / len(standard))
        chosen = axes[:, -self.axes :]
        shown, tasks = (standard @ chosen).numpy(), []
        for truth in labels.unbind(1):
            fitted = QuadraticDiscriminantAnalysis(priors=[0.5, 0.5], reg_param=self.shrinkage).fit(
                shown, truth.numpy()
            )
            tasks.append(network_of(fitted, logits=True))
        return QuadraticNetwork(spec(self.radon), mean, scale, chosen, tasks)
