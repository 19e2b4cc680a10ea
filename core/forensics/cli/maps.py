"""The maps of a localizer as files: numbers to compute with, pictures to look at."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from forensics.atomic import replacing
from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.images.writing import write
from forensics.metrics.mask_histogram import enlarged
from forensics.models.interfaces import Heatmap, Layer, Region

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

UNDRAWN = "layers are not drawn: run `pip install 'image-forensics[plot]'`"
_DPI = 120
_FEW = 10  # values that a legend names, and colours that are told apart
_BAR = 1.1  # inches for scale or legend


def save(heatmap: Heatmap, batch: Batch, folder: Path, stem: str, force: bool) -> Path:
    """Write the first image's map as `STEM.npy` and, enlarged to the image and from its least to
    its greatest value, as a gray `STEM.png`, which is returned; each layer as `STEM.LAYER.npy`
    and in colours as `STEM.LAYER.png`; regions over the picture as `STEM.regions.png`. Colours
    need matplotlib. Raises ForensicsError where a file exists and `force` is false, or cannot be
    written."""
    image = folder / f"{stem}.png"
    write(Batch.of(_gray(heatmap, batch)), image, force)
    _save(folder / f"{stem}.npy", heatmap.values[0])
    for title, layer in heatmap.layers.items():
        _save(folder / f"{stem}.{title}.npy", layer.values[0])
    if drawable():
        for title, layer in heatmap.layers.items():
            _write(_layer(heatmap, title, layer, batch.size), folder / f"{stem}.{title}.png")
        if heatmap.regions:
            _write(_overlay(heatmap, batch), folder / f"{stem}.regions.png")
    return image


def drawable() -> bool:
    """Whether matplotlib, of the extra `plot`, is there."""
    return find_spec("matplotlib") is not None


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


def _save(path: Path, values: torch.Tensor) -> None:
    try:
        np.save(path, values.cpu().numpy())
    except OSError as error:
        raise ForensicsError(f"cannot write {path}: {error}") from None


def _write(figure: Figure, path: Path) -> None:
    try:
        with replacing(path) as partial:
            figure.savefig(partial, format="png", dpi=_DPI)
    except OSError as error:
        raise ForensicsError(f"cannot write {path}: {error.strerror or error}") from None


def _gray(heatmap: Heatmap, batch: Batch) -> torch.Tensor:
    heat = enlarged(heatmap, *batch.size)[0].float()
    known = heat[heat.isfinite()]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    gray = ((heat - low) / max(high - low, 1e-30) * 255).nan_to_num(0).clamp(0, 255)
    return gray.round().to(torch.uint8)[None, None]


def _enlarged(heatmap: Heatmap, layer: Layer, size: tuple[int, int]) -> NDArray[np.float32]:
    cells = replace(heatmap, values=layer.values)
    return enlarged(cells, *size)[0].cpu().numpy()


def _canvas(size: tuple[int, int], below: float = 0) -> tuple[Figure, Axes]:
    """A figure in the shape of the picture, with room at the right and so many inches below."""
    from matplotlib.figure import Figure

    height, width = size
    scale = 6 / max(size)
    figure = Figure(
        figsize=(max(width * scale, 2.5) + _BAR, max(height * scale, 2.0) + 0.4 + below),
        layout="constrained",
    )
    axes = figure.add_subplot()
    axes.set_xticks([])
    axes.set_yticks([])
    return figure, axes


def _layer(heatmap: Heatmap, name: str, layer: Layer, size: tuple[int, int]) -> Figure:
    figure, axes = _canvas(size)
    values = _enlarged(heatmap, layer, size)
    axes.set_title(name + (f" ({layer.unit})" if layer.unit else ""), fontsize=10, loc="left")
    known = np.unique(values[np.isfinite(values)])
    whole = bool((known == known.round()).all())
    if layer.classes or (whole and len(known) <= _FEW):
        _in_classes(axes, values, layer.classes)
    else:
        shown = axes.imshow(values, cmap="viridis", interpolation="nearest")
        figure.colorbar(shown, ax=axes, fraction=0.05, pad=0.02)
    return figure


def _in_classes(axes: Axes, values: NDArray[np.float32], names: tuple[str, ...]) -> None:
    """Draw each value in a colour, with a legend; of many values those with the most pixels."""
    from matplotlib import colormaps
    from matplotlib.patches import Patch

    known, counts = np.unique(values[np.isfinite(values)], return_counts=True)
    shown = np.sort(known[np.argsort(-counts, kind="stable")][:_FEW])
    picture = np.full((*values.shape, 3), 0.8)
    patches = []
    for place, value in enumerate(shown):
        name = names[int(value)] if names else f"{value:g}"
        number = int(value) if len(names) <= _FEW else place
        part = place / max(len(shown) - 1, 1)
        colour = _colour(number) if names else colormaps["viridis"](part)[:3]
        picture[values == value] = colour
        patches.append(Patch(color=colour, label=name))
    if len(shown) < len(known):
        patches.append(Patch(color=(0.8,) * 3, label="other"))
    axes.imshow(picture, interpolation="nearest")
    axes.legend(handles=patches, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)


def _colour(number: int) -> tuple[float, float, float]:
    from matplotlib import colormaps

    red, green, blue, _ = colormaps["tab10"](number % _FEW)
    return red, green, blue


def _overlay(heatmap: Heatmap, batch: Batch) -> Figure:
    """The picture with its regions in colours, and their values below."""
    from matplotlib.patches import Patch

    regions = heatmap.regions[0]
    captions = [
        "\n".join(textwrap.wrap(f"{n}: {_share(r, batch)} %, {words(r.values, r.doubt)}", 90))
        for n, r in enumerate(regions)
    ]
    lines = sum(text.count("\n") + 1 for text in captions)
    figure, axes = _canvas(batch.size, 0.2 * lines + 0.2)
    numbered = _enlarged(heatmap, heatmap.layers["region"], batch.size)
    pixels = batch.pixels[0].permute(1, 2, 0).cpu().numpy()
    picture = np.broadcast_to(pixels, (*batch.size, 3)) / 255
    patches = [Patch(facecolor="none", edgecolor="gray", label=captions[0])]
    for number in range(1, len(regions)):
        tinted = 0.55 * picture + 0.45 * np.array(_colour(number))
        picture = np.where((numbered == number)[..., None], tinted, picture)
        axes.contour(numbered == number, levels=[0.5], colors=[_colour(number)])
        patches.append(Patch(color=_colour(number), label=captions[number]))
    axes.imshow(picture, interpolation="nearest")
    figure.legend(handles=patches, loc="outside lower left", frameon=False, fontsize=7)
    return figure


def _share(region: Region, batch: Batch) -> str:
    height, width = batch.size
    return f"{100 * region.pixels / (height * width):.1f}"


def listed(heatmap: Heatmap, size: tuple[int, int]) -> list[dict[str, Any]]:
    """The regions of the first image as plain values."""
    area = size[0] * size[1]
    return [
        {"pixels": r.pixels, "share": r.pixels / area, "values": dict(r.values), "doubt": r.doubt}
        for r in (heatmap.regions[0] if heatmap.regions else ())
    ]
