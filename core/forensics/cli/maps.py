"""The maps of a localizer as files: numbers to compute with, pictures to look at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from forensics.atomic import replacing
from forensics.batch import Batch
from forensics.cli import drawing
from forensics.errors import ForensicsError
from forensics.metrics.mask_histogram import enlarged
from forensics.models.interfaces import Heatmap, Layer, Region

_LONGEST = 1200  # pixels of a side of what is drawn of layers and regions
_FEW = 10  # whole numbers that a legend names


def save(heatmap: Heatmap, batch: Batch, folder: Path, stem: str, force: bool) -> Path:
    """Write the first image's map as `STEM.npy` and, enlarged to the image and with its scale
    beside it, as a gray `STEM.png`, which is returned; its regions over the picture as
    `STEM.regions.png`; each layer as `STEM.layers/LAYER.npy` and in colours as `.png`. Raises
    ForensicsError where a file exists and `force` is false, or cannot be written."""
    image, layers = folder / f"{stem}.png", folder / f"{stem}.layers"
    if image.exists() and not force:
        raise ForensicsError(f"{image} exists: choose another folder, or --force to write over it")
    _save(folder / f"{stem}.npy", heatmap.values[0])
    if heatmap.regions:
        _write(_overlay(heatmap, batch), folder / f"{stem}.regions.png")
    for title, layer in heatmap.layers.items():
        name = re.sub(r"[^-\w.]+", "_", title)
        _save(layers / f"{name}.npy", layer.values[0])
        _write(_layer(heatmap, layer, batch.size), layers / f"{name}.png")
    heat = enlarged(heatmap, *batch.size)[0].float().cpu().numpy()
    _write(drawing.in_gray(heat, heatmap.unit, heatmap.scale), image)
    return image


def scale(heatmap: Heatmap) -> dict[str, Any]:
    """What the gray levels of the picture mean, as plain values: `unit`, `black`, `white`, and
    whether that is `fixed`, the same for all pictures."""
    (black, white), _ = drawing.scale_of(heatmap.values[0].cpu().numpy(), heatmap.scale)
    fixed = heatmap.scale is not None
    return {"unit": heatmap.unit, "black": black, "white": white, "fixed": fixed}


def words(values: Mapping[str, float], doubt: str | None = None) -> str:
    """Values by name; numbered names in a row are joined: `step1..3 8 6 6, r 4 (doubt)`."""
    numbered = [re.fullmatch(r"(.*?)(\d*)", name) for name in values]
    parts = [(match[1], match[2]) for match in numbered if match]
    remaining = iter(values.values())
    phrases = []
    for name, group in groupby(parts, key=lambda part: part[0]):
        numbers = [number for _, number in group]
        figures = " ".join(f"{next(remaining):.4g}" for _ in numbers)
        ends = numbers[0] if len(numbers) == 1 else f"{numbers[0]}..{numbers[-1]}"
        phrases.append(f"{name}{ends} {figures}")
    return ", ".join(phrases) + (f" ({doubt})" if doubt else "")


def listed(heatmap: Heatmap, size: tuple[int, int]) -> list[dict[str, Any]]:
    """The regions of the first image as plain values."""
    area = size[0] * size[1]
    return [
        {"pixels": r.pixels, "share": r.pixels / area, "values": dict(r.values), "doubt": r.doubt}
        for r in (heatmap.regions[0] if heatmap.regions else ())
    ]


def _save(path: Path, values: torch.Tensor) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            np.save(partial, values.cpu().numpy())
    except OSError as error:
        raise ForensicsError(f"cannot write {path}: {error.strerror or error}") from None


def _write(image: Image.Image, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            image.save(partial, format="PNG")
    except OSError as error:
        raise ForensicsError(f"cannot write {path}: {error.strerror or error}") from None


def _enlarged(heatmap: Heatmap, values: torch.Tensor, size: tuple[int, int]) -> Any:
    """As a pixel for each of the picture, of a large one for every second, third and so on."""
    every = _every(size)
    full: NDArray[np.float32] = enlarged(replace(heatmap, values=values), *size)[0].cpu().numpy()
    return full[::every, ::every]


def _every(size: tuple[int, int]) -> int:
    return -(-max(size) // _LONGEST)


def _layer(heatmap: Heatmap, layer: Layer, size: tuple[int, int]) -> Image.Image:
    values = _enlarged(heatmap, layer.values, size)
    known = np.unique(values[np.isfinite(values)])
    few = layer.scale is None and len(known) <= _FEW and bool((known == known.round()).all())
    if layer.classes or few:
        return drawing.in_classes(values, layer.unit, layer.classes)
    return drawing.in_colours(values, layer.unit, layer.scale)


def _overlay(heatmap: Heatmap, batch: Batch) -> Image.Image:
    every = _every(batch.size)
    captions = [
        f"{number}: {_share(region, batch)} %, {words(region.values, region.doubt)}"
        for number, region in enumerate(heatmap.regions[0])
    ]
    numbers = _enlarged(heatmap, heatmap.layers["region"].values, batch.size)
    pixels = batch.pixels[0, :, ::every, ::every].permute(1, 2, 0).cpu().numpy()
    picture = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    return drawing.over(picture, numbers.astype(np.int64), captions)


def _share(region: Region, batch: Batch) -> str:
    height, width = batch.size
    return f"{100 * region.pixels / (height * width):.1f}"
