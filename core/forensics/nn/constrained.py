"""The constrained convolution: a layer that can only learn to predict a pixel from the others."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class ConstrainedConv2d(nn.Module):
    """Prediction errors: kernels whose centre is -1 and whose other values sum to 1, plane by plane
    (B. Bayar and M. C. Stamm, "A deep learning approach to universal image manipulation detection
    using a new convolutional layer", IH&MMSec 2016; "Constrained convolutional neural networks",
    IEEE Trans. Information Forensics and Security, 2018, eq. 4).

    inputs, outputs: channels; size: odd side of the kernel. No bias, no padding, no activation:
    `[N, inputs, H, W]` -> `[N, outputs, H - size + 1, W - size + 1]`. ValueError for an even or
    too small size.

    Reparametrised, not projected after each step: `free` holds size² - 1 values a kernel, and the
    kernel is `free` minus its mean plus 1 / (size² - 1). So the constraint always holds, whoever
    steps, loads or averages the weights, and a step of gradient descent, with momentum too, is
    the projected one. The authors divide by the sum instead, which explodes where it nears 0;
    their start, positive values of sum 1, is kept.
    """

    def __init__(self, inputs: int, outputs: int, size: int = 5) -> None:
        super().__init__()
        if size < 3 or size % 2 == 0:
            raise ValueError(f"a constrained kernel has an odd side of 3 or more, not {size}")
        self.size = size
        others = size * size - 1
        self.free = nn.Parameter(torch.rand(outputs, inputs, others) * (2 / others))

    def kernel(self) -> Tensor:
        """The constrained kernels, `[outputs, inputs, size, size]`."""
        others = self.free.shape[-1]
        around = self.free - self.free.mean(-1, keepdim=True) + 1 / others
        first, last = around.split(others // 2, -1)
        centre = -torch.ones_like(around[..., :1])
        return torch.cat([first, centre, last], -1).unflatten(-1, (self.size, self.size))

    def forward(self, planes: Tensor) -> Tensor:
        return functional.conv2d(planes, self.kernel())
