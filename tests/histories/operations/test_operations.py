"""Operations against Pillow and numpy, one setting for all patches and one a patch."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.histories.operations import Crop, JpegCompression

SUBSAMPLING = {"4:4:4": 0, "4:2:2": 1, "4:2:0": 2}


def pillow(pixels, quality, sampling="4:2:0"):
    """uint8 [C, H, W] through Pillow's JPEG."""
    stream = io.BytesIO()
    array = pixels.permute(1, 2, 0).numpy()
    image = Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)
    image.save(stream, "JPEG", quality=quality, subsampling=SUBSAMPLING[sampling])
    decoded = np.array(Image.open(stream))
    return torch.from_numpy(decoded.reshape(*array.shape)).permute(2, 0, 1)


def patches(astronaut, channels, count=6, height=57, width=70):
    cuts = [astronaut[20 * n :, 50 * n :][:height, :width] for n in range(count)]
    if channels == 1:
        cuts = [np.asarray(Image.fromarray(c).convert("L"))[:, :, None] for c in cuts]
    return torch.from_numpy(np.stack(cuts)).permute(0, 3, 1, 2).contiguous()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_quality_for_each_patch_equals_pillow(astronaut, channels):
    pixels = patches(astronaut, channels)
    qualities = [1, 35, 50, 77, 95, 100]
    state = JpegCompression(torch.tensor(qualities)).apply(Batch.of(pixels))
    for number, quality in enumerate(qualities):
        assert torch.equal(state.pixels[number], pillow(pixels[number], quality))
    assert state.jpeg is not None
    assert state.jpeg.sampling == ("gray" if channels == 1 else "4:2:0")


@pytest.mark.parametrize("sampling", SUBSAMPLING)
def test_one_quality_for_all(astronaut, sampling):
    pixels = patches(astronaut, 3, count=2)
    state = JpegCompression(63, sampling).apply(Batch.of(pixels))
    for number in range(2):
        assert torch.equal(state.pixels[number], pillow(pixels[number], 63, sampling))


def test_crop_by_whole_numbers(astronaut):
    pixels = patches(astronaut, 3, count=2)
    start = JpegCompression(80).apply(Batch.of(pixels))
    state = Crop(3, 5).apply(start)
    assert torch.equal(state.pixels, start.pixels[:, :, 3:, 5:])
    assert state.jpeg is None


@pytest.mark.parametrize("channels", [1, 3])
def test_crop_with_offsets_for_each_patch(astronaut, channels):
    pixels = patches(astronaut, channels, count=4)
    top, left = torch.tensor([0, 7, 3, 0]), torch.tensor([5, 7, 0, 0])
    state = Crop(top, left).apply(Batch.of(pixels))
    array = pixels.numpy()
    for n, (y, x) in enumerate(zip(top.tolist(), left.tolist(), strict=True)):
        expected = array[n, :, y : y + 57 - 8, x : x + 70 - 8]
        assert np.array_equal(state.pixels[n].numpy(), expected)


def test_crop_with_one_offset_drawn_and_one_fixed(astronaut):
    pixels = patches(astronaut, 1, count=2)
    state = Crop(torch.tensor([1, 2]), 4).apply(Batch.of(pixels))
    assert torch.equal(state.pixels[1], pixels[1, :, 2:51, 4:66])


@pytest.mark.parametrize(
    "make",
    [
        lambda: JpegCompression(0),
        lambda: JpegCompression(101),
        lambda: JpegCompression(75.0),
        lambda: JpegCompression(torch.tensor([50, 101])),
        lambda: JpegCompression(75, "4:1:1"),
        lambda: Crop(-1, 0),
        lambda: Crop(0, 2.5),
        lambda: Crop(torch.tensor([8]), 0),
        lambda: Crop(torch.tensor([1]), 8),
        lambda: Crop(0, torch.tensor([-1])),
    ],
)
def test_values_out_of_their_domain(make):
    with pytest.raises(ForensicsError) as error:
        make()
    assert len(str(error.value)) < 120


def test_a_crop_that_leaves_nothing():
    batch = Batch.of(torch.zeros(1, 1, 16, 24, dtype=torch.uint8))
    assert Crop(15, 23).apply(batch).size == (1, 1)
    for top, left in ((16, 0), (0, 24)):
        with pytest.raises(ForensicsError, match="leaves nothing of 24 x 16"):
            Crop(top, left).apply(batch)


def test_real_offsets_of_a_crop_are_refused_in_a_sentence():
    with pytest.raises(ForensicsError, match="crop takes whole numbers"):
        Crop(torch.tensor([0.5]), torch.tensor([1.0]))
