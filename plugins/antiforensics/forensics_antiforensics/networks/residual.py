"""Residual blocks without batch normalisation, in bfloat16 where a training asks for it."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def convolution(inputs: int, outputs: int) -> nn.Conv2d:
    """3 x 3, same size."""
    return nn.Conv2d(inputs, outputs, 3, padding=1)


class ResidualBlock(nn.Module):
    """convolution, ReLU, convolution, plus the input (Lim et al. 2017, EDSR, without scaling)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = convolution(channels, channels)
        self.second = convolution(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(torch.relu(self.first(x)))


class Body(nn.Module):
    """Residual blocks and a convolution, with a skip around all of them.

    autocast: compute in bfloat16 (in float32 outside); set by a training, not part of the state.
    """

    def __init__(self, channels: int, blocks: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(ResidualBlock(channels) for _ in range(blocks))
        self.last = convolution(channels, channels)
        self.autocast = False

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.autocast):
            y = x.to(torch.bfloat16) if self.autocast else x
            for block in self.blocks:
                y = block(y)
            y = self.last(y)
        return x + y.to(x.dtype)


def mixed(network: nn.Module) -> nn.Module:
    """The network, set to compute its residual blocks in bfloat16, channels last."""
    for module in network.modules():
        if isinstance(module, Body):
            module.autocast = True
            for weight in module.parameters():
                if weight.ndim == 4:
                    weight.data = weight.data.contiguous(memory_format=torch.channels_last)
    return network
