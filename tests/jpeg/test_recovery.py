"""Decoded JPEGs against the coefficients that they were decoded from."""

import pytest
import torch
from skimage import data as pictures

from forensics.jpeg import compress, decode, recover, standard_tables
from forensics.jpeg.coefficients import Jpeg


def pixels(color=False):
    """No darker than 30, no brighter than 225: what is clipped is lost."""
    astronaut = torch.from_numpy(pictures.astronaut()).permute(2, 0, 1)[None, :, 100:356, 60:316]
    within = (30 + astronaut.float() * 195 / 255).round().to(torch.uint8)
    return within if color else within[:, 1:2].contiguous()


def same(found: Jpeg, first: Jpeg) -> float:
    return (found.coefficients[0] == first.coefficients[0]).float().mean().item()


@pytest.mark.parametrize(("quality", "share"), [(60, 0.999), (80, 0.999), (90, 0.999), (95, 0.98)])
def test_a_gray_jpeg_comes_back(quality, share):
    """All of the steps that show, and nearly all levels; with steps of 1 and 2 rounding the pixels
    changes some."""
    first = compress(pixels(), quality)
    found, shown = recover(decode(first))
    assert same(found, first) > share
    assert torch.equal(found.tables[:, 0].flatten(1)[shown], first.tables[:, 0].flatten(1)[shown])
    assert shown.sum() > 30
    assert torch.equal(found.tables, first.tables)  # libjpeg's where they do not show, too
    assert (found.sampling, found.size) == ("gray", (256, 256))


@pytest.mark.parametrize("quality", [75, 90])
def test_of_colour_the_luma_comes_back(quality):
    first = compress(pixels(color=True), quality, "4:2:0")
    found, shown = recover(decode(first))
    assert same(found, first) > 0.98
    assert shown.sum() > 20
    assert found.tables.shape == (1, 1, 8, 8)


def test_steps_that_do_not_show_are_those_of_the_nearest_quality():
    flat = pixels().float().mul(0.3).add(90).round().to(torch.uint8)
    first = compress(flat, 70)
    found, shown = recover(decode(first))
    assert 4 <= shown.sum() < 40
    found, libjpeg = found.tables.flatten(), standard_tables(70, 1).flatten()
    assert torch.equal(found[~shown[0]], libjpeg[~shown[0]])


def test_what_never_was_a_jpeg_or_has_another_grid_shows_no_steps():
    assert recover(pixels())[1].sum() < 4
    shifted = decode(compress(pixels(), 80))[:, :, 3:, 5:]
    found, shown = recover(shifted)
    assert shown.sum() < 4
    assert found.size == (248, 248)


def test_the_middle_of_a_large_image_is_enough():
    large = pixels().repeat(1, 1, 9, 10)[:, :, :, :2500]
    first = compress(large, 85)
    found, _ = recover(decode(first))
    assert torch.equal(found.tables, first.tables)
    assert found.coefficients[0].shape == (1, 288, 312, 8, 8)
