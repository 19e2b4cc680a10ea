"""`affine(scale,degrees,shear,order)`: one warp that is each of its parts, and all of them."""

import cv2
import numpy as np
import pytest
import torch

from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.histories.history import History
from forensics.histories.operations import Affine, Rotate, Shear


@pytest.fixture(scope="module")
def batch(astronaut):
    pixels = torch.from_numpy(np.ascontiguousarray(astronaut[:160, :160]))
    return Batch.of(pixels.permute(2, 0, 1)[None].contiguous())


def test_alone_it_is_the_single_warp(batch):
    for whole, part in (
        (Affine(degrees=7.5), Rotate(7.5)),
        (Affine(shear=0.2, order=3), Shear(0.2, "bicubic")),
    ):
        assert torch.equal(whole.apply(batch).pixels, part.apply(batch).pixels)


@pytest.mark.parametrize(("order", "flag"), [(1, cv2.INTER_LINEAR), (3, cv2.INTER_CUBIC)])
def test_all_three_against_opencv(batch, order, flag):
    """Shear, rotation, scale about the centre, as one matrix of (x, y)."""
    scale, angle, shear = 1.3, np.deg2rad(20), 0.15
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    linear = scale * turn @ np.array([[1, shear], [0, 1]])
    middle = np.array([79.5, 79.5])
    matrix = np.column_stack([linear, middle - linear @ middle])
    image = batch.pixels[0].permute(1, 2, 0).numpy()
    expected = cv2.warpAffine(
        image, matrix, (160, 160), flags=flag, borderMode=cv2.BORDER_REPLICATE
    )
    found = Affine(scale, 20, shear, order).apply(batch).pixels[0].permute(1, 2, 0).numpy()
    assert np.abs(found.astype(int) - expected).max() <= 1


def test_each_patch_has_its_own_values_and_order(batch):
    both = Batch.cat([batch, batch])
    drawn = Affine(
        torch.tensor([0.8, 1.2], dtype=torch.float64),
        torch.tensor([0.0, 5.0], dtype=torch.float64),
        torch.zeros(2, dtype=torch.float64),
        torch.tensor([3, 1]),
    )
    found = drawn.apply(both).pixels
    assert torch.equal(found[:1], Affine(0.8, 0, 0, 3).apply(batch).pixels)
    assert torch.equal(found[1:], Affine(1.2, 5, 0, 1).apply(batch).pixels)


def test_nothing_drawn_changes_nothing(batch):
    assert torch.equal(Affine(1.0, 0.0, 0.0, 3).apply(batch).pixels, batch.pixels)


def test_as_a_step_of_a_history(batch):
    found = History.parse("affine(1.2,{d},order=3)").apply(batch, {"d": -4}).pixels
    assert torch.equal(found, Affine(1.2, -4, 0, 3).apply(batch).pixels)


def test_an_order_that_there_is_not():
    with pytest.raises(ForensicsError, match="order 0, 1 or 3"):
        Affine(order=2)
