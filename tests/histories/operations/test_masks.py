"""What marks pixels that come from elsewhere moves along with them."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from forensics.batch import Batch
from forensics.histories.history import History
from forensics.histories.operations import (
    Crop,
    Gaussian,
    JpegCompression,
    Median,
    Resize,
    Rotate,
    Shear,
    WhiteNoise,
)


def marked(tiles):
    """Two images whose white pixels are marked: a rectangle, and a disc at the border."""
    y, x = torch.meshgrid(torch.arange(96), torch.arange(112), indexing="ij")
    rectangle = (y >= 30) & (y < 61) & (x >= 40) & (x < 90)
    mask = torch.stack([rectangle, (y - 80) ** 2 + (x - 20) ** 2 < 900])
    pixels = (mask[:, None] * 255).to(torch.uint8)
    origins = torch.tensor([[16, 320], [0, 48]]) if tiles else None
    positions = torch.zeros(2, 2, dtype=torch.int64)
    return Batch(pixels, torch.arange(2), ("a", "b"), positions, None, origins, mask)


def white(batch):
    return batch.pixels[:, 0] > 127


def edges(mask):
    """Pixels with both kinds among their 3 x 3 neighbours."""
    values = functional.pad(mask.float()[:, None], (1,) * 4, mode="replicate")
    return (functional.max_pool2d(values, 3, 1) != -functional.max_pool2d(-values, 3, 1))[:, 0]


@pytest.mark.parametrize(
    "operation",
    [
        Crop(3, 5),
        Crop(0, 0),
        Crop(torch.tensor([1, 7]), torch.tensor([0, 6])),
        Crop(torch.tensor([1, 7]), 2),
        Resize(0.8, "nearest"),
        Rotate(-20, "nearest"),
        Shear(0.3, "nearest"),
    ],
    ids=str,
)
@pytest.mark.parametrize("tiles", [False, True])
def test_the_mask_is_the_image_of_itself(operation, tiles):
    moved = operation.apply(marked(tiles))
    assert moved.mask.dtype == torch.bool
    assert torch.equal(moved.mask, white(moved))
    assert moved.mask.any()
    assert not torch.equal(moved.mask, marked(tiles).mask) or operation == Crop(0, 0)


MOVES = [
    Resize(0.6),
    Resize(0.8, "bicubic"),
    Resize(0.5, "bilinear", antialias=True),
    Resize(1.7, "bicubic", antialias=True),
    Rotate(12),
    Rotate(-100, "bicubic"),
    Shear(0.4),
]
TILES = [
    Resize(torch.tensor([0.6, 1.3], dtype=torch.float64), "bicubic"),
    Rotate(torch.tensor([3, 30])),
    Shear(torch.tensor([0.2, -0.5], dtype=torch.float64)),
]


@pytest.mark.parametrize(
    ("operation", "tiles"),
    [(m, False) for m in MOVES]
    # With antialias, what lies outside of a tile is black, and no mark.
    + [(m, True) for m in (*MOVES, *TILES) if not getattr(m, "antialias", False)],
    ids=str,
)
def test_the_mask_is_the_image_with_a_threshold_except_at_edges(operation, tiles):
    moved = operation.apply(marked(tiles))
    assert moved.mask.shape == (2, *moved.size)
    assert not ((moved.mask != white(moved)) & ~edges(white(moved))).any()
    assert (moved.mask != white(moved)).double().mean() < 0.02
    assert moved.mask.flatten(1).any(1).all()


@pytest.mark.parametrize("operation", [*MOVES, *TILES], ids=str)
def test_the_mask_takes_the_nearest_pixel_whatever_the_kernel(operation):
    moved = operation.apply(marked(True))
    plain = {"antialias": False} if isinstance(operation, Resize) else {}
    nearest = replace(operation, kernel="nearest", **plain).apply(marked(True))
    assert torch.equal(moved.mask, white(nearest))


@pytest.mark.parametrize(
    "operation", [JpegCompression(60), Median(5), Gaussian(2.0), WhiteNoise(9.0)], ids=str
)
def test_a_step_that_moves_nothing_leaves_it(operation):
    batch = marked(True)
    assert torch.equal(operation.apply(batch).mask, batch.mask)


def test_it_moves_through_a_history():
    batch = marked(False)
    history = History.parse("median(3) resize(0.5) jpeg(90) crop(3,5) gaussian(0.5)")
    moved = history.apply(batch)
    alone = Crop(3, 5).apply(Resize(0.5).apply(batch))
    assert torch.equal(moved.mask, alone.mask)
    assert (moved.mask != white(moved)).double().mean() < 0.02


@pytest.mark.parametrize("operation", [Crop(1, 2), *MOVES], ids=str)
def test_no_mask_stays_none(operation):
    batch = marked(False)
    without = Batch.of(batch.pixels)
    assert operation.apply(without).mask is None
