"""Training data made on the fly, on the device: crops of photographs and their histories.

Every choice is keyed by the seed, the step and the place in the batch: the same batch comes out
on every device, and again after a resume.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from forensics import door, random, traces
from forensics.batch import Batch
from forensics.data import Source
from forensics.errors import ForensicsError, NotApplicable
from forensics.training.recipe import Example, Recipe

# Steps of the R2 sequence (Roberts, 2018), which fills a square evenly with any number of points.
_R2 = (0.7548776662466927, 0.5698402909980532)
_FLIPS = ("flip rows", "flip columns", "transpose")


class Pool:
    """The photographs of a split in memory, as one uint8 tensor `[C, all pixels]` on the device.

    Where `color` is asked for, gray photographs are left out and counted in `skipped`.
    Raises ForensicsError for the split `test`, which trains and chooses nothing, and where
    nothing is left.
    """

    def __init__(self, source: Source, color: bool, device: torch.device) -> None:
        if any(photograph.split == "test" for photograph in source):
            raise ForensicsError("test photographs train nothing; name another folder")
        planes, self.names, self.skipped = [], [], 0
        sizes = []
        for photograph in source:
            try:
                pixels = torch.from_numpy(photograph.load(color))
            except NotApplicable:
                self.skipped += 1
                continue
            planes.append(pixels.flatten(1))
            sizes.append(pixels.shape[1:])
            self.names.append(photograph.sha256)
        if not planes:
            raise ForensicsError(f"{source.name} has no colour photographs in {source.split}")
        self.source = source
        self.device = device
        self.planes = torch.cat(planes, 1).to(device)
        self.sizes = torch.tensor([tuple(size) for size in sizes])
        areas = self.sizes.prod(1)
        self.starts = areas.cumsum(0) - areas

    def __len__(self) -> int:
        return len(self.names)

    @property
    def sha256(self) -> str:
        """One hash for the photographs, whatever their order and names."""
        return hashlib.sha256("\n".join(sorted(self.names)).encode()).hexdigest()

    def fitting(self, side: int) -> Tensor:
        """The numbers of the photographs that hold a square of this side."""
        found = (self.sizes.amin(1) >= side).nonzero()[:, 0]
        if not len(found):
            raise ForensicsError(
                f"no photograph of the split {self.source.split} in {self.source.name} holds a "
                f"crop of {side} x {side} pixels; add larger ones"
            )
        return found

    def crops(
        self, numbers: Tensor, corners: Tensor, side: int, flips: Tensor, keys: Tensor, lead: int
    ) -> Batch:
        """Squares with these corners, int64 `[N, 2]` (y, x), of these photographs, turned by
        `flips`, int64 `[N, 3]`: rows, columns, transposed. All arguments lie on the CPU."""
        straight = torch.arange(side, device=self.device)
        turn = flips.to(self.device)[:, :, None]
        rows = torch.where(turn[:, 0] > 0, side - 1 - straight, straight)
        columns = torch.where(turn[:, 1] > 0, side - 1 - straight, straight)
        widths = self.sizes[numbers, 1]
        first = self.starts[numbers] + corners[:, 0] * widths + corners[:, 1]
        wide = widths.to(self.device)[:, None, None]
        down = rows[:, :, None] * wide + columns[:, None, :]
        across = rows[:, None, :] * wide + columns[:, :, None]
        index = torch.where(turn[:, 2, :, None] > 0, across, down)
        index += first.to(self.device)[:, None, None]
        pixels = self.planes[:, index].transpose(0, 1).contiguous()
        names = tuple(self.names[number] for number in numbers.tolist())
        # Histories count from the photograph's grid of 16, as in a run.
        origins = (corners // 16 * 16).to(self.device)
        positions = (corners + lead).to(self.device)
        return Batch(pixels, keys.to(self.device), names, positions, origins=origins)


class Generator:
    """Makes the examples of a recipe from a pool of photographs."""

    def __init__(self, recipe: Recipe, pool: Pool) -> None:
        self.trace = traces.get(recipe.trace)
        self.pool = pool
        self.color = recipe.color
        self.choices = {name: list(values) for name, values in recipe.draws().items()}
        if set(self.choices) != set(self.trace.parameters):
            raise ValueError(
                f"a recipe of {recipe.trace} draws {', '.join(self.trace.parameters)}, "
                f"not {', '.join(self.choices)}"
            )
        self.histories = {s: self.trace.history(s).fill(None) for s in self.trace.sides}

    def lead(self, side: int) -> int:
        """Pixels of the tile around a crop of this side."""
        return self.trace.lead(self.color, side, self.choices, slot=False)

    def holding(self, side: int) -> int:
        """How many photographs hold a crop of this side. Raises ForensicsError where none does."""
        return len(self.pool.fitting(side + 2 * self.lead(side)))

    def example(self, seed: int, step: int, side: int, count: int) -> Example:
        """The batch of one step: crops uniform over the photographs, then over positions."""
        start = torch.tensor([random.key("training", seed, step)])
        keys = random.bits(start, "crops", (count,))[0]
        lead = self.lead(side)
        tile = side + 2 * lead
        fitting = self.pool.fitting(tile)
        numbers = fitting[random.integers(keys, "photograph", len(fitting))]
        spans = self.pool.sizes[numbers] - tile + 1
        corners = random.integers(keys, "position", 1 << 40, (2,)) % spans
        flips = torch.stack([random.integers(keys, name, 2) for name in _FLIPS], 1)
        values = {
            name: traces.column(choices)[random.integers(keys, f"draw {name}", len(choices))]
            for name, choices in self.choices.items()
        }
        crops = self.pool.crops(numbers, corners, tile, flips, keys, lead)
        return self._histories(crops, values, side)

    def evenly(self, side: int, count: int, batch: int) -> Iterator[Example]:
        """`count` crops that are always the same: spread evenly over the photographs and within
        each, as are the gridded parameters' values over the crops."""
        lead = self.lead(side)
        tile = side + 2 * lead
        fitting = self.pool.fitting(tile)
        place = torch.arange(count)
        numbers, turn = fitting[place % len(fitting)], place // len(fitting)
        spread = (0.5 + turn[:, None] * torch.tensor(_R2, dtype=torch.float64)) % 1.0
        corners = (spread * (self.pool.sizes[numbers] - tile + 1)).long()
        names = [self.pool.names[number] for number in numbers.tolist()]
        keys = torch.tensor(
            [random.key("validation", n, *c) for n, c in zip(names, corners.tolist(), strict=True)]
        )
        values = self._dealt(count)
        straight = torch.zeros(count, len(_FLIPS), dtype=torch.int64)
        for i in range(0, count, batch):
            part = slice(i, i + batch)
            crops = self.pool.crops(
                numbers[part], corners[part], tile, straight[part], keys[part], lead
            )
            yield self._histories(crops, {n: v[part] for n, v in values.items()}, side)

    def _dealt(self, count: int) -> dict[str, Tensor]:
        """Every combination of the gridded parameters in turn, or, of too many, an even choice."""
        every = math.prod(len(choices) for choices in self.choices.values())
        turn = torch.arange(count)
        turn = turn * every // count if every > count else turn % every
        values = {}
        for name, choices in self.choices.items():
            values[name] = traces.column(choices)[turn % len(choices)]
            turn = turn // len(choices)
        return values

    def _histories(self, crops: Batch, gridded: Mapping[str, Tensor], side: int) -> Example:
        values = {name: value.to(crops.device) for name, value in gridded.items()}
        values.update(self.trace.drawn(crops.keys))
        sides = {
            name: door.cut(history.apply(crops, values), self.lead(side), side, self.trace.handed)
            for name, history in self.histories.items()
        }
        return Example(sides, values)


def described(draws: Mapping[str, Sequence[int]]) -> str:
    """What is drawn, for a card: `q in 60, 70`, long ranges shortened."""
    texts = []
    for name, choices in draws.items():
        values = sorted(set(choices))
        whole = len(values) > 5 and math.isclose(values[-1] - values[0] + 1, len(values))
        listed = f"{values[0]}..{values[-1]}" if whole else ", ".join(map(str, values))
        texts.append(f"{name} in {listed}")
    return "; ".join(texts)
