"""The networks that the paper compares itself to. All take luma, float32 `[N, 1, H, W]` of 0..255,
and give logits `[N, outputs]`."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

# Kirchner's fixed predictor (MM&Sec 2008), less the sample itself.
_PREDICTOR = ((-0.25, 0.5, -0.25), (0.5, -1.0, 0.5), (-0.25, 0.5, -0.25))
_LEAST = 0.05  # of the sum of a constrained kernel: a smaller one would explode


class MISLnet(nn.Module):
    """Bayar and Stamm (TIFS 2018): three prediction error filters, four convolutions, two dense
    layers. At sides of 256 the last pooling is that of the paper, 3 x 3 by 2; at others its 7 x 7
    parts are of other sizes."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.errors = nn.Conv2d(1, 3, 5, bias=False)
        nn.init.uniform_(self.errors.weight, 0, 0.2)
        self.features = nn.Sequential(
            *_tanh(3, 96, 7, stride=2),
            nn.MaxPool2d(3, 2),
            *_tanh(96, 64, 5),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            *_tanh(64, 64, 5),
            nn.MaxPool2d(3, 2),
            *_tanh(64, 128, 1),
            nn.AdaptiveAvgPool2d(7),
        )
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(7 * 7 * 128, 200),
            nn.Tanh(),
            nn.Linear(200, 200),
            nn.Tanh(),
            nn.Linear(200, outputs),
        )
        self.constrain()

    @torch.no_grad()
    def constrain(self) -> None:
        """-1 in the middle of each first kernel, and a sum of 1 around it. A sum near 0 is left at
        a floor, so that the others stay finite."""
        weight = self.errors.weight
        weight[:, 0, 2, 2] = 0
        total = weight.sum((1, 2, 3), keepdim=True)
        sign = torch.where(total < 0, -1.0, 1.0)
        weight /= sign * total.abs().clamp(min=_LEAST)
        weight[:, 0, 2, 2] = -1

    def forward(self, luma: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(self.errors(luma)))
        return logits


class CnnRfe(nn.Module):
    """After Liu and Kirchner (2019): a VGG-like network on the error of a fixed predictor. Its
    channels are ours, as is the predictor for their denoiser."""

    kernel: Tensor

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.register_buffer("kernel", torch.tensor(_PREDICTOR)[None, None])
        widths = (1, 32, 32, 64, 64, 128)
        self.features = nn.Sequential(
            *(layer for pair in itertools.pairwise(widths) for layer in _vgg(*pair))
        )
        self.last = nn.Linear(widths[-1], outputs)

    def forward(self, luma: Tensor) -> Tensor:
        maps = self.features(functional.conv2d(luma, self.kernel) / 4)
        logits: Tensor = self.last(maps.mean((2, 3)))
        return logits


class DualNet(nn.Module):
    """After Cao et al. (2019), made for recompressed images: first and second differences, cut off
    at +-4; a stream of kernels along the rows and one along the columns, joined after each stage.
    Channels and threshold are ours."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        widths = (2, 24, 32, 48, 64)
        inputs = [
            (a if i == 0 else 2 * a, b) for i, (a, b) in enumerate(itertools.pairwise(widths))
        ]
        self.rows = nn.ModuleList(_stream(*pair, size=(1, 5)) for pair in inputs)
        self.columns = nn.ModuleList(_stream(*pair, size=(5, 1)) for pair in inputs)
        self.last = nn.Linear(2 * widths[-1], outputs)

    def forward(self, luma: Tensor) -> Tensor:
        row, column = _differences(luma, 3), _differences(luma, 2)
        for along, across in zip(self.rows, self.columns, strict=True):
            joined = torch.cat([along(row), across(column)], 1)
            row = column = functional.max_pool2d(joined, 2, ceil_mode=True)
        logits: Tensor = self.last(row.mean((2, 3)))
        return logits


def _differences(luma: Tensor, axis: int, most: float = 4.0) -> Tensor:
    """First and second differences along an axis, `[N, 2, H - 2, W - 2]`."""
    inner = luma[:, :, 1:-1, :] if axis == 3 else luma[:, :, :, 1:-1]
    second = inner.diff(n=2, dim=axis)
    first = inner.diff(dim=axis).narrow(axis, 0, second.shape[axis])
    return torch.cat([first, second], 1).clamp(-most, most) / most


def _tanh(inputs: int, outputs: int, side: int, stride: int = 1) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, side, stride, side // 2)
    return convolution, nn.BatchNorm2d(outputs), nn.Tanh()


def _vgg(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )


def _stream(inputs: int, outputs: int, size: tuple[int, int]) -> nn.Module:
    padding = (size[0] // 2, size[1] // 2)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, padding=padding), nn.BatchNorm2d(outputs), nn.ReLU()
    )
