"""Statistics of block transforms on the grid of the last JPEG."""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

from forensics.jpeg.transform import block_dct


@cache
def _basis(size: int) -> Tensor:
    """The orthonormal DCT-II, float32 `[size, size]`, a row a frequency."""
    with torch.inference_mode(False):
        place = torch.arange(size, dtype=torch.float64)
        rows = torch.cos((2 * place + 1) * place[:, None] * (math.pi / (2 * size)))
        rows *= math.sqrt(2 / size)
        rows[0] /= math.sqrt(2)
        return rows.float()


@cache
def _half(size: int) -> tuple[Tensor, Tensor]:
    with torch.inference_mode(False):
        rows, columns = torch.triu_indices(size, size)
        return rows, columns


def _symmetric(maps: Tensor) -> Tensor:
    """The means of `[N, k, k]` and its transpose, each once: `[N, k (k + 1) / 2]`."""
    rows, columns = (index.to(maps.device) for index in _half(maps.shape[-1]))
    return (maps[:, rows, columns] + maps[:, columns, rows]) / 2


def dct32(luma: Tensor) -> Tensor:
    """Of 32 x 32 blocks: the logarithm of each frequency's share in the block's energy, mean over
    the blocks, and at the place of the mean, the logarithm of their mean energy, `[N, 528]`."""
    n, height, width = luma.shape
    whole = luma[:, : height // 32 * 32, : width // 32 * 32]
    blocks = whole.reshape(n, height // 32, 32, width // 32, 32).transpose(2, 3)
    basis = _basis(32).to(luma.device)
    energy = (basis @ blocks @ basis.T).square()
    whole = energy.sum((-2, -1), keepdim=True) - energy[..., :1, :1] + 50
    shares = (energy / whole).mean((1, 2))
    logs = (shares + 1e-6).log()
    logs[:, 0, 0] = whole.mean((1, 2)).flatten().log()
    return _symmetric(logs)


def jpeg(luma: Tensor, steps: Tensor) -> Tensor:
    """Of the 8 x 8 DCT by frequency: the logarithm of the mean size; the shares of levels that are
    0 and +-1; mean sizes in levels, as a root. `[N, 144]`."""
    found = block_dct(luma - 128).flatten(1, 2)
    size = found.abs()
    levels = size / steps.reshape(-1, 1, 8, 8).clamp(min=1)
    zero = (levels < 0.5).float().mean(1)
    one = ((levels >= 0.5) & (levels < 1.5)).float().mean(1)
    maps = ((size.mean(1) + 0.02).log(), zero.sqrt(), one.sqrt(), levels.mean(1).sqrt())
    return torch.cat([_symmetric(one) for one in maps], 1)


def grid(luma: Tensor) -> Tensor:
    """Mean absolute first and second differences across by position modulo 8, over their mean, and
    the logarithms of these: `[N, 18]`."""
    found = []
    for order in (1, 2):
        both = torch.zeros(len(luma), 8, device=luma.device)
        for image in (luma, luma.transpose(1, 2)):
            profile = image.diff(n=order, dim=2).abs().mean(1)[:, : image.shape[2] - 8]
            both += profile.unflatten(1, (-1, 8)).mean(1) / 2
        mean = both.mean(1, keepdim=True)
        found += [both / (mean + 0.05), (mean + 0.05).log()]
    return torch.cat(found, 1)


def table(steps: Tensor) -> Tensor:
    """Logarithms of luma steps, means over the table's diagonals two by two, `[N, 8]`."""
    place = torch.arange(8, device=steps.device)
    band = ((place[:, None] + place) // 2).flatten()
    logs = steps.clamp(min=1).log()
    return torch.stack([logs[:, band == number].mean(1) for number in range(8)], 1)


def side(luma: Tensor) -> Tensor:
    """The logarithm of how many samples there are, `[N, 1]`: peaks of larger windows are higher."""
    n, height, width = luma.shape
    return torch.full((n, 1), math.log(height * width), device=luma.device)
