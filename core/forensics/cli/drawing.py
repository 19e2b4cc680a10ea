"""Maps as pictures: a scale or a legend beside them, drawn with Pillow."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
_LEVELS = NDArray[np.float32]

# Tableau's ten colours, told apart by most eyes.
COLOURS: tuple[Colour, ...] = (
    (31, 119, 180),
    (255, 127, 14),
    (44, 160, 44),
    (214, 39, 40),
    (148, 103, 189),
    (140, 86, 75),
    (227, 119, 194),
    (127, 127, 127),
    (188, 189, 34),
    (23, 190, 207),
)
_PAPER, _INK, _OTHER = (255, 255, 255), (0, 0, 0), (204, 204, 204)
_GAP, _BAR = 12, 20  # pixels
_LEAST = 160  # height of a scale
_FEW = 10  # values that a legend names


def colour(number: int) -> Colour:
    """Of a class or region."""
    return COLOURS[number % len(COLOURS)]


def scale_of(values: _LEVELS, scale: tuple[float, float] | None) -> tuple[tuple[float, float], str]:
    """The values at both ends of a map's scale, and what is said of them: fixed ones, else the
    least and the greatest of these values."""
    if scale is not None:
        return scale, "fixed scale"
    known = values[np.isfinite(values)]
    if not known.size:
        return (0.0, 0.0), "no value"
    return (float(known.min()), float(known.max())), "stretched: least and greatest here"


def _levels(values: _LEVELS, ends: tuple[float, float]) -> NDArray[np.uint8]:
    """0 to 255 along a scale; halfway where it has no length."""
    low, high = ends
    shares = np.full_like(values, 0.5) if high <= low else (values - low) / (high - low)
    return np.rint(np.nan_to_num(shares, nan=0.0).clip(0, 1) * 255).astype(np.uint8)


def in_gray(values: _LEVELS, unit: str, scale: tuple[float, float] | None) -> Image.Image:
    """float32 `[H, W]` as a gray picture, a pixel for a pixel at its top left, with its scale on
    the right; what has no value is hatched."""
    ends, kind = scale_of(values, scale)
    levels = _levels(values, ends)
    return _beside(_hatched(levels, values), _bar(ends, kind, unit, False, values)).convert("L")


def in_colours(values: _LEVELS, unit: str, scale: tuple[float, float] | None) -> Image.Image:
    """The same along the colours of viridis, for amounts."""
    ends, kind = scale_of(values, scale)
    shown = _viridis(_levels(values, ends))
    shown[~np.isfinite(values)] = _OTHER
    return _beside(shown, _bar(ends, kind, unit, True, values))


def in_classes(values: _LEVELS, unit: str, names: Sequence[str]) -> Image.Image:
    """Each value in a colour of its own, with a legend; of many values those with the most pixels.
    names: of the classes that values are numbers of, else they are amounts."""
    known, counts = np.unique(values[np.isfinite(values)], return_counts=True)
    shown = np.sort(known[np.argsort(-counts, kind="stable")][:_FEW])
    picture = np.full((*values.shape, 3), _OTHER, np.uint8)
    entries: list[tuple[Colour | None, str]] = []
    for place, value in enumerate(shown):
        part = np.uint8(255 * place // max(len(shown) - 1, 1))
        red, green, blue = _viridis(np.array([[part]]))[0, 0].tolist()
        amount = red, green, blue
        own = colour(int(value) if len(names) <= _FEW else place) if names else amount
        picture[values == value] = own
        entries.append((own, names[int(value)] if names else f"{value:g}"))
    if len(shown) < len(known):
        entries.append((_OTHER, "other"))
    return _beside(picture, _legend([(None, unit), *entries] if unit else entries))


def over(
    pixels: NDArray[np.uint8], numbers: NDArray[np.int64], captions: Sequence[str]
) -> Image.Image:
    """A picture, uint8 `[H, W, 3]`, with its regions but the first tinted and outlined, and a
    caption for each below. numbers: `[H, W]`, the region of each pixel."""
    picture = pixels.astype(np.float32)
    kernel = np.ones((3, 3), np.uint8)
    for number in range(1, len(captions)):
        inside = (numbers == number).astype(np.uint8)
        inner = cv2.erode(inside, kernel, iterations=max(1, max(inside.shape) // 400))
        tint = np.array(colour(number), np.float32)
        picture = np.where(inside[..., None] > 0, 0.55 * picture + 0.45 * tint, picture)
        picture = np.where((inside > inner)[..., None], tint, picture)
    width = max(pixels.shape[1], 560)
    across = int((width - 3 * _GAP - _BAR) / _font().getlength("0123456789") * 10)
    entries: list[tuple[Colour | None, str]] = []
    for number, text in enumerate(captions):
        first, *more = textwrap.wrap(text, across) or [""]
        entries += [(colour(number) if number else _OTHER, first), *((None, t) for t in more)]
    legend = _legend(entries)
    canvas = Image.new("RGB", (width, pixels.shape[0] + legend.height), _PAPER)
    canvas.paste(Image.fromarray(np.rint(picture).astype(np.uint8)))
    canvas.paste(legend, (0, pixels.shape[0]))
    return canvas


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(13)


def _viridis(levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 `[H, W, 3]`."""
    return np.ascontiguousarray(cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS)[..., ::-1])


def _hatched(levels: NDArray[np.uint8], values: _LEVELS) -> NDArray[np.uint8]:
    """uint8 `[H, W, 3]`, with stripes where there is no value."""
    there = np.isfinite(values)
    if there.all():
        return np.repeat(levels[..., None], 3, 2)
    height, width = values.shape
    diagonal = np.add.outer(np.arange(height), np.arange(width))
    stripes = np.where(diagonal % 8 < 4, 96, 160).astype(np.uint8)
    gray = np.where(there, levels, stripes)
    return np.repeat(gray[..., None], 3, 2)


def _beside(picture: NDArray[np.uint8], aside: Image.Image) -> Image.Image:
    height, width = picture.shape[:2]
    size = width + aside.width, max(height, aside.height)
    canvas = Image.new("RGB", size, _PAPER)
    canvas.paste(Image.fromarray(picture))
    canvas.paste(aside, (width, 0))
    ImageDraw.Draw(canvas).line([(width, 0), (width, size[1])], _OTHER)
    return canvas


def _bar(
    ends: tuple[float, float], kind: str, unit: str, coloured: bool, values: _LEVELS
) -> Image.Image:
    """The scale, its greatest value on top, with its numbers, unit and kind, and stripes for what
    has no value where something has none."""
    notes = [unit] * bool(unit) + textwrap.wrap(kind, 20)
    if not np.isfinite(values).all():
        notes.append("striped: no value" if not coloured else "gray: no value")
    font, line = _font(), 18
    height = max(_LEAST, min(values.shape[0], 400)) - 2 * _GAP - line * len(notes)
    height = max(height, 60)
    width = int(max(font.getlength(text) for text in [*notes, "-0.0000"])) + _BAR + 3 * _GAP
    bar = Image.new("RGB", (width, height + 3 * _GAP + line * len(notes)), _PAPER)
    ramp = np.repeat(np.linspace(255, 0, height).round().astype(np.uint8)[:, None], _BAR, 1)
    drawn = _viridis(ramp) if coloured else np.repeat(ramp[..., None], 3, 2)
    bar.paste(Image.fromarray(drawn), (_GAP, _GAP))
    draw = ImageDraw.Draw(bar)
    draw.rectangle((_GAP - 1, _GAP - 1, _GAP + _BAR, _GAP + height), outline=_INK)
    low, high = ends
    marks = [high, (low + high) / 2, low] if high > low else [low]
    for place, value in enumerate(marks):
        y = _GAP + height * (place / 2 if len(marks) > 1 else 0.5)
        draw.text((2 * _GAP + _BAR, y), f"{value:.4g}", _INK, font, anchor="lm")
    for number, text in enumerate(notes):
        draw.text((_GAP, 2 * _GAP + height + line * number), text, _INK, font)
    return bar


def _legend(entries: Sequence[tuple[Colour | None, str]]) -> Image.Image:
    """A line an entry: its colour, where it has one, and its text."""
    font, line = _font(), 18
    width = int(max((font.getlength(text) for _, text in entries), default=0)) + _BAR + 3 * _GAP
    legend = Image.new("RGB", (width, line * len(entries) + 2 * _GAP), _PAPER)
    draw = ImageDraw.Draw(legend)
    for number, (own, text) in enumerate(entries):
        y = _GAP + line * number
        if own is not None:
            draw.rectangle((_GAP, y + 2, _GAP + _BAR, y + line - 4), own)
        draw.text((2 * _GAP + _BAR, y), text, _INK, font)
    return legend
