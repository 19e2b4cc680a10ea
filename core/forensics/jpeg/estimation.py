"""The quantisation table that decoded pixels still show."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from forensics.jpeg.colour import rgb_to_ycc
from forensics.jpeg.transform import block_dct, to_blocks

_STEPS = 255  # of a baseline table
_FINE = 4  # bins a unit of the histograms of |coefficient|
_BINS = 1024 * _FINE + 1  # no coefficient of 8-bit pixels is beyond 1024
# What rounding the pixels does to a coefficient: (share, standard deviation) of two normal
# distributions, the second for blocks whose pixels are not rounded independently. It fits the
# tails of training photographs at qualities 50 to 95.
_ROUNDING = (0.985, (1 / 12 + 1 / 1536) ** 0.5), (0.015, 0.75)
_ELSE = 1e-6  # the share that is left to anything else
_BUSY = 16  # grey levels from the darkest to the brightest pixel of a block that counts
_SURE = 0.95
_TOGETHER = 32  # images: 2 MB of histograms each


def estimate_table(pixels: Tensor) -> Tensor:
    """The luma quantisation table of JPEGs that were decoded and saved without loss.

    pixels: uint8 `[N, C, H, W]`, C = 1 or 3 (RGB), whose top left corner is that of the JPEG.
    Returns int32 `[N, 8, 8]` in natural order, 0 where undetermined; 1 also where nothing was
    quantised.

    Maximum likelihood, a subband at a time, for steps q of 1..255. A coefficient is q m + e: e is
    what rounding the pixels adds, with variance 1/12 + 1/1536 and a heavier tail; the levels m
    are those of a quantised Laplacian, whose scale is the most likely one for each q (in closed
    form, J. R. Price and M. Rabbani, "Biased reconstruction for JPEG decoding", IEEE Signal
    Processing Letters, 1999). Against these stands q = infinity, where all levels are 0.
    Undetermined: no step has 95 % of the likelihood of all, as where all or almost all levels
    are 0. Left out are smooth blocks, whose rounding is no noise, and those with a pixel at 0 or
    255, which may have been clipped. `tests/jpeg/test_estimation.py` states the accuracy.
    """
    parts = [_estimate(part) for part in pixels.split(_TOGETHER)]
    return torch.cat(parts) if parts else pixels.new_zeros(0, 8, 8, dtype=torch.int32)


def _estimate(pixels: Tensor) -> Tensor:
    logs = _log_likelihoods(_histograms(pixels))
    best, index = logs.softmax(-1).max(-1)
    steps = torch.where((best >= _SURE) & (index < _STEPS), index + 1, 0)
    return steps.to(torch.int32).unflatten(1, (8, 8))


def _histograms(pixels: Tensor) -> Tensor:
    """float64 `[N, 64, bins]`: how often each |coefficient| occurs, in quarters."""
    height, width = (side - side % 8 for side in pixels.shape[2:])
    whole = pixels[:, :, :height, :width].to(torch.int32)
    low, high = (_blockwise(extreme) for extreme in (whole.amin(1), whole.amax(1)))
    usable = (low.amin(-1) > 0) & (high.amax(-1) < 255)
    luma = rgb_to_ycc(whole)[:, 0] if whole.shape[1] == 3 else whole[:, 0]
    blocks = _blockwise(luma)
    usable &= blocks.amax(-1) - blocks.amin(-1) >= _BUSY
    values = block_dct(luma.to(torch.float64) - 128).flatten(1, 2).flatten(2).abs()
    bins = (values * _FINE).long().transpose(1, 2)
    weights = usable.double()[:, None].expand(bins.shape)
    counts = weights.new_zeros(*bins.shape[:2], _BINS)
    return counts.scatter_add_(2, bins, weights)


def _blockwise(planes: Tensor) -> Tensor:
    return to_blocks(planes).flatten(1, 2).flatten(2)


@cache
def _tables(device: torch.device) -> tuple[Tensor, Tensor]:
    """For every bin (rows) and step, infinity last (columns), float64 `[bins, 256]` twice: the
    log-density of |coefficient| given its nearest level, and that level."""
    with torch.inference_mode(False):
        values = (torch.arange(_BINS, dtype=torch.float64, device=device)[:, None] + 0.5) / _FINE
        steps = torch.arange(1, _STEPS + 2, dtype=torch.float64, device=device)
        steps[-1] = 1e6
        levels = (values / steps).round()
        density = torch.zeros_like(levels)
        for near in (-1, 0, 1):
            apart = values - (levels + near) * steps
            for share, deviation in _ROUNDING:
                low, high = ((apart + half / _FINE) / deviation for half in (-0.5, 0.5))
                density += share * _FINE * (torch.special.ndtr(high) - torch.special.ndtr(low))
        # Anything else falls anywhere between two levels, or anywhere at all.
        return ((1 - _ELSE) * density + _ELSE / steps.clamp(max=2048)).log(), levels


def _log_likelihoods(counts: Tensor) -> Tensor:
    """float64 `[N, 64, 256]`: of steps 1..255 and of all levels 0, from `_histograms`."""
    occupied = counts.sum((0, 1)).nonzero()
    used = int(occupied.amax()) + 1 if len(occupied) else 1
    density, levels = (table[:used] for table in _tables(counts.device))
    counts = counts[..., :used]
    logs = counts @ density
    total = counts.sum(-1, keepdim=True)
    others = counts @ (levels > 0).double()
    return logs + _laplacian(total - others, others, counts @ levels)


def _laplacian(zeros: Tensor, others: Tensor, sums: Tensor) -> Tensor:
    """Log-probability of the levels of a quantised Laplacian at its most likely scale b.

    zeros, others: how many levels are 0 and are not; sums: of their absolute values. With
    g = exp(-q / 2b), P(0) = 1 - g and P(m) = g**(2|m|) (1/g - g) / 2; the derivative by g is 0
    where (zeros + others + 2 sums) g**2 + zeros g - (2 sums - others) = 0.
    """
    total, rest = zeros + others, 2 * sums - others
    lead = (total + 2 * sums).clamp(min=1)
    g = ((zeros.square() + 4 * lead * rest).sqrt() - zeros) / (2 * lead)
    return total * torch.log1p(-g) + others * torch.log((1 + g) / 2) + torch.xlogy(rest, g)
