"""Which grey levels there are: clipping, and how strong the noise is."""

from __future__ import annotations

import torch
from torch import Tensor

from forensics.jpeg.transform import block_dct

_QUANTILES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
_ENDS = (0, 1, 3, 7, 15)


def noise(luma: Tensor) -> Tensor:
    """The histogram in 16 bins; the shares of samples within 0, 1, 3, 7 and 15 levels of black and
    of white; quantiles of the s.d. of 8 x 8 blocks and of their DCT's mean size in four bands.
    `[N, 61]`."""
    n = len(luma)
    levels = luma.round().clamp(0, 255).long().flatten(1)
    first = 256 * torch.arange(n, device=luma.device)[:, None]
    counts = torch.bincount((levels + first).flatten(), minlength=256 * n).view(n, 256)
    shares = counts.float() / levels.shape[1]
    coarse = shares.view(n, 16, 16).sum(2).sqrt()
    ends = [shares[:, : end + 1].sum(1) for end in _ENDS]
    ends += [shares[:, 255 - end :].sum(1) for end in _ENDS]
    sizes = block_dct(luma - 128).flatten(1, 2).abs()
    deviation = (sizes.square().sum((2, 3)) - sizes[:, :, 0, 0].square()).clamp(min=0) / 64
    place = torch.arange(8, device=luma.device)
    order = place[:, None] + place
    bands = [sizes[:, :, (order >= low) & (order < low + 3)].mean(2) for low in (1, 4, 7, 10)]
    quantiles = torch.tensor(_QUANTILES, device=luma.device)
    found = [(one.quantile(quantiles, dim=1).T + 0.1).log() for one in (deviation.sqrt(), *bands)]
    return torch.cat([coarse, torch.stack(ends, 1).sqrt(), *found], 1)
