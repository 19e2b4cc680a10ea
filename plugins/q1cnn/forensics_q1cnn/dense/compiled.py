"""A dense block's training step in bfloat16 for a CPU, compiled by numba around torch's own
convolutions.

Layer by layer, torch copies all maps so far (`cat`) and goes over them some ten times for batch
norm and ReLU. Here the maps lie in one buffer `[N, H * W, channels]`, what is known of a map (mean
and variance are the same for all layers that see it) is found once, and norm and ReLU are one pass
forwards and one backwards (G. Pleiss and others, "Memory-efficient implementation of DenseNets",
2017, goes half this way). bfloat16 is the upper half of a float32; numpy sees it as uint16.
"""

# numba infers the types of compiled functions from their arguments.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numba import njit, uint32
from torch import Tensor, nn

from forensics import device
from forensics.device import parallel_for
from forensics.nn import DenseBlock


@njit(cache=True, nogil=True)
def _widen(row, bits):
    """bfloat16 as the bits of float32."""
    for j in range(len(bits)):
        bits[j] = uint32(row[j]) << uint32(16)


@njit(cache=True, nogil=True)
def _narrow(bits, row):
    """The bits of float32 as bfloat16, halves to even."""
    for j in range(len(bits)):
        even = (bits[j] >> uint32(16)) & uint32(1)
        row[j] = (bits[j] + uint32(0x7FFF) + even) >> uint32(16)


@njit(cache=True, nogil=True)
def _sums(maps, first, sums):
    """Of the maps from `first` on: the sums and those of squares of each image, `[N, 2, c]`."""
    count = sums.shape[2]
    bits = np.empty(count, np.uint32)
    x = bits.view(np.float32)
    plain, squares = np.empty(count, np.float32), np.empty(count, np.float32)
    for n in range(len(maps)):
        plain[:], squares[:] = 0, 0
        for i in range(maps.shape[1]):
            _widen(maps[n, i, first : first + count], bits)
            for j in range(count):
                plain[j] += x[j]
                squares[j] += x[j] * x[j]
        sums[n, 0], sums[n, 1] = plain, squares


@njit(cache=True, nogil=True)
def _activate(maps, scale, offset, active):
    """ReLU of scale * map + offset, of the first maps."""
    count = len(scale)
    bits = np.empty(count, np.uint32)
    x = bits.view(np.float32)
    for n in range(len(maps)):
        for i in range(maps.shape[1]):
            _widen(maps[n, i, :count], bits)
            for j in range(count):
                x[j] = max(x[j] * scale[j] + offset[j], np.float32(0))
            _narrow(bits, active[n, i])


@njit(cache=True, nogil=True)
def _descend(given, maps, scale, offset, gradient, sums):
    """Through ReLU and scale: adds to the gradient of the first maps; sums of what came through
    ReLU, alone and times the map, `[N, 2, c]`."""
    count = len(scale)
    bits = np.empty((3, count), np.uint32)
    floats = bits.view(np.float32)
    g, x, into = floats[0], floats[1], floats[2]
    plain, times = np.empty(count, np.float32), np.empty(count, np.float32)
    for n in range(len(maps)):
        plain[:], times[:] = 0, 0
        for i in range(maps.shape[1]):
            _widen(given[n, i], bits[0])
            _widen(maps[n, i, :count], bits[1])
            _widen(gradient[n, i, :count], bits[2])
            for j in range(count):
                g[j] = g[j] if x[j] * scale[j] + offset[j] > np.float32(0) else np.float32(0)
            for j in range(count):
                into[j] += g[j] * scale[j]
            for j in range(count):
                plain[j] += g[j]
                times[j] += g[j] * x[j]
            _narrow(bits[2], gradient[n, i, :count])
        sums[n, 0], sums[n, 1] = plain, times


@njit(cache=True, nogil=True)
def _finish(gradient, maps, first, level, slope, result):
    """The gradient of the maps from `first` on, less level + slope * map."""
    count = len(level)
    bits = np.empty((2, count), np.uint32)
    floats = bits.view(np.float32)
    g, x = floats[0], floats[1]
    for n in range(len(maps)):
        for i in range(maps.shape[1]):
            _widen(gradient[n, i, first : first + count], bits[0])
            _widen(maps[n, i, first : first + count], bits[1])
            for j in range(count):
                g[j] = g[j] - level[j] - slope[j] * x[j]
            _narrow(bits[0], result[n, i])


def _images(planes: Tensor) -> np.ndarray:
    """bfloat16 `[N, C, H, W]`, channels last, as uint16 `[N, H * W, C]`, the same memory."""
    return planes.permute(0, 2, 3, 1).flatten(1, 2).view(torch.uint16).numpy()


def _each(kernel: Any, images: Sequence[np.ndarray], *rest: Any, after: Sequence[Any] = ()) -> None:
    """The kernel on the images, in several threads where that pays; `rest` is for all of them,
    `after` again one an image."""

    def work(part: slice) -> None:
        kernel(*(a[part] for a in images), *rest, *(a[part] for a in after))

    parallel_for(work, len(images[0]), images[0].shape[1] * images[0].shape[2])


class _Step(torch.autograd.Function):
    """Maps, means and variances of a block; gradients of its input and parameters."""

    @staticmethod
    def forward(ctx: Any, planes: Tensor, eps: float, *parameters: Tensor) -> Any:
        n, inputs, height, width = planes.shape
        layers = [parameters[i : i + 3] for i in range(0, len(parameters), 3)]
        growth = len(layers[0][2])
        maps = _empty(n, inputs + growth * len(layers), height, width)
        maps[:, :inputs] = planes
        seen = _images(maps)
        moments = torch.zeros(2, maps.shape[1])
        _moments(seen, 0, inputs, moments)
        actives, affine = [], []
        for i, (gain, offset, weight) in enumerate(layers):
            count = inputs + growth * i
            mean, variance = moments[:, :count]
            scale = gain * (variance + eps).rsqrt()
            affine.append(torch.stack([scale, offset - mean * scale]))
            actives.append(_empty(n, count, height, width))
            _each(_activate, [seen], *affine[i].numpy(), after=[_images(actives[i])])
            made = torch.conv2d(actives[i], weight.bfloat16(), padding=weight.shape[2] // 2)
            maps[:, count : count + growth] = made
            _moments(seen, count, growth, moments)
        ctx.eps, ctx.count = eps, len(layers)
        ctx.save_for_backward(maps, moments, *actives, *affine, *parameters[2::3])
        ctx.mark_non_differentiable(moments)
        return maps, moments

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        maps, moments, *rest = ctx.saved_tensors
        actives, affine, weights = (rest[i : i + ctx.count] for i in range(0, len(rest), ctx.count))
        growth, total = len(weights[0]), maps.numel() // maps.shape[1]
        seen = _images(maps)
        whole = gradients[0].clone(memory_format=torch.channels_last)
        # What mean and variance take back from each map, for all layers that see it.
        taken = torch.zeros(2, maps.shape[1])
        found: list[Tensor] = []
        for active, (scale, offset), weight in zip(
            reversed(actives), reversed(affine), reversed(weights), strict=True
        ):
            count = len(scale)
            mean, variance = moments[:, :count]
            given = _finished(whole, seen, slice(count, count + growth), taken)
            past, change = _through(given, active, weight)
            sums = np.zeros((len(maps), 2, count))
            _each(
                _descend,
                [_images(past), seen],
                scale.numpy(),
                offset.numpy(),
                after=[_images(whole), sums],
            )
            plain, times = torch.from_numpy(sums.sum(0)).float()
            spread = (variance + ctx.eps).rsqrt()
            gain = (times - mean * plain) * spread
            slope = scale * gain * spread / total
            taken[:, :count] += torch.stack([scale * plain / total - slope * mean, slope])
            found = [gain, plain, change, *found]
        return _finished(whole, seen, slice(0, count), taken), None, *found


def _empty(*shape: int) -> Tensor:
    return torch.empty(shape, dtype=torch.bfloat16, memory_format=torch.channels_last)


def _moments(seen: np.ndarray, first: int, count: int, moments: Tensor) -> None:
    """Mean and variance of some maps, written to their places, `[2, channels]`."""
    sums = np.zeros((len(seen), 2, count))
    _each(_sums, [seen], first, after=[sums])
    mean, square = torch.from_numpy(sums.sum(0) / (seen.shape[0] * seen.shape[1]))
    moments[0, first : first + count] = mean
    moments[1, first : first + count] = (square - mean**2).clamp(min=0)


def _through(given: Tensor, active: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of a convolution's input and of its weight."""
    around = [weight.shape[2] // 2] * 2
    past, change, _ = torch.ops.aten.convolution_backward(
        given,
        active,
        weight.bfloat16(),
        None,
        [1, 1],
        around,
        [1, 1],
        False,
        [0, 0],
        1,
        [True, True, False],
    )
    return past.contiguous(memory_format=torch.channels_last), change.float()


def _finished(gradient: Tensor, seen: np.ndarray, those: slice, taken: Tensor) -> Tensor:
    """The whole gradient of some maps."""
    n, _, height, width = gradient.shape
    result = _empty(n, those.stop - those.start, height, width)
    level, slope = taken[:, those].contiguous().numpy()
    _each(_finish, [_images(gradient), seen], those.start, level, slope, after=[_images(result)])
    return result


def block(planes: Tensor, layers: nn.ModuleList) -> Tensor:
    """What the layers (batch norm, ReLU, convolution each) make of bfloat16 planes in training,
    with all that they have seen, bfloat16 `[N, outputs, H, W]`, channels last. Keeps their running
    means and variances."""
    norms = [m for m in layers.modules() if isinstance(m, nn.BatchNorm2d)]
    parameters = list(layers.parameters())  # of each layer, the norm's two and the weight
    maps, (mean, variance) = _Step.apply(planes, norms[0].eps, *parameters)
    total = planes.shape[0] * planes.shape[2] * planes.shape[3]
    unbiased = variance * (total / (total - 1))
    for norm in norms:
        assert norm.running_mean is not None
        assert norm.running_var is not None
        assert norm.num_batches_tracked is not None
        assert norm.momentum is not None
        norm.running_mean.lerp_(mean[: norm.num_features], norm.momentum)
        norm.running_var.lerp_(unbiased[: norm.num_features], norm.momentum)
        norm.num_batches_tracked += 1
    return maps


class CompiledBlock(DenseBlock):
    """A dense block without dropout whose bfloat16 planes are trained on by the path above on a
    CPU."""

    def forward(self, planes: Tensor) -> Tensor:
        half = self.training and planes.dtype == torch.bfloat16
        if half and device.compiled(planes):
            return block(planes, self.layers)
        return super().forward(planes)
