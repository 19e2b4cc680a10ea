"""DenseNet-40 for patches of a double JPEG, as both papers have it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from forensics.batch import Batch
from forensics.jpeg import ZIGZAG, standard_tables
from forensics.jpeg.colour import luma
from forensics.nn import DenseBlock, Transition

STEPS = 15  # first luma steps in zig-zag order
PATCH = 64  # pixels a side
_CAP = 50  # the quality whose steps are the largest that are estimated
_EPS = 1e-6  # the averages' variance is about 1e-3
_FIRST = 24  # maps of the first convolution, twice the growth


def table(quality: Tensor) -> Tensor:
    """int64 `[N, 15]`: the first luma steps of libjpeg's qualities, int64 `[N]`."""
    return standard_tables(quality.cpu(), 1)[:, 0].flatten(1)[:, ZIGZAG[:STEPS]].long()


# The steps of quality 50: 226 classes in 15 blocks, class j of a block is step j + 1.
CAPS: tuple[int, ...] = tuple(table(torch.tensor([_CAP]))[0].tolist())


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
            block = DenseBlock(width)
            width = block.outputs
            layers += [block] if last else [block, Transition(width)]
        layers += [nn.BatchNorm2d(width), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        self.trunk = nn.Sequential(*layers)
        self.last = nn.Linear(width, outputs)

    @classmethod
    def of(cls, state: Mapping[str, Tensor]) -> DenseNet40:
        """The network of a weight file; what `Learner` standardises goes into the dense layer."""
        left = {name: value for name, value in state.items() if not name.startswith("pooled.")}
        scale = (state["pooled.running_var"] + _EPS).rsqrt()
        left["last.weight"] = state["last.weight"] * scale
        left["last.bias"] = state["last.bias"] - left["last.weight"] @ state["pooled.running_mean"]
        network = cls(len(left["last.bias"]), left["first.weight"].shape[1])
        network.load_state_dict(left)
        return network

    def features(self, pixels: Tensor) -> Tensor:
        """The maps' averages, `[N, 456]`."""
        # Sixteen bits have no room for 1/255 beside 1, and what is looked for is that small.
        kind = pixels.device.type
        with torch.autocast(kind, enabled=False):
            planes = self.first(pixels)
        if torch.is_autocast_enabled(kind):
            planes = planes.to(torch.get_autocast_dtype(kind))
        found: Tensor = self.trunk(planes)
        return found

    def forward(self, pixels: Tensor) -> Tensor:
        found: Tensor = self.last(self.features(pixels))
        return found


class Learner(DenseNet40):
    """The same network while it is trained: the averages, which are positive and vary little from
    patch to patch, are standardised for the dense layer, or it would learn a hundred times as
    slowly. Nothing more can be said that way than without."""

    def __init__(self, outputs: int, channels: int = 1) -> None:
        super().__init__(outputs, channels)
        self.pooled = nn.BatchNorm1d(self.last.in_features, _EPS, affine=False)

    def forward(self, pixels: Tensor) -> Tensor:
        found: Tensor = self.last(self.pooled(self.features(pixels).float()))
        return found

    def begin(self, biases: Tensor) -> Learner:
        """Set weights to train from: of the first convolution mostly filters that answer to what
        compression changes, those of the 3 x 3 DCT but the mean, with either sign; He's elsewhere;
        a last layer that says little more than the biases, `[outputs]`."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
        filters = _basis()[1:, None]
        with torch.no_grad():
            self.first.weight[:16] = torch.cat([filters, -filters])
            self.last.weight.mul_(0.1)
            self.last.bias.copy_(biases)
        return self


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
    """Whole windows of a side, without overlap, from the corner on: `[N, C, H, W]` ->
    `[N, windows, C, side, side]`."""
    cut = planes.unfold(2, side, side).unfold(3, side, side)
    return cut.permute(0, 2, 3, 1, 4, 5).flatten(1, 2)
