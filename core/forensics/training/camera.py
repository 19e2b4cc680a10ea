"""A simulated camera: photographs that were reduced have lost what a sensor leaves in an image at
its own resolution, and models that never saw it fail there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from forensics import random
from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.training.augmentation import Augmentation
from forensics.training.demosaicing import METHODS

# Ranges of Brooks et al. 2019, "Unprocessing images for learned raw denoising", section 3: gains of
# red and blue, variance of the noise for each unit of light, without the darkest scenes.
_RED, _BLUE = (1.9, 2.4), (1.5, 1.9)
_SHOT = (1e-4, 3e-3)
_ENCODING = 2.2
_BITS = 12
# Unsharp masking: amount, and s.d. of the blur in pixels; how far the blur reaches.
_AMOUNT, _BLUR, _REACH = (0.0, 1.0), (0.5, 1.0), 3
_DEMOSAICED = 8  # pixels around a point that its colours may depend on


@dataclass(frozen=True)
class Camera(Augmentation):
    """Takes a `share` of the crops as scenes and photographs them.

    The crop is linearised, seen through a Bayer pattern of any of the four phases, with shot and
    read noise, in 12 bits; white balance, one of three demosaicers, gamma and sharpening follow.
    Put `Reduction` before it, for a scene without a past. As powers and convolutions differ in
    their last bit, a few pixels may differ by one level on another device.
    """

    rgb: ClassVar[bool] = True
    share: float

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ForensicsError(
                f"Camera takes a share of the crops, above 0 and up to 1, not {self.share:g}"
            )

    def side_before(self, side: int) -> int:
        return side + 2 * (_DEMOSAICED + _REACH)

    def apply(self, batch: Batch) -> Batch:
        chosen = (random.uniform(batch.keys, "camera") < self.share).nonzero()[:, 0]
        pixels = batch.pixels.clone()
        if len(chosen):
            pixels[chosen] = photographed(batch.pixels[chosen], batch.keys[chosen])
        return batch.with_pixels(pixels)


def photographed(scenes: Tensor, keys: Tensor) -> Tensor:
    """uint8 RGB `[N, 3, H, W]` as a camera renders these scenes."""
    light = (scenes.float() / 255) ** _ENCODING
    gains = torch.ones_like(light[:, :, :1, :1])
    gains[:, 0] = _drawn(keys, "camera red", _RED)[:, 0]
    gains[:, 2] = _drawn(keys, "camera blue", _BLUE)[:, 0]
    masks = bayer(keys, scenes.shape[2], scenes.shape[3])
    mosaic = (light / gains * masks).sum(1, keepdim=True)
    mosaic = sensed(mosaic, keys)
    mosaic = (mosaic * (gains * masks).sum(1, keepdim=True)).clamp(max=1)
    method = random.integers(keys, "camera demosaicer", len(METHODS))
    colours = torch.empty_like(light)
    for number, demosaiced in enumerate(METHODS):
        mine = (method == number).nonzero()[:, 0]
        if len(mine):
            colours[mine] = demosaiced(mosaic[mine], masks[mine])
    image = colours.clamp(0, 1) ** (1 / _ENCODING)
    amount = _drawn(keys, "camera sharpening", _AMOUNT)
    image = image + amount * (image - blurred(image, _drawn(keys, "camera blur", _BLUR)))
    return (255 * image).round().clamp(0, 255).to(torch.uint8)


def bayer(keys: Tensor, height: int, width: int) -> Tensor:
    """Where red, green and blue are seen, bool `[N, 3, height, width]`: the phase is drawn."""
    phase = random.integers(keys, "camera phase", 4)[:, None, None]
    odd_row = (torch.arange(height, device=keys.device)[:, None] + phase // 2) % 2 == 1
    odd_column = (torch.arange(width, device=keys.device) + phase % 2) % 2 == 1
    return torch.stack((~odd_row & ~odd_column, odd_row ^ odd_column, odd_row & odd_column), 1)


def sensed(light: Tensor, keys: Tensor) -> Tensor:
    """Light 0..1, `[N, 1, H, W]`, with shot and read noise, in steps of 12 bits.

    The noise is normal with a variance of shot * light + read (Brooks et al. 2019, eq. 1 to 3).
    """
    logarithm = _drawn(keys, "camera shot", (math.log(_SHOT[0]), math.log(_SHOT[1])))
    scatter = random.normal(keys, "camera read")[:, None, None, None]
    read = torch.exp(2.18 * logarithm + 1.2 + 0.26 * scatter)
    deviation = (logarithm.exp() * light + read).sqrt()
    noisy = light + deviation * random.normal(keys, "camera noise", tuple(light.shape[1:]))
    most = 2**_BITS - 1
    return (noisy.clamp(0, 1) * most).round() / most


def blurred(image: Tensor, deviation: Tensor) -> Tensor:
    """Gaussian blur of `[N, C, H, W]`, with an s.d. in pixels for each, `[N, 1, 1, 1]`."""
    distance = torch.arange(-_REACH, _REACH + 1, device=image.device)
    weights = torch.exp(-0.5 * (distance / deviation) ** 2)
    weights = weights / weights.sum(3, keepdim=True)
    for axis in (2, 3):
        sides = (_REACH, _REACH, 0, 0) if axis == 3 else (0, 0, _REACH, _REACH)
        padded = functional.pad(image, sides, "reflect")
        image = torch.zeros_like(image)
        for place in range(2 * _REACH + 1):
            part = padded.narrow(axis, place, image.shape[axis])
            image.addcmul_(part, weights[:, :, :, place : place + 1])
    return image


def _drawn(keys: Tensor, name: str, span: tuple[float, float]) -> Tensor:
    """Uniform over the span, `[N, 1, 1, 1]`."""
    low, high = span
    return (low + (high - low) * random.uniform(keys, name))[:, None, None, None]
