"""Inputs of the checks: small images of every form that a model claims to take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from forensics import jpeg
from forensics.batch import Batch
from forensics.models.entries import ModelEntry, Needs, parse_trace
from forensics.traces import crop
from forensics.traces import trace as traces

_QUALITIES = (60, 90, 75)  # of the images of a batch: a model may not take one for all


@dataclass(frozen=True)
class Form:
    """A size, channel count and device of a batch of three images."""

    needs: Needs
    channels: int
    height: int
    width: int
    device: str

    def __str__(self) -> str:
        return f"{('gray', 'RGB')[self.channels == 3]} {self.height}x{self.width} {self.device}"

    def photographs(self) -> Batch:
        """Smooth shapes and grain, drawn from a fixed seed."""
        generator = torch.Generator().manual_seed(0)
        coarse = torch.rand(3, self.channels, 5, 6, generator=generator)
        size = (self.height, self.width)
        shapes = functional.interpolate(coarse, size, mode="bicubic") * 200 + 28
        grain = torch.randn(3, 1, *size, generator=generator) * 6
        return self.batch((shapes + grain).round().clamp(0, 255).to(torch.uint8))

    def extremes(self) -> Iterator[tuple[str, Batch]]:
        """Constant and saturated images, each by name."""
        size = (3, self.channels, self.height, self.width)
        for level in (0, 128, 255):
            yield f"all {level}", self.batch(torch.full(size, level, dtype=torch.uint8))
        noise = torch.rand(size, generator=torch.Generator().manual_seed(1)) < 0.5
        yield "noise of 0 and 255", self.batch(noise.to(torch.uint8) * 255)

    def batch(self, pixels: Tensor) -> Batch:
        """These pixels; as decoded JPEGs of three qualities where a JPEG is needed."""
        pixels = pixels.to(self.device)
        if not (self.needs.jpeg or self.needs.acts_on == "jpeg"):
            return Batch.of(pixels)
        compressed = jpeg.compress(pixels, torch.tensor(_QUALITIES), "4:2:0")
        return Batch.of(jpeg.decode(compressed), compressed)


def forms(needs: Needs) -> list[Form]:
    """Gray and colour as claimed, the smallest size and a larger one that is not square, on the
    CPU and, where there is one, a GPU."""
    unit = needs.multiple_of
    least = -(-needs.smallest // unit) * unit
    larger = (-(-(least + 21) // unit) * unit, -(-(least + 40) // unit) * unit)
    return [
        Form(needs, channels, *size, device)
        for device in ("cpu", *(("cuda",) if torch.cuda.is_available() else ()))
        for channels in needs.channels
        for size in ((least, least), larger)
    ]


def wide(needs: Needs) -> Form:
    """One that holds more than one window, whatever a model's are."""
    unit = needs.multiple_of
    height, width = (-(-(2 * needs.smallest + more) // unit) * unit for more in (55, 38))
    return Form(needs, needs.channels[0], height, width, "cpu")


def traced(entry: ModelEntry) -> Iterator[Batch]:
    """Patches of all sides of all traces that a model judges, each at the first point that it is
    not restricted from."""
    side = wide(entry.needs).height
    for text in entry.traces:
        name, ranges = parse_trace(text)
        trace = traces.get(name)
        point = trace.points({p: [low] for p, (low, _) in ranges.items()})[0]
        color = entry.needs.channels[0] == 3
        margin = trace.margin(color, side, {p: [value] for p, value in point.items()}, slot=False)
        whole = side + 2 * margin
        bare = Needs(channels=entry.needs.channels)
        tiles = Form(bare, bare.channels[0], whole, whole, "cpu").photographs()
        other = tiles.pixels.flip(3)[:, None].expand(-1, max(1, trace.donors), -1, -1, -1)
        start = torch.zeros(len(tiles), 2, dtype=torch.int64)
        tiles = replace(tiles, origins=start, donors=other, window=(margin, side))
        values = point | trace.drawn(tiles.keys)
        for each in trace.sides:
            state = trace.history(each).fill(None).apply(tiles, values)
            yield crop.cut(state, margin, side, trace.input)
