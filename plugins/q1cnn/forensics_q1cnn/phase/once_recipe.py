"""How `q1phase` learns to tell one compression from two, once its network is trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from forensics.models.interfaces import option
from forensics.traces.draws import Draws, Uniform
from forensics.traces.trace import Trace
from forensics.training import network_of
from forensics.training.recipe import Example, FittedRecipe, Phase
from forensics_q1cnn import tables
from forensics_q1cnn.phase.features import Luma
from forensics_q1cnn.phase.network import QUALITIES, libjpeg_tables
from forensics_q1cnn.phase.once import LISTED, ONCE, UNLISTED, summary
from forensics_q1cnn.phase.posterior import Scores, every_phase
from forensics_q1cnn.phase.recipe import SECOND, SIDE, PhaseRecipe, patch_size, shifts
from forensics_q1cnn.phase.trained import phase_network, version
from forensics_q1cnn.traces import Q1_TABLES

# What a picture may have been through before its first JPEG: a period of interpolation or grain of
# its own is no trace of a compression.
_BEFORE = (
    "maybe(0.25,resize({f},kernel=bicubic)) maybe(0.15,gaussian({b})) maybe(0.15,awgn({s})) "
    "maybe(0.15,sharpen({a}))"
)


@dataclass(frozen=True)
class OnceRecipe(FittedRecipe):
    """Boosted trees on what the scores of all hypotheses say of a crop, of its quarters and so on
    down to single windows, which are compressed once, twice with a table of libjpeg's first, or
    twice with another one."""

    trees: int = option(300, "boosting iterations")

    trace: ClassVar[Trace] = replace(
        Q1_TABLES,
        histories=(("altered", f"{_BEFORE} {dict(Q1_TABLES.histories)['altered']}"),),
    )
    color: ClassVar[bool] = True
    gray_every: ClassVar[int] = 4
    augmentations: ClassVar = PhaseRecipe.augmentations
    part: ClassVar[str] = "once"
    phases: ClassVar[tuple[Phase, ...]] = (Phase(1.0, 4 * SIDE, 8),)
    validation_crop: ClassVar[int] = 4 * SIDE
    validation_crops: ClassVar[int] = 96

    @property
    def rests_on(self) -> Mapping[str, str]:
        return {"phase": version("phase")}

    def draws(self) -> Draws:
        invented = range(tables.FIRST_INVENTED, tables.FIRST_INVENTED + 51 * 200, 16)
        cameras = tables.numbers_from(tables.FIRST_CAMERA)
        first = [*QUALITIES] * 160 + [tables.NONE] * 8160
        first += [*invented] * 4 + [*cameras] * 24
        return {
            "t": first,
            "u": [*SECOND, *range(50, 60)] * 3 + [50] * 300,
            ("r", "c"): shifts(),
            "f": Uniform(1.05, 3),
            "b": Uniform(0.4, 1.5),
            "s": Uniform(0.5, 4),
            "a": Uniform(0.3, 2),
        }

    def rows(self, example: Example) -> tuple[Tensor, Tensor]:
        batch = example.sides["altered"]
        assert batch.jpeg is not None
        seen, label = Luma.of(batch.jpeg), _labels(example)
        # Mostly whole windows; drawn by the batch, for a step is not known here.
        height, width = patch_size(int(batch.keys[0]) % (1 << 31))
        listed = libjpeg_tables().to(batch.device)
        network = phase_network(batch.device)
        across = batch.size[0] // SIDE
        corners = [(SIDE * y, SIDE * x) for y in range(across) for x in range(across)]
        windows = Luma.cat([seen.cut(*corner, height, width) for corner in corners])
        scores = every_phase(network, windows, network.index(listed))
        rows, labels = [], []
        for side in (2**n for n in range(across.bit_length())):
            boxes = range(0, across * SIDE, side * SIDE)
            parts = [seen.cut(y, x, side * SIDE, side * SIDE) for y in boxes for x in boxes]
            summed = _together(scores, across, side)
            rows.append(summary(summed, Luma.cat(parts), listed, side**2, height * width))
            labels.append(label.repeat(len(parts)))
        return torch.cat(rows), torch.cat(labels)

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


def _together(scores: Scores, across: int, side: int) -> Scores:
    """The sums over squares of `side` x `side` windows of those of a crop, `across` x `across` of
    them row by row, each of N images."""

    def summed(part: Tensor) -> Tensor:
        squares = part.unflatten(0, (across // side, side, across // side, side, -1))
        return squares.sum((1, 3)).flatten(0, 2)

    return Scores(summed(scores.tables), summed(scores.steps), summed(scores.single))


def _labels(example: Example) -> Tensor:
    numbers = example.values["t"].cpu()
    listed = torch.isin(numbers, torch.tensor(QUALITIES))
    labels = torch.where(listed, LISTED, UNLISTED)
    return torch.where(numbers == tables.NONE, ONCE, labels)
