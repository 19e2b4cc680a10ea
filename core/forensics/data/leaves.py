"""Pictures that were never compressed because they never were photographs: dead leaves.

Discs of all sizes fall upon one another; each hides what lies below. With radii whose density
falls with the cube, such pictures have the edges, the scaling and the statistics of natural ones
(Lee, Mumford and Huang 2001, "Occlusion models for natural images"), and networks learn from them
(Achddou, Gousseau and Ladjal 2021, "Synthetic images as a regularity prior for image restoration
neural networks"). The discs here have textures and gradients, the whole a lens's blur and noise.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from forensics.data.source import Photograph, Source
from forensics.errors import ForensicsError

# Splits as ranges of seeds.
_SPLITS = {
    "train": range(96),
    "val": range(1000, 1012),
    "calib": range(2000, 2012),
    "test": range(3000, 3024),
}
_SIZES = ((384, 512), (512, 384))
_COVERED = 3.0  # times the picture's area that falls in discs
_SMALLEST, _LARGEST = 2.0, 160.0
_TEXTURES = 6

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class _Leaves(Photograph):
    """A picture that is painted when it is loaded."""

    seed: int = 0

    def load(self, color: bool) -> NDArray[np.uint8]:
        """As of any photograph: uint8 `[3, H, W]`, or `[1, H, W]`, Pillow's `convert("L")`."""
        painted = picture(self.seed, *self.size)
        if color:
            return np.ascontiguousarray(painted.transpose(2, 0, 1))
        return np.array(Image.fromarray(painted).convert("L"))[None]


def dead_leaves(split: str | None = None) -> Source:
    """Pictures of 384 x 512 pixels, upright or not: 96 to train, 12 to validate, 12 to calibrate,
    24 to test. A split of None is `test`. The pictures are always the same; nothing is downloaded.

    Raises ForensicsError for another split.
    """
    chosen = split or "test"
    if chosen not in _SPLITS:
        raise ForensicsError(
            f"dead-leaves has no split {chosen}; choose one of {', '.join(_SPLITS)}"
        )
    # A picture is known by how it is made: this file, and its seed.
    recipe = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    pictures = []
    for seed in _SPLITS[chosen]:
        size = _SIZES[seed % 2]
        identity = hashlib.sha256(f"{recipe} {seed} {size}".encode()).hexdigest()
        name = f"dead-leaves/{seed}"
        pictures.append(_Leaves(name, identity, size, 3, chosen, Path(name), seed=seed))
    return Source("dead-leaves", tuple(pictures), chosen)


def picture(seed: int, height: int, width: int) -> NDArray[np.uint8]:
    """uint8 `[height, width, 3]`, a function of its arguments alone."""
    random = np.random.default_rng([20_011, seed])
    textures = [_texture(random, height, width) for _ in range(_TEXTURES)]
    canvas = 128 + 40 * textures[0][:, :, None] + np.zeros(3, np.float32)
    radii = _radii(random, height * width)
    count = len(radii)
    centres = random.uniform((0, 0), (height, width), (count, 2))
    # Grey levels are spread evenly, colours near to gray.
    colours = random.uniform(10, 245, (count, 1)) + random.normal(0, 28, (count, 3))
    slopes = random.normal(0, 18, (count, 2)) / radii[:, None]
    contrasts = random.exponential(14, count)
    for i in range(count):
        texture = textures[random.integers(_TEXTURES)]
        _drop(canvas, texture, centres[i], radii[i], colours[i], slopes[i], contrasts[i])
    blur, noise = random.uniform(0.3, 0.8), random.uniform(0.5, 2.5)
    canvas = ndimage.gaussian_filter(canvas, (blur, blur, 0))
    canvas += noise * random.standard_normal(canvas.shape, np.float32)
    return np.rint(canvas).clip(0, 255).astype(np.uint8)


def _radii(random: np.random.Generator, area: int) -> Floats:
    """In pixels, of a density r ** -3, for discs that cover the area several times."""
    low, high = _SMALLEST**-2, _LARGEST**-2
    mean = 2 * np.pi * np.log(_LARGEST / _SMALLEST) / (low - high)
    count = round(_COVERED * area / mean)
    return np.asarray((low - (low - high) * random.random(count)) ** -0.5, np.float32)


def _texture(random: np.random.Generator, height: int, width: int) -> Floats:
    """Zero mean and unit variance: noise of a spectrum f ** -a, with a grating in every other."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    frequency[0, 0] = 1
    spectrum = np.fft.rfft2(random.standard_normal((height, width)))
    field = np.fft.irfft2(spectrum * frequency ** -random.uniform(0.2, 1.6), (height, width))
    field /= field.std()
    if random.random() < 0.5:
        y, x = np.mgrid[:height, :width]
        angle, period = random.uniform(0, np.pi), np.exp(random.uniform(np.log(3), np.log(30)))
        phase = 2 * np.pi / period * (np.cos(angle) * y + np.sin(angle) * x)
        field = np.sqrt(2) * np.sin(phase + field)
    return np.asarray((field - field.mean()) / field.std(), np.float32)


def _drop(
    canvas: Floats,
    texture: Floats,
    centre: NDArray[np.float64],
    radius: float,
    colour: NDArray[np.float64],
    slope: NDArray[np.float64],
    contrast: float,
) -> None:
    """One disc on top of the others; its edge is soft over the width of a pixel."""
    first = np.maximum(np.floor(centre - radius - 1).astype(int), 0)
    last = np.ceil(centre + radius + 2).astype(int)
    place = np.s_[first[0] : last[0], first[1] : last[1]]
    below = canvas[place]
    y = (np.arange(below.shape[0], dtype=np.float32) + first[0] - centre[0])[:, None]
    x = np.arange(below.shape[1], dtype=np.float32) + first[1] - centre[1]
    cover = (radius + 0.5 - np.sqrt(y * y + x * x)).clip(0, 1)
    shade = slope[0] * y + slope[1] * x + contrast * texture[place]
    below += cover[:, :, None] * (colour + shade[:, :, None] - below)
