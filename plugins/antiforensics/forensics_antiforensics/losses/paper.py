"""The paper's losses, eqs. 3 and 6-13.

Pixels are on 0..1 in the reconstruction loss, in s_mse and in v, DCT coefficients on the scale of
0..255, as the bins -60..60 ask for; the paper leaves both open. Histograms and v are taken of the
final image, after the clamp, or alpha would have no gradient.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from forensics.jpeg import block_dct
from forensics.nn import soft_histogram

LAMBDA_SMOOTH, LAMBDA_CALIBRATION, LAMBDA_DEBLOCK = 1.0, 0.0003, 0.06
GAMMA = 100.0


def subbands(plane: Tensor) -> Tensor:
    """Float `[N, H, W]` on 0..255 -> coefficients `[N, 64, blocks]`, frequency 8 u + v."""
    return block_dct(plane - 128).flatten(3).flatten(1, 2).transpose(1, 2)


def high_frequencies(device: torch.device) -> Tensor:
    """Bool `[64]`: the 28 subbands with u + v >= 8."""
    index = torch.arange(8, device=device)
    return (index[:, None] + index >= 8).flatten()


def histograms(plane: Tensor) -> Tensor:
    """Eqs. 6-8: `[N, 64, 120]`, each subband's shares over 64."""
    return soft_histogram(subbands(plane), GAMMA) / 64


def calibration(plane: Tensor) -> Tensor:
    """Eq. 10, of each image, `[N]`. The paper writes the variance of histogram bins; taken is that
    of the coefficients, as in the detector K_L that it stands for."""
    high = high_frequencies(plane.device)
    moved = plane[:, 4:-4, 4:-4]
    variances = [subbands(p)[:, high].var(2, correction=0) for p in (plane, moved)]
    return (variances[0] - variances[1]).abs().mean(1)


def second_differences(image: Tensor) -> Tensor:
    """Eq. 12: v of each pixel, `[N, H, W]`; the border is repeated."""
    p = functional.pad(image[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    middle = 2 * p[:, 1:-1, 1:-1]
    down = p[:, :-2, 1:-1] + p[:, 2:, 1:-1] - middle
    across = p[:, 1:-1, :-2] + p[:, 1:-1, 2:] - middle
    return down.square() + across.square()


@dataclass(frozen=True)
class Terms:
    """L_recon, L_hist and L_deblk, means over the batch."""

    reconstruction: Tensor
    histogram: Tensor
    deblocking: Tensor

    @property
    def total(self) -> Tensor:
        """Eq. 3."""
        return self.reconstruction + self.histogram + LAMBDA_DEBLOCK * self.deblocking


def losses(restored: Tensor, final: Tensor, luma: Tensor, target: Tensor) -> Terms:
    """The three losses of I_recon, I_hat, I and I_uncmp, all float `[N, H, W]` on 0..255."""
    scale = 2500 * ((luma - target) / 255).square().mean((1, 2))
    smooth = (histograms(final) - histograms(target)).abs().mean((1, 2))
    histogram = scale * LAMBDA_SMOOTH * smooth + LAMBDA_CALIBRATION * calibration(final)
    deblocking = scale * second_differences(final / 255).mean((1, 2))
    reconstruction = ((restored - target) / 255).square().mean()
    return Terms(reconstruction, histogram.mean(), deblocking.mean())
