"""The rival: B. Bayar and M. C. Stamm, "A deep learning approach to universal image manipulation
detection using a new convolutional layer", IH&MMSec 2016."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

_WIDE = 200  # the authors' dense layers have 4,096 outputs
_POOLED = 3  # cells a side in front of them: the authors' 15 fit one size of patch only


class BayarNetwork(nn.Module):
    """Luma or green `[N, 1, H, W]` of 0..255, sides of 64 and more -> logits of 'altered', `[N]`.

    Twelve filters whose centre is -1 and whose other values sum to 1 (`project`), two convolutions
    with ReLU and maxima, dense layers of 200. The maps are averaged to 3 x 3 in front of these, so
    that every size of patch is taken.
    """

    def __init__(self) -> None:
        super().__init__()
        self.errors = nn.Conv2d(1, 12, 5)
        self.trunk = nn.Sequential(
            nn.Conv2d(12, 64, 7, stride=2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 48, 5),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.AdaptiveAvgPool2d(_POOLED),
            nn.Flatten(),
            nn.Linear(48 * _POOLED**2, _WIDE),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(_WIDE, _WIDE),
            nn.ReLU(),
            nn.Dropout(0.5),
        )
        self.head = nn.Linear(_WIDE, 1)
        project(self.errors.weight)

    def forward(self, planes: Tensor) -> Tensor:
        answer: Tensor = self.head(self.trunk(self.errors(planes)))
        return answer[:, 0]


@torch.no_grad()
def project(kernels: Tensor) -> None:
    """In place, kernels `[K, 1, 5, 5]`: centre -1, the others divided by their sum. Where that is
    next to 0 what is missing to 1 is spread over them instead, as the quotient would explode."""
    size = kernels.shape[-1]
    flat = kernels.view(len(kernels), -1)
    centre = size * size // 2
    flat[:, centre] = 0
    total = flat.sum(1, keepdim=True)
    spread = flat + (1 - total) / (size * size - 1)
    flat.copy_(torch.where(total.abs() < 0.1, spread, flat / total))
    flat[:, centre] = -1


def stored(state: Mapping[str, Tensor]) -> BayarNetwork:
    """The network of a weight file."""
    return BayarNetwork()
