"""`q1phase`: the first quantisation steps of a double JPEG and the shift between both grids."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from forensics import weights
from forensics.batch import Batch, Jpeg
from forensics.errors import ForensicsError
from forensics.interfaces import Estimate, Estimator
from forensics_q1cnn.phase.features import Luma
from forensics_q1cnn.phase.network import STEPS, PhaseNetwork, libjpeg_tables
from forensics_q1cnn.phase.posterior import Decode, Posterior, every_phase
from forensics_q1cnn.plugin import Q1PHASE

_WINDOW = 64  # pixels: what the network was trained on
NAMES = (*(f"step{i}" for i in range(1, STEPS + 1)), "r", "c")


def trained(device: torch.device) -> PhaseNetwork:
    """The network with its weights, in evaluation. Raises NotApplicable where there are none."""
    there = weights.find(Q1PHASE, "phase")
    return _network(device, there.sha256 if there else "")


@functools.cache
def _network(device: torch.device, version: str) -> PhaseNetwork:
    """version: the hash of the weights, so that others that are trained meanwhile are loaded."""
    state = weights.load(Q1PHASE, "phase")
    with torch.inference_mode(False):
        network = PhaseNetwork(state["shifted.enter"].shape[2])
        network.load_state_dict(state)
    return network.requires_grad_(False).eval().to(device)


@dataclass(frozen=True)
class Q1Phase(Estimator):
    """The first 15 luma steps in zig-zag order and the crop (r, c) between both compressions.

    decode: `argmax` of each step's probability; `expectation`, for the least squared error; or
    the steps of the most probable `table`. An image of 64 pixels a side and more is looked at in
    windows of 64 x 64, whose scores add up.
    """

    decode: Decode = "argmax"

    needs: ClassVar = Q1PHASE.needs

    def __post_init__(self) -> None:
        if self.decode not in ("argmax", "expectation", "table"):
            raise ForensicsError(
                f"q1phase decodes by argmax, expectation or table, not {self.decode}"
            )

    def estimate(self, batch: Batch) -> Estimate:
        assert batch.jpeg is not None
        found = posterior(batch.jpeg)
        phase = found.phases()
        values = torch.cat([found.estimates(self.decode), shift(phase.argmax(1)).float()], 1)
        steps = {f"step{i + 1}": found.steps(i) for i in range(STEPS)}
        crops = phase.unflatten(1, (8, 8))[:, _CROP][:, :, _CROP]
        return Estimate(NAMES, values, steps | {"r": crops.sum(2), "c": crops.sum(1)})


# The crop by which a grid comes to begin at 0..7, and the other way round.
_CROP = torch.tensor([0, 7, 6, 5, 4, 3, 2, 1])


def shift(phase: Tensor) -> Tensor:
    """The crop (r, c) by which the first grid comes to begin at a phase: int64 `[...]` ->
    `[..., 2]`."""
    return torch.stack([(8 - phase // 8) % 8, (8 - phase % 8) % 8], -1)


def posterior(jpeg: Jpeg) -> Posterior:
    """The posterior of phase and first table for each image, on the images' device."""
    device = jpeg.tables.device
    network = trained(device)
    listed = libjpeg_tables().to(device)
    found = [every_phase(network, Luma.of(w), network.index(listed)) for w in _windows(jpeg)]
    scores, single = (torch.stack(part).sum(0) for part in zip(*found, strict=True))
    return Posterior.of(scores, single, listed)


def _windows(jpeg: Jpeg) -> list[Jpeg]:
    """The image in windows of 64 x 64, or what there is of them, on the JPEG's own grid."""
    height, width = (side - side % 8 for side in jpeg.size)
    rows, columns = (_corners(side) for side in (height, width))
    side = [min(_WINDOW, whole) for whole in (height, width)]
    return [jpeg.cut(y, x, *side) for y in rows for x in columns]


def _corners(whole: int) -> list[int]:
    return list(range(0, max(whole - _WINDOW, 0) + 1, _WINDOW))
