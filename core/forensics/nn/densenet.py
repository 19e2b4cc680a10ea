"""DenseNet blocks without bottleneck and compression.

G. Huang, Z. Liu, L. van der Maaten and K. Q. Weinberger, "Densely connected convolutional
networks", CVPR 2017, section 3. With 12 layers of growth 12 in each of three blocks this is the
DenseNet of depth 40.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class DenseBlock(nn.Module):
    """`[N, inputs, H, W]` -> `[N, outputs, H, W]`, outputs = inputs + layers * growth.

    Each layer sees the input and what all layers before it gave: batch norm, ReLU, 3 x 3
    convolution (no bias) to `growth` maps, dropout of values.
    """

    def __init__(self, inputs: int, layers: int = 12, growth: int = 12, dropout: float = 0) -> None:
        super().__init__()
        self.outputs = inputs + layers * growth
        self.layers = nn.ModuleList(
            _layer(inputs + i * growth, growth, 3, dropout) for i in range(layers)
        )

    def forward(self, planes: Tensor) -> Tensor:
        for layer in self.layers:
            planes = torch.cat([planes, layer(planes)], 1)
        return planes


class Transition(nn.Sequential):
    """Between blocks: batch norm, ReLU, 1 x 1 convolution (no bias) to as many channels, dropout,
    2 x 2 average pooling: `[N, channels, H, W]` -> `[N, channels, H // 2, W // 2]`."""

    def __init__(self, channels: int, dropout: float = 0) -> None:
        super().__init__(_layer(channels, channels, 1, dropout), nn.AvgPool2d(2))


def _layer(inputs: int, outputs: int, size: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.BatchNorm2d(inputs),
        nn.ReLU(),
        nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False),
        nn.Dropout(dropout),
    )
