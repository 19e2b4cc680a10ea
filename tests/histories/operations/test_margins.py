"""Margins hold for every step of every trace of the core, at the ends of what papers ask and at
every draw: no pixel of a patch depends on a border rule, and no batch becomes ragged."""

import functools

import pytest
import torch

from forensics.batch import Batch
from forensics.histories.history import SLOT
from forensics.models.registry import registry
from forensics.traces import trace as traces

PATCH = 32
# The least and the most that papers ask of the parameters of the traces.
ENDS = {"k": (3, 15), "s": (0.5, 2.6), "f": (0.5, 2.0), "d": (-45, 45), "h": (0.05, 0.4)}


@functools.cache
def steps():
    """Text -> the operation, of all that differ."""
    found = {}
    for name, registered in registry().all("trace").items():
        if registered.distribution != "image-forensics":
            continue
        trace = traces.get(name)
        values = trace.points() + trace.points(ENDS)
        drawn = [
            dict(zip(draw.names, choice, strict=True))
            for draw in trace.draws
            for choice in draw.choices[:: 1 + len(draw.choices) // 100 * 10]
        ]
        for history in map(trace.history, trace.sides):
            for step in history.steps:
                if step.name == SLOT:
                    continue
                for point in values + drawn + [a | b for a in values[:1] for b in drawn]:
                    if set(step.parameters) <= set(point):
                        found.setdefault(step.text(point), (step, point))
    return found


def tile(pixels, side):
    """The middle of `[1, C, H, W]`, whose photograph begins at (-208, -176); its mirror images are
    the donors."""
    top = (pixels.shape[2] - side) // 2
    left = (pixels.shape[3] - side) // 2
    cut = pixels[:, :, top : top + side, left : left + side].contiguous()
    origins = torch.tensor([[208 + top, 176 + left]])
    donors = torch.stack([cut.flip(2), cut.flip(3)], 1)
    window = ((side - PATCH) // 2, PATCH)
    key = torch.tensor([5])
    return Batch(cut, key, ("p",), origins, origins=origins, donors=donors, window=window)


def middle(batch):
    top, left = ((side - PATCH) // 2 for side in batch.size)
    return batch.pixels[:, :, top : top + PATCH, left : left + PATCH]


def even(side, align):
    """The side of a tile around the patch whose corner, like the patch's, lies on the blocks."""
    blocks = 2 * align
    return PATCH + -(-(side - PATCH) // blocks) * blocks


def test_there_are_steps_of_every_kind():
    names = {step.name for step, _ in steps().values()}
    assert names >= {
        "jpeg",
        "crop",
        "median",
        "gaussian",
        "awgn",
        "resize",
        "rotate",
        "shear",
        "splice",
    }
    assert len(steps()) > 100


@pytest.mark.parametrize("color", [False, True])
def test_no_pixel_depends_on_a_border_rule_and_no_batch_is_ragged(astronaut, color):
    photograph = torch.from_numpy(astronaut[100:420, 80:400]).permute(2, 0, 1)[None]
    photograph = photograph[:, : 3 if color else 1]
    generator = torch.Generator().manual_seed(7)
    noise = torch.randint(0, 256, photograph.shape, generator=generator).to(torch.uint8)
    for text, (step, point) in steps().items():
        operation = step.bind(point)
        # Enlarging needs less than the patch, but a tile holds it.
        sides = operation.side_before(PATCH, color), operation.side_beside(PATCH, color)
        side = max(PATCH, *sides)
        side = even(side, operation.align(color))
        assert side + 32 <= 320, text
        strange = noise.clone()
        inside = slice((320 - side) // 2, (320 + side) // 2)
        strange[:, :, inside, inside] = photograph[:, :, inside, inside]
        # The same tile; one with 16 pixels more on each side; one with noise there.
        least = operation.apply(tile(photograph, side))
        more = operation.apply(tile(photograph, side + 32))
        noisy = operation.apply(tile(strange, side + 32))
        if step.name != "crop":
            assert least.size == (side, side), text
            assert torch.equal(middle(least), middle(more)), text
            assert torch.equal(middle(more), middle(noisy)), text
        sizes = {operation.apply(tile(p, side)).size for p in (photograph, noise)}
        assert sizes == {least.size}, text
