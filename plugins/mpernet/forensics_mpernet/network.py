"""MPeR-Net: noise residuals by three residual blocks, features by five more, a mean and a head.

The paper's section III, figure 2 and table I. Where its shapes and sums contradict one another, the
counts of its rows decide: 4,970,154 weights and biases at ten classes, batch norm apart.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

_CHANNELS = (16, 16, 64, 128, 256, 512)
_BIAS = 0.2


class ResidualBlock(nn.Module):
    """Two convolutions around which the input passes by: `[N, C, H, W]` of the same size."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_conv(channels, channels, 3, padding=1),
            nn.ReLU(),
            *_conv(channels, channels, 3, padding=1),
        )

    def forward(self, maps: Tensor) -> Tensor:
        summed: Tensor = self.body(maps) + maps
        return functional.relu(summed)


class ReducingBlock(nn.Module):
    """Two convolutions and a maximum of 2 x 2, beside a 1 x 1 convolution of stride 2:
    `[N, inputs, H, W]` -> `[N, outputs, ceil(H/2), ceil(W/2)]`."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_conv(inputs, outputs, 3, padding=1),
            nn.ReLU(),
            *_conv(outputs, outputs, 3, padding=1),
            nn.MaxPool2d(2, ceil_mode=True),
        )
        self.beside = nn.Sequential(*_conv(inputs, outputs, 1, stride=2))

    def forward(self, maps: Tensor) -> Tensor:
        summed: Tensor = self.body(maps) + self.beside(maps)
        return functional.relu(summed)


class MPeRNet(nn.Module):
    """Luma, float32 `[N, 1, H, W]` of 0..255, to logits `[N, outputs]`; sides of 64 or more, 256 in
    the paper. `first` is its layer of 128, whose weights alone are decayed."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.residuals = nn.Sequential(
            *_conv(1, 64, 3),
            nn.ReLU(),
            *_conv(64, 16, 3),
            nn.ReLU(),
            *(ResidualBlock(16) for _ in range(3)),
        )
        pairs = itertools.pairwise(_CHANNELS)
        self.features = nn.Sequential(*(ReducingBlock(*pair) for pair in pairs))
        self.first = nn.Linear(_CHANNELS[-1], 128)
        self.head = nn.Sequential(nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, outputs))
        self.apply(_begin)

    def forward(self, luma: Tensor) -> Tensor:
        maps = self.features(self.residuals(luma / 255))
        logits: Tensor = self.head(self.first(maps.mean((2, 3))))
        return logits


def _conv(
    inputs: int, outputs: int, side: int, *, stride: int = 1, padding: int = 0
) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    return nn.Conv2d(inputs, outputs, side, stride, padding), nn.BatchNorm2d(outputs)


@torch.no_grad()
def _begin(layer: nn.Module) -> None:
    """He's initialisation, biases of .2."""
    if isinstance(layer, (nn.Conv2d, nn.Linear)):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        assert layer.bias is not None
        layer.bias.fill_(_BIAS)
