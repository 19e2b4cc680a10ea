"""The total variation after another compression: what K_V looks at, with a gradient."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from forensics.jpeg import block_dct, block_idct, standard_tables


class _Round(torch.autograd.Function):
    """Rounding, with the slope 1 - cos 2 pi t of a smooth staircase."""

    @staticmethod
    def forward(ctx: Any, t: Tensor) -> Tensor:
        ctx.save_for_backward(t)
        return t.round()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (t,) = ctx.saved_tensors
        return gradients[0] * (1 - torch.cos(2 * math.pi * t))


def whole(plane: Tensor) -> Tensor:
    """8-bit pixels of float ones, as floats, with the gradient passed straight through."""
    return plane + (plane.round().clamp(0, 255) - plane).detach()


def log_variation(plane: Tensor, qualities: Tensor) -> Tensor:
    """Logarithm of the mean absolute first difference after a compression at each quality.

    plane: float `[N, H, W]` on 0..255, whole blocks; qualities: int64 `[Q]`. Returns `[N, Q]`.
    """
    steps = standard_tables(qualities, 1).to(plane.device, plane.dtype)[:, None, :, None]
    levels = _Round.apply(block_dct(plane - 128) / steps)
    decoded = whole(block_idct((levels * steps).flatten(0, 1)) + 128)
    across = (decoded[:, :, 1:] - decoded[:, :, :-1]).abs().mean((1, 2))
    down = (decoded[:, 1:] - decoded[:, :-1]).abs().mean((1, 2))
    return (across + down).view(len(qualities), -1).T.clamp(min=1e-3).log()


def qualities(own: int) -> Tensor:
    """A draw of eight qualities to compare, int64 `[8]`: around the image's own (40 %), the
    highest (25 %), any eight in a row, or every seventh. Drawn from torch's generator."""
    luck = torch.rand(()).item()
    if luck < 0.4:
        first, stride = min(own - 3, 93), 1
    elif luck < 0.65:
        first, stride = 93, 1
    elif luck < 0.9:
        first, stride = int(torch.randint(45, 93, ())), 1
    else:
        first, stride = int(torch.randint(45, 52, ())), 7
    return first + stride * torch.arange(8)


def variation_miss(output: Tensor, target: Tensor, drawn: Tensor) -> Tensor:
    """How far the relative steps of the total variation from one quality to the next are from the
    target's: squared, of the batch's means and (a tenth of the weight) of each image."""
    with torch.no_grad():
        wanted = log_variation(target, drawn).diff(dim=1)
    miss = log_variation(output, drawn).diff(dim=1) - wanted
    return 3e4 * miss.mean(0).square().mean() + 3e3 * miss.square().mean()
