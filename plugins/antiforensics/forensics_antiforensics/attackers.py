"""The attackers: the luma plane of a JPEG through a network, chroma as it is.

The network sees the luma's unrounded decode, padded to whole blocks. Its output takes the place
of the luma in the JPEG, as unrounded coefficients, and `forensics.jpeg.decode_float` makes the
image: for RGB with the untouched chroma coefficients, libjpeg's triangle filter for the chroma
samples and its colour conversion, none of them rounded on the way. Pixels are rounded and clipped
to 0..255 once, at the end.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from forensics import random
from forensics.batch import Batch
from forensics.errors import NotApplicable
from forensics.jpeg import block_dct, decode_float, decode_luma, standard_tables
from forensics.jpeg.coefficients import Jpeg
from forensics.models.interfaces import Attacker
from forensics_antiforensics import networks
from forensics_antiforensics.tiles import by_tiles

QUALITIES = (50, 60, 70, 80, 90)


def nearest_quality(tables: Tensor) -> Tensor:
    """The index in `QUALITIES` whose standard luma table is nearest, int64 `[N]`.

    tables: `[N, 8, 8]`. Nearest by the mean over the 64 steps of the logarithm of the ratio.
    """
    standard = standard_tables(torch.tensor(QUALITIES), 1)[:, 0].to(tables.device)
    ratios = tables[:, None].double().log() - standard.double().log()
    return ratios.mean((2, 3)).abs().argmin(1)


def with_luma(jpeg: Jpeg, plane: Tensor) -> Tensor:
    """The image with another luma plane, uint8 `[N, C, H, W]`. plane: unrounded, of whole blocks,
    float `[N, 8 by, 8 bx]`."""
    levels = block_dct(plane - 128) / jpeg.tables[:, 0, None, None]
    image = decode_float(replace(jpeg, coefficients=(levels, *jpeg.coefficients[1:])))
    return image.round().clamp(0, 255).to(torch.uint8)


class LumaAttacker(Attacker):
    """An attacker that runs a network on the luma plane of each JPEG."""

    def attack(self, batch: Batch) -> Tensor:
        """Raises NotApplicable where the batch is no JPEG, is smaller than 16 x 16, or where the
        weights are missing."""
        channels = batch.pixels.shape[1]
        reason = self.needs.refusal(channels, *batch.size, batch.jpeg is not None)
        if reason:
            raise NotApplicable(reason)
        assert batch.jpeg is not None
        luma, steps = decode_luma(batch.jpeg, whole_blocks=True), batch.jpeg.tables[:, 0]
        with torch.inference_mode():
            return with_luma(batch.jpeg, self.plane(luma, steps, batch.keys))

    @staticmethod
    @abstractmethod
    def build(state: Mapping[str, Tensor]) -> nn.Module:
        """The network that these weights belong to."""

    @abstractmethod
    def plane(self, luma: Tensor, steps: Tensor, keys: Tensor) -> Tensor:
        """The attacked luma, unrounded. luma: float32 `[N, 8 by, 8 bx]`; steps: `[N, 8, 8]`; keys:
        of the batch, for noise."""

    def by_quality(self, luma: Tensor, steps: Tensor, noise: Tensor | None = None) -> Tensor:
        """Each image through the part for its table."""
        chosen = nearest_quality(steps)
        plane = torch.empty_like(luma)
        for index in chosen.unique().tolist():
            rows = chosen == index
            part = self.network(f"q{QUALITIES[index]}", self.build, luma.device)
            planes = luma[rows][:, None]
            if noise is not None:
                planes = torch.cat([planes, noise[rows]], 1)
            plane[rows] = _run(part, planes, steps[rows])
        return plane


def _run(network: nn.Module, planes: Tensor, steps: Tensor) -> Tensor:
    """planes: luma and, where the network takes it, noise, `[N, 1 + noise, H, W]`."""

    def forward(tile: Tensor, rows: slice) -> Tensor:
        inputs = (tile[:, 0], steps[rows], *([tile[:, 1:]] if tile.shape[1] > 1 else []))
        result = network(*inputs)
        assert isinstance(result, Tensor)
        return result

    return by_tiles(forward, planes)


@dataclass(frozen=True)
class AFCNN(LumaAttacker):
    """The paper's attack: EDSR_sub, then the soft clamp of the coefficients (section III).

    One network a quality; the JPEG's luma table picks the nearest.
    """

    @staticmethod
    def build(state: Mapping[str, Tensor]) -> nn.Module:
        return networks.AFCNN()

    def plane(self, luma: Tensor, steps: Tensor, keys: Tensor) -> Tensor:
        return self.by_quality(luma, steps)


@dataclass(frozen=True)
class Matched(LumaAttacker):
    """The light network with noise, trained on matched statistics; beyond the paper.

    One network a quality; the JPEG's luma table picks the nearest.
    """

    @staticmethod
    def build(state: Mapping[str, Tensor]) -> nn.Module:
        return networks.Matched()

    def plane(self, luma: Tensor, steps: Tensor, keys: Tensor) -> Tensor:
        noise = random.normal(keys, self.entry.name, (networks.Matched.NOISE, *luma.shape[1:]))
        return self.by_quality(luma, steps, noise)


@dataclass(frozen=True)
class Dither(LumaAttacker):
    """The control: a restoration network for all qualities, then white noise of s.d. 1."""

    @staticmethod
    def build(state: Mapping[str, Tensor]) -> nn.Module:
        return networks.Restorer()

    def plane(self, luma: Tensor, steps: Tensor, keys: Tensor) -> Tensor:
        network = self.network("restorer", self.build, luma.device)
        restored = _run(network, luma[:, None], steps)
        return restored + random.normal(keys, self.entry.name, tuple(luma.shape[1:]))
