"""Quantisation tables by number, for histories: libjpeg's, named ones, invented ones, none.

0             no compression at all
1 .. 100      libjpeg's table of that quality
101 .. 199    the named tables of `NAMED`, in its order
200 .. 399    tables found in camera files, those that networks may be trained on
400 .. 599    tables of cameras of other makers, which no training draws
1000 ..       invented: a table of libjpeg's, from the number modulo 51 (qualities 50 to 100),
              times a factor for the whole table and one for each step, log-normal with
              s.d. .25 and .2, drawn by the number
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, ClassVar

import torch
from PIL.JpegPresets import presets
from torch import Tensor

from forensics import jpeg, random
from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.models.interfaces import Operation

NONE, FIRST_NAMED, FIRST_CAMERA, FIRST_HELD_OUT, FIRST_INVENTED = 0, 101, 200, 400, 1000
# Photoshop's, as Pillow has them: its qualities 12, 10 and 8 (and 5 and 3, above step 24).
NAMED = {"photoshop-12": "web_maximum", "photoshop-10": "maximum", "photoshop-8": "high"}
STEPS = 15  # the first luma steps in zig-zag order: what is estimated
NAMES = tuple(f"step{i}" for i in range(1, STEPS + 1))
_CAP = 50  # the quality whose steps are the largest that are estimated
CAPS: tuple[int, ...] = tuple(jpeg.standard_tables(_CAP, 1).flatten()[jpeg.ZIGZAG[:STEPS]].tolist())


def tables(numbers: Tensor, components: int) -> Tensor:
    """int32 `[N, components, 8, 8]`, natural order, for int64 numbers `[N]`; of 0, all steps 1.

    Raises ForensicsError for a number that stands for no table.
    """
    numbers = numbers.cpu()
    named = _named()
    given = sorted(named)
    known = (numbers >= 0) & (numbers <= 100) | (numbers >= FIRST_INVENTED)
    known |= torch.isin(numbers, torch.tensor(given))
    if not bool(known.all()):
        raise ForensicsError(
            f"there is no table {int(numbers[~known][0])}: take 0, 1 to 100, "
            + ", ".join(f"{first} to {last}" for first, last in _spans(given))
            + f" or {FIRST_INVENTED} and more"
        )
    made = jpeg.standard_tables(numbers.clamp(1, 100), components)
    made[numbers == NONE] = 1
    for number in numbers.unique().tolist():
        if number in named:
            made[numbers == number] = named[number][:components]
    new = numbers >= FIRST_INVENTED
    if bool(new.any()):
        made[new] = _invented(numbers[new], components)
    return made


@functools.cache
def _named() -> dict[int, Tensor]:
    """Luma and twice chroma, int32 `[3, 8, 8]`, of every table that has a name."""
    pairs: dict[int, Any] = {
        FIRST_NAMED + place: presets[preset]["quantization"]
        for place, preset in enumerate(NAMED.values())
    }
    cameras = json.loads((files(__package__) / "cameras.json").read_text())
    for first, part in ((FIRST_CAMERA, "trained"), (FIRST_HELD_OUT, "held_out")):
        pairs |= {first + i: (one["luma"], one["chroma"]) for i, one in enumerate(cameras[part])}
    return {
        number: torch.tensor([luma, chroma, chroma], dtype=torch.int32).view(3, 8, 8)
        for number, (luma, chroma) in pairs.items()
    }


def numbers_from(first: int) -> range:
    """The numbers of one kind of tables with names, such as all from `FIRST_CAMERA` on."""
    return next(range(a, b + 1) for a, b in _spans(sorted(_named())) if a == first)


def _spans(given: list[int]) -> list[tuple[int, int]]:
    """First and last of every stretch of numbers without a gap."""
    starts = [n for n in given if n - 1 not in given]
    return list(zip(starts, (n for n in given if n + 1 not in given), strict=True))


def _invented(numbers: Tensor, components: int) -> Tensor:
    base = jpeg.standard_tables(50 + numbers % 51, components).double()
    whole = random.normal(numbers, "table", (1, 1, 1)).double() * 0.25
    single = random.normal(numbers, "steps", (1, 8, 8)).double() * 0.2
    cap = jpeg.standard_tables(_CAP, components)
    return (base * torch.exp(whole + single)).round().clamp(min=1).minimum(cap).to(torch.int32)


@dataclass(frozen=True)
class TableCompression(Operation):
    """`qtable(102)`: compress with the tables of a number and decode; see above. number: int, or
    int64 `[N]`. Colour is sampled 4:2:0. With 0 pixels stay as they are, and what comes out of a
    batch that has one is no JPEG."""

    makes_jpeg: ClassVar[bool] = True
    number: int | Tensor

    def __post_init__(self) -> None:
        if not isinstance(self.number, (int, Tensor)) or isinstance(self.number, bool):
            raise ForensicsError(f"qtable takes a whole number, not {self.number}")
        tables(torch.as_tensor(self.number).reshape(-1), 1)

    def margin(self, color: bool) -> int:
        return 16 if color else 0

    def align(self, color: bool) -> int:
        return 16 if color else 8

    def apply(self, batch: Batch) -> Batch:
        numbers = torch.as_tensor(self.number, device=batch.device).expand(len(batch))
        made = tables(numbers, batch.pixels.shape[1]).to(batch.device)
        compressed = jpeg.compress(batch.pixels, tables=made, sampling="4:2:0")
        pixels = jpeg.decode(compressed)
        none = numbers == NONE
        if bool(none.any()):
            return batch.with_pixels(torch.where(none[:, None, None, None], batch.pixels, pixels))
        return batch.with_pixels(pixels, compressed)
