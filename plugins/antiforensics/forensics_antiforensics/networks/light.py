"""A light trunk at half resolution, the restorer made of it, and the network with noise."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from forensics_antiforensics.networks.residual import Body, convolution

_CHANNELS, _BLOCKS = 48, 4
_IN, _OUT = 64.0, 16.0  # grey levels to a unit of the network, on its way in and out


class Trunk(nn.Module):
    """Planes `[N, inputs, H, W]` to `[N, outputs, H, W]`, H and W multiples of 8, by residual
    blocks on 2 x 2 space-to-depth. It knows a pixel's place in its 8 x 8 block (a bias for each
    place: what one-hot planes at the input come to) and the logarithm of the mean step."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.head = convolution(4 * inputs, _CHANNELS)
        self.place = nn.Parameter(torch.zeros(_CHANNELS, 4, 4))
        self.strength = nn.Linear(1, _CHANNELS)
        self.body = Body(_CHANNELS, _BLOCKS)
        self.tail = convolution(_CHANNELS, 4 * outputs)
        nn.init.zeros_(self.tail.weight)
        assert self.tail.bias is not None
        nn.init.zeros_(self.tail.bias)

    def forward(self, planes: Tensor, steps: Tensor) -> Tensor:
        x = self.head(functional.pixel_unshuffle(planes, 2))
        log_step = steps.to(planes.dtype).mean((1, 2)).log()[:, None] - 3.0
        place = self.place.repeat(1, x.shape[2] // 4, x.shape[3] // 4)
        x = torch.relu(x + place + self.strength(log_step)[:, :, None, None])
        x = self.body(x.contiguous(memory_format=torch.channels_last))
        return functional.pixel_shuffle(self.tail(x), 2)


class Restorer(nn.Module):
    """The luma plane plus the trunk's correction. Each pixel depends on 23 pixels around it."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk(1, 1)

    def forward(self, luma: Tensor, steps: Tensor) -> Tensor:
        """luma: the unrounded decode, float `[N, H, W]` on 0..255, whole blocks; steps: int
        `[N, 8, 8]`. Returns the restored plane, unrounded, of the same form."""
        return luma + _OUT * self.trunk((luma[:, None] - 128) / _IN, steps)[:, 0]


class Matched(nn.Module):
    """Restoration and grain in one pass: the trunk sees one plane of white noise, and its gain
    maps weigh another, plain and through three fixed high-pass filters of 3 x 3."""

    NOISE = 2  # planes of white noise that it takes

    filters: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk(2, 5)
        self.register_buffer("filters", _filters(), persistent=False)

    def start_from(self, restorer: Mapping[str, Tensor]) -> None:
        """Take a `Restorer`'s state: the same restoration, and grain of s.d. 0.5 to begin with."""
        own = self.state_dict()
        for name, value in restorer.items():
            if name == "trunk.head.weight":
                own[name].zero_()[:, :4] = value
            elif name.startswith("trunk.tail"):
                own[name].zero_()[:4] = value
            else:
                own[name].copy_(value)
        own["trunk.tail.bias"][4:8] = 0.5 / _OUT
        self.load_state_dict(own)

    def forward(self, luma: Tensor, steps: Tensor, noise: Tensor) -> Tensor:
        """As `Restorer.forward`; noise: standard normal `[N, 2, H, W]`."""
        seen = torch.stack(((luma - 128) / _IN, noise[:, 0]), 1)
        change = _OUT * self.trunk(seen, steps)
        padded = functional.pad(noise[:, 1:], (1, 1, 1, 1), mode="replicate")
        grain = functional.conv2d(padded, self.filters)
        return luma + change[:, 0] + (change[:, 1:] * grain).sum(1)


def _filters() -> Tensor:
    """Float `[4, 1, 3, 3]` of unit energy: none, second differences across, down, and both."""
    none = torch.tensor([0.0, 1.0, 0.0])
    second = torch.tensor([-1.0, 2.0, -1.0])
    pairs = ((none, none), (none, second), (second, none), (second, second))
    kernels = torch.stack([torch.outer(down, across) for down, across in pairs])
    return (kernels / kernels.square().sum((1, 2), keepdim=True).sqrt())[:, None]
