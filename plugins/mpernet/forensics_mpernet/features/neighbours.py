"""How neighbouring samples depend on one another."""

from __future__ import annotations

import itertools
from functools import cache

import torch
from torch import Tensor


@cache
def _symmetry(levels: int, length: int) -> tuple[Tensor, int]:
    """Which class each word of `length` differences belongs to, where reversed words and words of
    the other sign are one: int64 `[levels ** length]`; how many classes."""
    with torch.inference_mode(False):
        words = list(itertools.product(range(levels), repeat=length))
        number: dict[tuple[int, ...], int] = {}
        of: list[int] = []
        for word in words:
            other = tuple(levels - 1 - one for one in word)
            key = min(word, word[::-1], other, other[::-1])
            of.append(number.setdefault(key, len(number)))
        return torch.tensor(of), len(number)


def words(digits: Tensor, levels: int, length: int, along: bool) -> Tensor:
    """Shares of the classes of words of `length` values in a row (of the last axis where `along`,
    else of the one before it): uint8 `[N, H, W]` of 0..levels-1 to float32 `[N, classes]`.
    There are at most 256 words."""
    of, count = _symmetry(levels, length)
    image = digits if along else digits.transpose(1, 2)
    kept = image.shape[2] - length + 1
    word = image[:, :, :kept]
    for i in range(1, length):
        word = word * levels + image[:, :, i : i + kept]
    n = len(image)
    size = levels**length
    first = size * torch.arange(n, device=image.device, dtype=torch.int32)[:, None]
    counts = torch.bincount((word.flatten(1) + first).flatten(), minlength=size * n)
    shares = counts.view(n, size).float() / word[0].numel()
    classes = torch.zeros(n, count, device=image.device)
    return classes.index_add(1, of.to(image.device), shares)


def quantised(values: Tensor, step: float, most: int) -> Tensor:
    """0 to 2 `most`, uint8: the nearest multiple of the step, cut off."""
    return (values / step).round_().clamp_(-most, most).add_(most).byte()


# order of the difference, step of the quantiser, levels, values in a row, along the differences
# (or across)
_KINDS = (
    (1, 1.0, 5, 3, True),
    (1, 3.0, 5, 3, True),
    (2, 2.0, 5, 3, True),
    (2, 2.0, 5, 3, False),
    (3, 1.5, 3, 4, True),
    (3, 4.5, 3, 4, True),
    (3, 4.5, 3, 4, False),
)


def cooccurrences(luma: Tensor) -> Tensor:
    """Roots of the shares of short words of quantised differences, of rows and columns together,
    `[N, 240]`."""
    found = []
    differences = {
        order: [image.diff(n=order, dim=2) for image in (luma, luma.transpose(1, 2))]
        for order in (1, 2, 3)
    }
    for order, step, levels, length, along in _KINDS:
        most = levels // 2
        both = [
            words(quantised(one, step, most), levels, length, along) for one in differences[order]
        ]
        found.append(((both[0] + both[1]) / 2).sqrt())
    return torch.cat(found, 1)


def local(luma: Tensor) -> Tensor:
    """Autocorrelations, at lags 1 to 8, of first differences and of their signs; shares of equal
    neighbours; logarithms of mean absolute differences of orders 1 to 4. `[N, 21]`."""
    values: list[Tensor] = []
    for image in (luma, luma.transpose(1, 2)):
        first = image.diff(dim=2)
        parts = []
        for one in (first, first.sign()):
            power = one.square().mean((1, 2)) + 0.05
            parts += [
                (one[:, :, lag:] * one[:, :, :-lag]).mean((1, 2)) / power for lag in range(1, 9)
            ]
        parts.append((first == 0).float().mean((1, 2)))
        parts += [
            (image.diff(n=order, dim=2).abs().mean((1, 2)) + 0.05).log() for order in (1, 2, 3, 4)
        ]
        values.append(torch.stack(parts, 1))
    return (values[0] + values[1]) / 2
