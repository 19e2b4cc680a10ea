"""DenseNet-40 for patches of a double JPEG, as both papers have it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from forensics.batch import Batch
from forensics.jpeg import ZIGZAG, standard_tables
from forensics.jpeg.colour import luma
from forensics.nn import Transition
from forensics_q1cnn import thinning
from forensics_q1cnn.dense.compiled import CompiledBlock
from forensics_q1cnn.tables import STEPS

PATCH = 64  # pixels a side
_FIRST = 24  # maps of the first convolution, twice the growth


def table(quality: Tensor) -> Tensor:
    """int64 `[N, 15]`: the first luma steps of libjpeg's qualities, int64 `[N]`."""
    return standard_tables(quality.cpu(), 1)[:, 0].flatten(1)[:, ZIGZAG[:STEPS]].long()


class DenseNet40(nn.Module):
    """float32 `[N, channels, H, W]`, 0..1 -> `[N, outputs]`.

    A first convolution, three dense blocks of 12 layers of growth 12 with a transition between
    them, global average, one dense layer (section 4.1 of the paper). Dropout is off, as in the
    authors' code.
    """

    def __init__(self, outputs: int, channels: int = 1) -> None:
        super().__init__()
        width = _FIRST
        self.first = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        layers: list[nn.Module] = []
        for last in (False, False, True):
            block = CompiledBlock(width)
            width = block.outputs
            layers += [block] if last else [block, Transition(width)]
        layers += [nn.BatchNorm2d(width), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        self.trunk = nn.Sequential(*layers)
        self.last = nn.Linear(width, outputs)
        for weight in self.parameters():
            if weight.ndim == 4:  # a CPU convolves twice as fast with channels last
                weight.data = weight.data.contiguous(memory_format=torch.channels_last)

    @classmethod
    def of(cls, state: Mapping[str, Tensor]) -> DenseNet40:
        """The network that these weights belong to, with them."""
        network = cls(len(state["last.bias"]), state["first.weight"].shape[1])
        network.load_state_dict(state)
        return network

    def forward(self, pixels: Tensor) -> Tensor:
        # Sixteen bits have no room for 1/255 beside 1, and what is looked for is that small.
        kind = pixels.device.type
        with torch.autocast(kind, enabled=False):
            planes = self.first(pixels)
        if torch.is_autocast_enabled(kind):
            planes = planes.to(torch.get_autocast_dtype(kind))
        found: Tensor = self.last(self.trunk(planes))
        return found

    def begin(self, biases: Tensor) -> DenseNet40:
        """Set weights to train from.

        The first dense block begins as a bank of linear filters: its maps come in pairs of either
        sign, and a pair goes on with opposite weights, so that ReLU takes nothing away (D. Balduzzi
        and others, "The shattered gradients problem", ICML 2017, section 4). Of the first
        convolution most are the 3 x 3 DCT's without its mean, which answer to what compression
        changes. He's weights elsewhere; a last layer that says little more than the biases,
        `[outputs]`.
        """
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
        block = self.trunk[0]
        assert isinstance(block, CompiledBlock)
        with torch.no_grad():
            half = self.first.weight[: _FIRST // 2]
            half[:8] = _basis()[1:, None]
            half -= half.mean((2, 3), keepdim=True)
            _mirror(self.first.weight)
            for module in block.modules():
                if isinstance(module, nn.Conv2d):
                    growth = module.out_channels
                    sizes = [_FIRST, *[growth] * ((module.in_channels - _FIRST) // growth)]
                    for maps in module.weight.split(sizes, 1):
                        _mirror(maps.transpose(0, 1))
                    _mirror(module.weight)
            self.last.weight.mul_(0.1)
            self.last.bias.copy_(biases)
        return self


def _mirror(rows: Tensor) -> None:
    """Set the second half to minus the first."""
    half = len(rows) // 2
    rows[half:] = -rows[:half]


def _basis() -> Tensor:
    """The nine orthonormal 3 x 3 DCT filters `[9, 3, 3]`, the mean first."""
    k, n = torch.arange(3.0)[:, None], torch.arange(3.0)
    waves = (math.pi * k * (2 * n + 1) / 6).cos() * (2 / 3) ** 0.5
    waves[0] /= 2**0.5
    return torch.einsum("ay,bx->abyx", waves, waves).flatten(0, 1)


def shown(batch: Batch, channels: int) -> Tensor:
    """What a network of so many channels looks at: luma / 255, or RGB / 255; float32
    `[N, channels, H, W]`. A gray image has three equal channels."""
    pixels = batch.pixels
    if channels == 3:
        pixels = pixels.expand(-1, 3, -1, -1)
    elif pixels.shape[1] == 3:
        pixels = luma(pixels.int())[:, None]
    return pixels.float() / 255


def windows(planes: Tensor, side: int) -> Tensor:
    """Whole windows of a side, without overlap, from the corner on, of a large image only some rows
    and columns of them: `[N, C, H, W]` -> `[N, windows, C, side, side]`."""
    cut = planes.unfold(2, side, side).unfold(3, side, side)
    every = thinning.every(*cut.shape[2:4])
    cut = cut[:, :, ::every, ::every]
    return cut.permute(0, 2, 3, 1, 4, 5).flatten(1, 2)
