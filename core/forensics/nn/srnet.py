"""The four layer types of SRNet.

M. Boroumand, M. Chen and J. Fridrich, "Deep residual network for steganalysis of digital images",
IEEE Trans. Information Forensics and Security, 2019, section II and figure 1. Convolutions are
3 x 3 with padding 1 and no bias; nothing follows the sums.
"""

from __future__ import annotations

from torch import Tensor, nn


class Type1(nn.Sequential):
    """Convolution, batch norm, ReLU: `[N, inputs, H, W]` -> `[N, outputs, H, W]`."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(_conv(inputs, outputs), nn.BatchNorm2d(outputs), nn.ReLU())


class Type2(nn.Module):
    """A residual layer that keeps its size: x plus (type 1, convolution, batch norm) of x."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = _body(channels, channels)

    def forward(self, planes: Tensor) -> Tensor:
        summed: Tensor = planes + self.body(planes)
        return summed


class Type3(nn.Module):
    """A residual layer that halves: `[N, inputs, H, W]` -> `[N, outputs, ceil(H/2), ceil(W/2)]`.

    Type 1, convolution, batch norm and 3 x 3 average pooling of stride 2 (a border of zeros is
    counted), plus a 1 x 1 convolution of stride 2 with batch norm.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.body = nn.Sequential(_body(inputs, outputs), nn.AvgPool2d(3, stride=2, padding=1))
        self.shortcut = nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, stride=2, bias=False), nn.BatchNorm2d(outputs)
        )

    def forward(self, planes: Tensor) -> Tensor:
        summed: Tensor = self.shortcut(planes) + self.body(planes)
        return summed


class Type4(nn.Module):
    """Type 1, convolution, batch norm, mean of each map: `[N, inputs, H, W]` -> `[N, outputs]`."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.body = _body(inputs, outputs)

    def forward(self, planes: Tensor) -> Tensor:
        means: Tensor = self.body(planes).mean((2, 3))
        return means


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)


def _body(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(Type1(inputs, outputs), _conv(outputs, outputs), nn.BatchNorm2d(outputs))
