"""Training data made on the fly, on the device: crops of photographs and their histories.

Every choice is keyed by the seed, the step and the place in the batch: the same batch comes out
on every device, and again after a resume.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from forensics import random
from forensics.batch import GRID, Batch
from forensics.data import Source
from forensics.errors import ForensicsError, NotApplicable
from forensics.histories.history import History, Step
from forensics.traces import crop, draws
from forensics.training.augmentation import Augmentation
from forensics.training.recipe import Example, Recipe, trace_of

# Steps of the R2 sequence (Roberts, 2018), which fills a square evenly with any number of points.
_R2 = (0.7548776662466927, 0.5698402909980532)


class Pool:
    """The photographs of a split in memory, as one uint8 tensor `[C, all pixels]` on the device.

    Where `color` is asked for, gray photographs are left out and counted in `skipped`. With
    `rgb`, photographs for a training on gray ones keep their colours, and gray ones have three
    equal channels. Where `mirrored`, a photograph goes on beyond its border as its mirror image,
    for squares of up to twice its side. Raises ForensicsError for the split `test`, which trains
    and chooses nothing, and where nothing is left.
    """

    def __init__(
        self,
        source: Source,
        color: bool,
        device: torch.device,
        rgb: bool = False,
        mirrored: bool = False,
    ) -> None:
        if any(photograph.split == "test" for photograph in source):
            raise ForensicsError("test photographs train nothing; name another folder")
        planes, self.names, self.skipped = [], [], 0
        sizes = []
        for photograph in source:
            try:
                pixels = torch.from_numpy(photograph.load(color or rgb))
            except NotApplicable:
                if color:
                    self.skipped += 1
                    continue
                pixels = torch.from_numpy(photograph.load(False)).expand(3, -1, -1)
            planes.append(pixels.flatten(1))
            sizes.append(pixels.shape[1:])
            self.names.append(photograph.sha256)
        if not planes:
            raise ForensicsError(f"{source.name} has no colour photographs in {source.split}")
        self.source = source
        self.device = device
        self.mirrored = mirrored
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
        least = side / 2 if self.mirrored else side
        found = (self.sizes.amin(1) >= least).nonzero()[:, 0]
        if not len(found):
            raise ForensicsError(
                f"no photograph of the split {self.source.split} in {self.source.name} holds a "
                f"crop of {side} x {side} pixels; add larger ones"
            )
        return found

    def crops(
        self, numbers: Tensor, corners: Tensor, side: int, keys: Tensor, margin: int
    ) -> Batch:
        """Squares with these corners, int64 `[N, 2]` (y, x), of these photographs. All arguments
        lie on the CPU."""
        places = corners[:, :, None] + torch.arange(side)
        most = self.sizes[numbers][:, :, None] - 1
        if self.mirrored:  # about the last pixel, so that a colour filter's phases go on
            places = most - (places % (2 * most) - most).abs()
        rows = self.starts[numbers][:, None] + places[:, 0] * self.sizes[numbers, 1:]
        index = (rows[:, :, None] + places[:, 1, None]).to(self.device)
        pixels = self.planes[:, index].transpose(0, 1).contiguous()
        names = tuple(self.names[number] for number in numbers.tolist())
        origins = (corners // GRID * GRID).to(self.device)
        positions = (corners + margin).to(self.device)
        return Batch(pixels, keys.to(self.device), names, positions, origins=origins)

    def corners(self, numbers: Tensor, side: int, drawn: Tensor) -> Tensor:
        """Corners of squares, int64 `[N, 2]`, all places in these photographs as likely where the
        whole numbers `drawn`, of the same shape, are; around the whole of a smaller one."""
        room = self.sizes[numbers] - side
        return drawn % (room.abs() + 1) + room.clamp(max=0)

    def others(self, numbers: Tensor, side: int, keys: Tensor, count: int) -> list[Batch]:
        """Squares of `count` photographs that are not those of `numbers`, nor one another, drawn
        by the keys. Raises ForensicsError where too few photographs hold one."""
        fitting = self.fitting(side)
        if len(fitting) <= count:
            raise ForensicsError(
                f"a splice takes regions from {count} other photographs, and {len(fitting)} of the "
                f"split {self.source.split} in {self.source.name} hold {side} x {side} pixels: add "
                "others"
            )
        order = random.uniform(keys, "donors", (len(fitting),))
        order[fitting == numbers[:, None]] = 2  # itself comes last
        squares: list[Batch] = []
        for turn, chosen in enumerate(fitting[order.argsort(1)[:, :count]].unbind(1)):
            keyed = random.bits(keys, f"donor {turn}")
            drawn = random.integers(keyed, "position", 1 << 40, (2,))
            corners = self.corners(chosen, side, drawn)
            squares.append(self.crops(chosen, corners, side, keyed, 0))
        return squares


class Generator:
    """Makes the examples of a recipe from a pool of photographs.

    augmentations: of the crops of steps; those of a validation are left as they are. Raises
    ForensicsError where the recipe's draws do not fit its trace.
    """

    def __init__(
        self, recipe: Recipe, pool: Pool, augmentations: tuple[Augmentation, ...] = ()
    ) -> None:
        self.draws = draws.parse(recipe.draws())
        self.trace = trace_of(recipe).redrawn(self.draws)
        self.in_turn = [draw for draw in self.draws if set(draw.names) & set(recipe.evenly)]
        self.pool = pool
        self.color = recipe.color
        self.gray_every = recipe.gray_every
        self.augmentations = augmentations
        for found in augmentations:
            if not isinstance(found, Augmentation):
                raise ForensicsError(
                    f"{found!r} is no augmentation; list Orientation(), Exposure(stops), "
                    "Contrast(least), Burnout(least), Gamma(most), Reduction(least), "
                    "Camera(share) or one of your own"
                )
        self.histories = {s: self.trace.history(s).fill(None) for s in self.trace.sides}
        self.donors = self.trace.donors
        self.margin = functools.cache(self._margin)

    def _margin(self, side: int) -> int:
        """Pixels of the tile around a crop of this side."""
        return self.trace.margin(self.color, side, slot=False)

    def _sides(self, side: int) -> list[int]:
        """The sides of the squares before each augmentation, and of the tile after the last, that
        a crop of a step is made from; they differ by multiples of 32."""
        sides = [side + 2 * self.margin(side)]
        for augmentation in reversed(self.augmentations):
            more = augmentation.side_before(sides[0]) - sides[0]
            sides.insert(0, sides[0] + -(-more // (2 * GRID)) * 2 * GRID)
        return sides

    def source_side(self, side: int) -> int:
        """The side of the square of photograph that a crop of a step is made from."""
        return self._sides(side)[0]

    def holding(self, side: int) -> int:
        """How many photographs hold a crop of this side. Raises ForensicsError where none does."""
        return len(self.pool.fitting(self.source_side(side)))

    def example(self, seed: int, step: int, side: int, count: int) -> Example:
        """The batch of one step: crops uniform over the photographs, then over positions."""
        start = torch.tensor([random.key("training", seed, step)])
        keys = random.bits(start, "crops", (count,))[0]
        whole = self.source_side(side)
        around = (whole - side) // 2
        fitting = self.pool.fitting(whole)
        numbers = fitting[random.integers(keys, "photograph", len(fitting))]
        drawn = random.integers(keys, "position", 1 << 40, (2,))
        corners = self.pool.corners(numbers, whole, drawn)
        turns = step * count + torch.arange(count)
        values: dict[str, Tensor] = {}
        for draw in self.in_turn:
            values |= draw.in_turn(turns, keys)
        crops = self.pool.crops(numbers, corners, whole, keys, around)
        others = self.pool.others(numbers, whole, keys, self.donors)
        color = self._in_color(step)
        augmented = [self._augmented(tiles, side, color) for tiles in (crops, *others)]
        return self._histories(augmented[0], augmented[1:], values, side)

    def _in_color(self, number: int) -> bool:
        """Whether the batch of this number is in colour."""
        return self.color and (not self.gray_every or (number + 1) % self.gray_every > 0)

    def _augmented(self, crops: Batch, side: int, color: bool) -> Batch:
        """Tiles after the augmentations, each cut to what the next one looks at."""
        for augmentation, needed in zip(self.augmentations, self._sides(side)[1:], strict=True):
            crops = _middle(augmentation.apply(crops), needed)
        return crops if color else _gray(crops)

    def evenly(self, side: int, count: int, batch: int) -> Iterator[Example]:
        """`count` crops that are always the same: spread evenly over the photographs and within
        each, as are the drawn values over the crops."""
        margin = self.margin(side)
        tile = side + 2 * margin
        fitting = self.pool.fitting(tile)
        place = torch.arange(count)
        numbers, turn = fitting[place % len(fitting)], place // len(fitting)
        spread = (0.5 + turn[:, None] * torch.tensor(_R2, dtype=torch.float64)) % 1.0
        room = self.pool.sizes[numbers] - tile
        corners = (spread * (room.abs() + 1)).long() + room.clamp(max=0)
        names = [self.pool.names[number] for number in numbers.tolist()]
        keys = torch.tensor(
            [random.key("validation", n, *c) for n, c in zip(names, corners.tolist(), strict=True)]
        )
        values = draws.dealt(self.draws, count)
        for i in range(0, count, batch):
            part = slice(i, i + batch)
            crops = self.pool.crops(numbers[part], corners[part], tile, keys[part], margin)
            others = self.pool.others(numbers[part], tile, keys[part], self.donors)
            if not self._in_color(i // batch):
                crops, others = _gray(crops), [_gray(tiles) for tiles in others]
            yield self._histories(crops, others, {n: v[part] for n, v in values.items()}, side)

    def _histories(
        self, crops: Batch, others: Sequence[Batch], dealt: Mapping[str, Tensor], side: int
    ) -> Example:
        """others: tiles of other photographs, for splices; dealt: values in place of drawn ones."""
        donors = torch.stack([tiles.pixels for tiles in others], 1) if others else None
        crops = dataclasses.replace(crops, donors=donors, window=(self.margin(side), side))
        drawn = self.trace.drawn(crops.keys)
        values = drawn | {name: value.to(crops.device) for name, value in dealt.items()}
        states = _after(self.histories, crops, values)
        margin, input = self.margin(side), self.trace.input
        sides = {name: crop.cut(state, margin, side, input) for name, state in states.items()}
        masks = {name: crop.mask(state, margin, side) for name, state in states.items()}
        targets = {
            name: {
                what: answer.to(crops.device)
                for what, answer in self.trace.answers(name, values, len(crops)).items()
            }
            for name in sides
        }
        return Example(sides, values, targets, masks)


def _after(
    histories: Mapping[str, History], crops: Batch, values: Mapping[str, Tensor]
) -> dict[str, Batch]:
    """The crops after each history; first steps that several share are made once."""
    made: dict[tuple[Step, ...], Batch] = {(): crops}
    states = {}
    for name, history in histories.items():
        for end in range(len(history.steps)):
            before, after = history.steps[:end], history.steps[: end + 1]
            if after not in made:
                made[after] = history.steps[end].apply(made[before], values)
        states[name] = made[history.steps]
    return states


def _gray(crops: Batch) -> Batch:
    if crops.pixels.shape[1] == 1:
        return crops
    return crops.with_pixels(crops.luma().to(torch.uint8)[:, None])


def _middle(crops: Batch, side: int) -> Batch:
    margin = (crops.size[0] - side) // 2
    return dataclasses.replace(crops, jpeg=None).cut(margin, margin, side, side)
