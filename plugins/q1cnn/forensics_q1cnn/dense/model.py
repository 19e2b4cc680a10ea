"""The networks as estimators: first steps from the decoded pixels of the second JPEG."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.jpeg import standard_tables
from forensics.models.interfaces import Belief, Estimate, Estimator, option
from forensics_q1cnn.dense import decoding
from forensics_q1cnn.dense.entries import NEAR, PART
from forensics_q1cnn.dense.network import PATCH, DenseNet40, shown, windows
from forensics_q1cnn.tables import NAMES

_TOGETHER = 64  # windows: about 100 MB of maps


@dataclass(frozen=True)
class _Dense(Estimator):
    """An image of more than 64 pixels a side is looked at in windows of 64 x 64 side by side, a
    large one in some rows and columns of them."""

    second: int

    def estimate(self, batch: Batch) -> Estimate:
        assert batch.jpeg is not None
        network = self.network(PART, DenseNet40.of, batch.device)
        assert isinstance(network, DenseNet40)
        near = self._near(batch.jpeg.tables[:, 0])
        # Most files have another second quality: the network sees the others alone.
        found = self._ask(network, shown(batch, network.first.in_channels)[near])
        if bool(near.all()):
            return found
        reason = f"the second quality is not {self.second}, nor {NEAR} more or less"
        reasons = tuple(None if is_near else reason for is_near in near.tolist())

        def everywhere(part: Tensor) -> Tensor:
            whole = part.new_full((len(batch), *part.shape[1:]), torch.nan)
            whole[near] = part
            return whole

        beliefs = {
            name: Belief(belief.values, everywhere(belief.shares))
            for name, belief in found.beliefs.items()
        }
        return Estimate(found.names, everywhere(found.values), beliefs, reasons)

    def _ask(self, network: DenseNet40, planes: Tensor) -> Estimate:
        seen = windows(planes, PATCH)
        parts = seen.flatten(0, 1).split(_TOGETHER)
        outputs = torch.cat([network(part) for part in parts if len(part)] or [seen.new_zeros(0)])
        return self.read(outputs.view(*seen.shape[:2], network.last.out_features))

    def _near(self, tables: Tensor) -> Tensor:
        """Which of the luma tables `[N, 8, 8]` lie between those of the nearest qualities."""
        ends = torch.tensor([self.second - NEAR, self.second + NEAR], device=tables.device)
        coarse, fine = standard_tables(ends, 1)[:, 0]
        return ((tables <= coarse) & (tables >= fine)).flatten(1).all(1)

    @abstractmethod
    def read(self, outputs: Tensor) -> Estimate:
        """What the outputs of the windows of each image, `[N, windows, outputs]`, say."""


@dataclass(frozen=True)
class Classifier(_Dense):
    """The first 15 luma steps in zig-zag order, each with its probabilities. decode: `argmax`, or
    `expectation` for the least squared error. Log-probabilities of windows add up."""

    decode: Literal["argmax", "expectation"] = option("argmax", "argmax or expectation")

    def __post_init__(self) -> None:
        if self.decode not in ("argmax", "expectation"):
            raise ForensicsError(f"the networks decode by argmax or expectation, not {self.decode}")

    def read(self, outputs: Tensor) -> Estimate:
        each = decoding.blocks(outputs.flatten(0, 1))
        summed = [
            block.view(*outputs.shape[:2], block.shape[-1]).sum(1).log_softmax(1) for block in each
        ]
        decode = decoding.most_probable if self.decode == "argmax" else decoding.expected
        beliefs = [Belief(decoding.steps(block), block.exp()) for block in summed]
        return Estimate(NAMES, decode(summed), dict(zip(NAMES, beliefs, strict=True)))


@dataclass(frozen=True)
class Regression(_Dense):
    """The first 15 luma steps in zig-zag order; of several windows, of their mean answer."""

    def read(self, outputs: Tensor) -> Estimate:
        return Estimate(NAMES, decoding.rounded(outputs.mean(1)))
