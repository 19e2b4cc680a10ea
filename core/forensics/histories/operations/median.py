"""`median(5)`: the median of a square neighbourhood."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import torch
from torch import Tensor
from torch.nn import functional

from forensics import device
from forensics.batch import Batch
from forensics.histories.operations.opencv import filtered
from forensics.histories.operations.parameters import odd
from forensics.models.interfaces import Operation

LARGEST = 31


@dataclass(frozen=True)
class Median(Operation):
    """Each pixel becomes the median of the `size` x `size` pixels around it, channel by channel.

    size: odd, 1..31, or int64 `[N]`. Beyond the border the outermost pixels are repeated. Equal to
    OpenCV's `medianBlur` in every pixel, on every device.
    """

    size: int | Tensor

    def __post_init__(self) -> None:
        odd(self.size, "median takes an odd size", 1, LARGEST)

    def margin(self, color: bool) -> int:
        return odd(self.size, "median takes an odd size", 1, LARGEST) // 2

    def apply(self, batch: Batch) -> Batch:
        if not isinstance(self.size, Tensor):
            return batch.with_pixels(median(batch.pixels, self.size))
        sizes = self.size.to(batch.device).expand(len(batch))
        result = torch.empty_like(batch.pixels)
        for size in sizes.unique().tolist():
            chosen = sizes == size
            result[chosen] = median(batch.pixels[chosen], size)
        return batch.with_pixels(result)


def median(pixels: Tensor, size: int) -> Tensor:
    """The median filter of uint8 `[N, C, H, W]`; see `Median`."""
    if size == 1:
        return pixels.clone()
    if device.compiled(pixels):
        return filtered(pixels, lambda plane, _: cv2.medianBlur(plane, size))
    radius = size // 2
    # Replication of bytes is not implemented; these floats hold them exactly.
    padded = functional.pad(pixels.float(), (radius,) * 4, mode="replicate").to(torch.uint8)
    return _bisected(padded, size)


def _bisected(padded: Tensor, size: int) -> Tensor:
    """The median of the valid neighbourhoods, bit by bit from the top: a bit is set where at most
    half of the neighbours lie below the value that has it."""
    height, width = padded.shape[2] - size + 1, padded.shape[3] - size + 1
    found = padded.new_zeros((*padded.shape[:2], height, width))
    for bit in (128, 64, 32, 16, 8, 4, 2, 1):
        tried = found + bit
        below = torch.zeros_like(found, dtype=torch.int16)
        for y in range(size):
            for x in range(size):
                below += padded[:, :, y : y + height, x : x + width] < tried
        found = torch.where(below <= size * size // 2, tried, found)
    return found
