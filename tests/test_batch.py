"""Batches and JPEGs in memory: cutting, joining, and what they refuse."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from forensics import jpeg
from forensics.batch import Batch
from forensics.jpeg.coefficients import SAMPLINGS
from forensics.traces import crop


def noise(n, channels, height, width):
    generator = torch.Generator().manual_seed(n)
    shape = (n, channels, height, width)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_a_part_of_a_jpeg_is_its_blocks(sampling):
    pixels = noise(2, 1 if sampling == "gray" else 3, 64, 80)
    whole = jpeg.compress(pixels, 70, sampling)
    part = whole.cut(16, 32, 32, 40)
    # Blocks do not see one another: compressing the part alone gives the same, but for chroma.
    alone = jpeg.compress(pixels[:, :, 16:48, 32:72], 70, sampling)
    assert part.size == (32, 40)
    for ours, theirs in zip(part.coefficients, alone.coefficients, strict=True):
        assert ours.shape == theirs.shape
    assert torch.equal(part.coefficients[0], alone.coefficients[0])
    assert torch.equal(part.tables, whole.tables)
    down, across = SAMPLINGS[sampling]
    refused = [(4, 0), (0, 4), *([(8, 0)] if down == 2 else []), *([(0, 8)] if across == 2 else [])]
    for top, left in refused:
        with pytest.raises(ValueError, match="block grid"):
            whole.cut(top, left, 16, 16)


def test_a_rectangle_takes_pixels_jpeg_mask_and_origins_along():
    jpegs = jpeg.compress(noise(2, 3, 64, 80), 70, "4:4:4")
    pixels = jpeg.decode(jpegs)
    mask = pixels[:, 0] > 128
    origins = torch.tensor([[0, 8], [16, 24]])
    donors = pixels[:, None]
    whole = replace(Batch.of(pixels, jpegs), mask=mask, origins=origins, donors=donors)
    part = replace(whole, window=(16, 32)).cut(8, 8, 48, 40)
    assert torch.equal(part.pixels, pixels[:, :, 8:56, 8:48])
    # Without chroma subsampling blocks do not see one another.
    assert torch.equal(jpeg.decode(part.jpeg), part.pixels)
    assert torch.equal(part.mask, mask[:, 8:56, 8:48])
    assert part.origins.tolist() == [[8, 16], [24, 32]]
    assert (part.window, part.donors) == ((8, 32), None)
    assert torch.equal(part.keys, whole.keys)
    assert replace(whole, window=(16, 32)).cut(8, 0, 8, 8).window is None
    with pytest.raises(ValueError, match="block grid"):
        whole.cut(8, 4, 16, 16)
    assert replace(whole, jpeg=None).cut(8, 4, 16, 16).jpeg is None
    for outside in ((0, 0, 72, 8), (8, 72, 8, 16), (-8, 0, 8, 8)):
        with pytest.raises(ValueError, match="64 x 80"):
            whole.cut(*outside)


@pytest.mark.parametrize("channels", [1, 3])
def test_luma_is_pillows(channels):
    pixels = noise(2, channels, 24, 32)
    found = Batch.of(pixels).luma()
    assert found.dtype == torch.float32
    for ours, image in zip(found, pixels, strict=True):
        array = image.permute(1, 2, 0).squeeze(2).numpy()
        assert np.array_equal(ours.numpy(), np.asarray(Image.fromarray(array).convert("L")))


def test_slices_and_joins_are_inverse():
    pixels = noise(5, 3, 24, 32)
    compressed = jpeg.compress(pixels, torch.tensor([10, 30, 50, 70, 90]), "4:2:0")
    batch = Batch(pixels, torch.arange(5), tuple("abcde"), torch.arange(10).view(5, 2), compressed)
    joined = Batch.cat([batch[:2], batch[2:3], batch[3:]])
    assert joined.photographs == batch.photographs
    for name in ("pixels", "keys", "positions"):
        assert torch.equal(getattr(joined, name), getattr(batch, name))
    assert torch.equal(joined.jpeg.tables, compressed.tables)
    for ours, theirs in zip(joined.jpeg.coefficients, compressed.coefficients, strict=True):
        assert torch.equal(ours, theirs)
    assert (len(batch[1:3]), batch.size, len(batch.jpeg)) == (2, (24, 32), 5)
    chosen = compressed[torch.tensor([4, 0])]
    assert torch.equal(chosen.tables, compressed.tables[[4, 0]])


@pytest.mark.parametrize(
    "pixels",
    [
        torch.zeros(1, 1, 8, 8),
        torch.zeros(1, 8, 8, dtype=torch.uint8),
        torch.zeros(1, 4, 8, 8, dtype=torch.uint8),
    ],
)
def test_other_pixels_are_refused(pixels):
    with pytest.raises(TypeError, match="pixels"):
        Batch.of(pixels)


def test_a_batch_is_immutable():
    batch = Batch.of(noise(1, 1, 8, 8))
    with pytest.raises(AttributeError):
        batch.pixels = batch.pixels


def test_masks_and_donors_go_along_with_their_patches():
    pixels = noise(3, 1, 16, 16)
    mask = pixels[:, 0] > 128
    donors = noise(6, 1, 16, 16).view(3, 2, 1, 16, 16)
    batch = replace(Batch.of(pixels), mask=mask, donors=donors)
    joined = Batch.cat([batch[:1], batch[1:]]).to("cpu")
    assert torch.equal(joined.mask, mask)
    assert torch.equal(joined.donors, donors)
    assert torch.equal(crop.mask(joined, 4, 8), mask[:, 4:12, 4:12])
    input = crop.cut(joined, 4, 8, "pixels")
    assert (input.mask, input.donors) == (None, None)
    assert not crop.mask(input, 0, 8).any()


def test_what_several_answers_need_is_made_once_for_each_batch_and_key():
    batch, made = Batch.of(noise(1, 1, 16, 16)), []

    def make():
        made.append(len(made))
        return made[-1]

    assert [batch.once(key, make) for key in ("a", "a", "b")] == [0, 0, 1]
    assert batch[:1].once("a", make) == 2  # of other patches nothing is known
    assert replace(batch, jpeg=None).once("a", make) == 3
