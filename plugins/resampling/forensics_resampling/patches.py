"""What the models of this plugin see of a batch."""

from __future__ import annotations

from torch import Tensor

from forensics.plugin import Batch


def gray(batch: Batch) -> Tensor:
    """Luma, float32 `[N, H, W]` of 0..255: gray as it is, RGB as Pillow's L."""
    from forensics.jpeg.colour import luma

    pixels = batch.pixels
    return (luma(pixels.int()) if pixels.shape[1] == 3 else pixels[:, 0]).float()


def flat(gray: Tensor) -> Tensor:
    """Which are of one grey level, bool `[N]`: nothing can be seen in them."""
    return gray.amax((1, 2)) == gray.amin((1, 2))


def windows(gray: Tensor, side: int, stride: int) -> Tensor:
    """All windows that lie inside, row by row: `[N, windows, side, side]` of `[N, H, W]`."""
    return gray.unfold(1, side, stride).unfold(2, side, stride).flatten(1, 2)
