"""The six detectors once more, image by image in plain numpy: slow, and written for reading."""

from __future__ import annotations

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dctn
from scipy.stats import norm

Gray = NDArray[np.uint8]


def jpeg(image: Gray, quality: int) -> Gray:
    """The image after Pillow's JPEG."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def _blocks(image: Gray) -> list[NDArray[np.float64]]:
    height, width = image.shape
    return [
        image[y : y + 8, x : x + 8].astype(float) - 128
        for y in range(0, height, 8)
        for x in range(0, width, 8)
    ]


def _dct(image: Gray) -> NDArray[np.float64]:
    return np.array([dctn(block, norm="ortho") for block in _blocks(image)])


def kl(image: Gray) -> float:
    aligned, shifted = _dct(image[:-8, :-8]), _dct(image[4:-4, 4:-4])
    ratios = []
    for u in range(8):
        for v in range(8):
            if u + v >= 8:
                own, other = aligned[:, u, v].var(), shifted[:, u, v].var()
                ratios.append(abs(own - other) / own)
    return float(np.mean(ratios))


def kf(image: Gray) -> float:
    x = image.astype(int)
    inside, across = np.zeros(511), np.zeros(511)
    for top in range(0, x.shape[0] - 8, 8):
        for left in range(0, x.shape[1] - 8, 8):
            for histogram, at in ((inside, 3), (across, 7)):
                y, z = top + at, left + at
                histogram[abs(x[y, z] - x[y, z + 1] - x[y + 1, z] + x[y + 1, z + 1])] += 1
    return float(np.abs(inside / inside.sum() - across / across.sum()).sum())


def blockiness(image: Gray, power: int) -> float:
    x = image.astype(int)
    height, width = x.shape
    rows, columns = (height - 2) // 8, (width - 2) // 8
    total = 0
    for i in range(1, rows + 1):
        for j in range(width):
            a, b, c, d = (x[8 * i + k - 2, j] for k in range(4))
            total += abs(a - 3 * b + 3 * c - d) ** power
    for i in range(1, columns + 1):
        for j in range(height):
            a, b, c, d = (x[j, 8 * i + k - 2] for k in range(4))
            total += abs(a - 3 * b + 3 * c - d) ** power
    return float(total) / (width * rows + height * columns)


def ku(image: Gray, power: int) -> float:
    return abs(blockiness(image, power) - blockiness(image[4:, 4:], power))


def _away(x: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rounded, halves away from zero."""
    x = np.round(x, 6)
    return (np.sign(x) * np.floor(np.abs(x) + 0.5)).astype(int)


def _weight(i: int, step: int, bound: float) -> float:
    total = [
        norm.cdf((-abs(i + j * step) + 0.5) * math.sqrt(12))
        - norm.cdf((-abs(i + j * step) - 0.5) * math.sqrt(12))
        for j in range(-9, 10)
        if abs(i) + abs(j) * step <= bound - 0.5
    ]
    return math.log(math.sqrt(2 * math.pi / 12) * sum(total)) if total else -100.0


def _step(levels: NDArray[np.int64], bound: float) -> int:
    values, counts = np.unique(levels, return_counts=True)
    mode = values[counts.argmax()]
    right = values > mode + math.floor(bound)
    if not right.any():
        return 0
    peak = int(values[right][counts[right].argmax()] - mode)
    tried = [q for q in range(1, peak + 2) if 0 in ((peak - 1) % q, peak % q, (peak + 1) % q)]
    likelihoods = []
    for q in tried:
        residuals, times = np.unique(levels - q * _away(levels / q), return_counts=True)
        fit = sum(n * _weight(int(i), q, bound) for i, n in zip(residuals, times, strict=True))
        likelihoods.append(fit + len(levels) * math.log(q))
    return tried[int(np.argmax(likelihoods))]


def kqf(image: Gray) -> float:
    chosen = [b + 128 for b in _blocks(image)]
    chosen = [b for b in chosen if b.min() > 0 and b.max() < 255 and b.min() < b.max()]
    levels = _away(np.array([dctn(b - 128, norm="ortho") for b in chosen]))
    values, counts = np.unique(levels[:, 0, 0], return_counts=True)
    levels[:, 0, 0] -= values[counts.argmax()]
    spread = [2, 1.307, 1.414, 1.307, 2, 1.307, 1.414, 1.307]
    steps = [_step(levels[:, u, v], spread[u] * spread[v]) for u in range(8) for v in range(8)]
    return float(sum(step > 1 for step in steps))


def kv(image: Gray) -> float:
    variations = []
    for quality in range(45, 101):
        x = jpeg(image, quality).astype(int)
        variations.append(np.abs(np.diff(x, axis=0)).sum() + np.abs(np.diff(x, axis=1)).sum())
    return float(np.diff(variations).max())
