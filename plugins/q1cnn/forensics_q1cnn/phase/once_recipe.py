"""How `q1phase` learns to tell one compression from two, once its network is trained."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from forensics.training import network_of
from forensics.training.draws import Draws
from forensics.training.recipe import Example, FittedRecipe, Phase
from forensics_q1cnn import tables
from forensics_q1cnn.phase.features import Luma
from forensics_q1cnn.phase.network import QUALITIES, libjpeg_tables
from forensics_q1cnn.phase.once import LISTED, ONCE, UNLISTED, summary
from forensics_q1cnn.phase.posterior import ALIGNED
from forensics_q1cnn.phase.recipe import SECOND, SIDE, patch_size, shifts
from forensics_q1cnn.phase.trained import phase_network
from forensics_q1cnn.phase.windows import of_image


@dataclass(frozen=True)
class OnceRecipe(FittedRecipe):
    """Boosted trees on what the scores of all hypotheses say of a crop and of its quarters, which
    are compressed once, twice with a table of libjpeg's first, or twice with another one."""

    trees: int = 300

    trace: ClassVar[str] = "q1-tables"
    color: ClassVar[bool] = True
    gray_every: ClassVar[int] = 4
    part: ClassVar[str] = "once"
    phases: ClassVar[tuple[Phase, ...]] = (Phase(1.0, 2 * SIDE, 16),)
    validation_crop: ClassVar[int] = SIDE
    validation_crops: ClassVar[int] = 384

    def draws(self) -> Draws:
        invented = range(tables.FIRST_INVENTED, tables.FIRST_INVENTED + 51 * 200, 16)
        cameras = tables.numbers_from(tables.FIRST_CAMERA)
        first = [*QUALITIES] * 160 + [tables.NONE] * 8160
        first += [*invented] * 4 + [*cameras] * 24
        return {"t": first, "u": SECOND, ("r", "c"): shifts(ALIGNED)}

    def rows(self, example: Example) -> tuple[Tensor, Tensor]:
        batch = example.sides["altered"]
        assert batch.jpeg is not None
        seen, label = Luma.of(batch.jpeg), _labels(example)
        if batch.size == (SIDE, SIDE):
            return _summaries(seen), label
        height, width = patch_size(int(example.values["u"].sum()))
        corners = [(y, x) for y in (0, SIDE) for x in (0, SIDE)]
        quarters = Luma.cat([seen.cut(*corner, height, width) for corner in corners])
        rows = torch.cat([_summaries(seen), _summaries(quarters)])
        return rows, torch.cat([label, label.repeat(len(corners))])

    def fit(self, features: Tensor, labels: Tensor) -> nn.Module:
        fitted = HistGradientBoostingClassifier(
            learning_rate=0.03,
            max_iter=self.trees,
            max_leaf_nodes=8,
            min_samples_leaf=80,
            l2_regularization=1,
            random_state=0,
        )
        return network_of(fitted.fit(features.numpy(), labels.numpy()))

    def validate(self, network: nn.Module, examples: Iterable[Example]) -> dict[str, float]:
        """The mean log-likelihood of the classes, the share of right ones, and the area under the
        ROC curve of 'twice' against 'once'."""
        made = [self.rows(example) for example in examples]
        labels = torch.cat([label for _, label in made])
        logs = network(torch.cat([rows for rows, _ in made])).log_softmax(1).cpu()
        right = logs.gather(1, labels[:, None])[:, 0].mean()
        twice = logs[:, [LISTED, UNLISTED]].logsumexp(1) - logs[:, ONCE]
        auc = roc_auc_score(labels.numpy() != ONCE, twice.numpy())
        accuracy = (logs.argmax(1) == labels).float().mean()
        return {"objective": float(right), "accuracy": float(accuracy), "auc": float(auc)}


def _summaries(seen: Luma) -> Tensor:
    listed = libjpeg_tables().to(seen.planes.device)
    network = phase_network(seen.planes.device)
    scores, windows = of_image(network, seen, network.index(listed))
    return summary(scores, seen, listed, windows)


def _labels(example: Example) -> Tensor:
    numbers = example.values["t"].cpu()
    listed = torch.isin(numbers, torch.tensor(QUALITIES))
    labels = torch.where(listed, LISTED, UNLISTED)
    return torch.where(numbers == tables.NONE, ONCE, labels)
