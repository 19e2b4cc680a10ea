"""The network of Kim, Ahn and Lee (2021): EDSR without up-sampling, then DCT coefficients clamped
to their bins."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from forensics.jpeg import block_dct, block_idct
from forensics_antiforensics.networks.residual import Body, convolution


class EDSRSub(nn.Module):
    """Section III-B: 3 x 3 convolutions, 64 channels, 8 residual blocks, no batch norm.

    Body-end convolution and skip are EDSR's; an input skip with a zero tail is added, so that an
    untrained network returns its input. Float `[N, 1, H, W]`, 0..1, to the same. Each pixel
    depends on 19 pixels around it.
    """

    def __init__(self, channels: int = 64, blocks: int = 8) -> None:
        super().__init__()
        self.head = convolution(1, channels)
        self.body = Body(channels, blocks)
        self.tail = convolution(channels, 1)
        nn.init.zeros_(self.tail.weight)
        assert self.tail.bias is not None
        nn.init.zeros_(self.tail.bias)

    def forward(self, image: Tensor) -> Tensor:
        head = self.head(image).contiguous(memory_format=torch.channels_last)
        return image + self.tail(self.body(head))


def soft_clamp(coefficients: Tensor, jpeg: Tensor, steps: Tensor, alpha: Tensor) -> Tensor:
    """Eq. 5: inside its bin, jpeg -+ steps / 2, a coefficient stays; outside, it becomes
    (1 - alpha) bound + alpha coefficient. All float `[N, by, bx, 8, 8]`, or broadcast to it."""
    low, high = jpeg - steps / 2, jpeg + steps / 2
    bound = torch.minimum(torch.maximum(coefficients, low), high)
    return bound + alpha * (coefficients - bound)


class AFCNN(nn.Module):
    """Eqs. 1-5 on the luma plane. alpha starts at 0.1, is trained, and acts clamped to [0, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = EDSRSub()
        self.alpha = nn.Parameter(torch.tensor(0.1))

    def both(self, luma: Tensor, steps: Tensor) -> tuple[Tensor, Tensor]:
        """I_recon and I_hat; see `forward`."""
        restored = self.trunk(luma[:, None] / 255)[:, 0] * 255
        jpeg, wanted = block_dct(luma - 128), block_dct(restored - 128)
        alpha = self.alpha.clamp(0, 1)
        clamped = soft_clamp(wanted, jpeg, steps[:, None, None].to(luma.dtype), alpha)
        return restored, block_idct(clamped) + 128

    def forward(self, luma: Tensor, steps: Tensor) -> Tensor:
        """luma: the unrounded decode, float `[N, H, W]` on 0..255, whole blocks; steps: int
        `[N, 8, 8]`. Returns the attacked plane, unrounded, of the same form."""
        return self.both(luma, steps)[1]
