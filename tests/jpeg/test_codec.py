"""The codec against libjpeg-turbo: Pillow's pixels, jpeglib's reading of Pillow's levels."""

import io
from dataclasses import replace

import jpeglib
import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

from forensics import device
from forensics.errors import ForensicsError
from forensics.jpeg import Jpeg, compress, decode, standard_tables

SUBSAMPLING = {"gray": 0, "4:4:4": 0, "4:2:2": 1, "4:2:0": 2}
PATHS = ["tensor", "compiled"]


@pytest.fixture(params=PATHS)
def path(request, monkeypatch):
    """Both implementations: the one that runs anywhere and the one for a CPU."""
    if request.param == "tensor":
        monkeypatch.setattr(device, "compiled", lambda values: False)
    return request.param


def tensor(array):
    """[H, W] or [H, W, 3] -> [1, C, H, W]."""
    array = array[..., None] if array.ndim == 2 else array
    return torch.from_numpy(array.copy()).permute(2, 0, 1)[None].contiguous()


def pillow(array, file, sampling, **options):
    """What Pillow decodes from the file it writes, and the levels in the file."""
    Image.fromarray(array).save(file, "JPEG", subsampling=SUBSAMPLING[sampling], **options)
    dct = jpeglib.read_dct(str(file))
    levels = [dct.Y] if array.ndim == 2 else [dct.Y, dct.Cb, dct.Cr]
    return np.asarray(Image.open(file)), levels


def differences(array, file, quality, sampling):
    """Differing pixels and levels between the codec and Pillow."""
    pixels, levels = pillow(array, file, sampling, quality=quality)
    jpeg = compress(tensor(array), quality, sampling)
    assert [c.shape[1:] for c in jpeg.coefficients] == [level.shape for level in levels]
    wrong = sum(
        int((ours[0].numpy() != theirs).sum())
        for ours, theirs in zip(jpeg.coefficients, levels, strict=True)
    )
    return int((decode(jpeg) != tensor(pixels)).sum()), wrong


def content(kind, height, width, channels, rng):
    shape = (height, width, 3)[: 2 + (channels == 3)]
    if kind == "noise":
        return rng.integers(0, 256, shape, dtype=np.uint8)
    if kind == "extremes":
        return rng.integers(0, 2, shape, dtype=np.uint8) * np.uint8(255)
    photograph = getattr(skimage.data, kind)()
    top, left = rng.integers(0, 512 - height), rng.integers(0, 512 - width)
    crop = photograph[top : top + height, left : left + width]
    return crop if channels == 3 else np.asarray(Image.fromarray(crop).convert("L"))


@pytest.mark.parametrize("sampling", SUBSAMPLING)
@pytest.mark.parametrize("kind", ["noise", "extremes", "astronaut"])
def test_equals_pillow(kind, sampling, path, tmp_path):
    rng = np.random.default_rng(len(kind))
    channels = 1 if sampling == "gray" else 3
    for quality in [1, 2, 24, 50, 75, 95, 99, 100, *rng.integers(1, 101, 12)]:
        height, width = rng.integers(1, 70, 2)
        array = content(kind, height, width, channels, rng)
        found = differences(array, tmp_path / "a.jpg", int(quality), sampling)
        assert found == (0, 0), (quality, array.shape)


@pytest.mark.parametrize("sampling", SUBSAMPLING)
def test_every_remainder_of_the_size(sampling, path, tmp_path):
    """Height and width modulo 16 in turn, and the widths up to 4 that are not filtered."""
    rng = np.random.default_rng(3)
    channels = 1 if sampling == "gray" else 3
    sizes = [(h, 33 - h) for h in range(1, 33)] + [(h, w) for h in (1, 2, 9) for w in range(1, 7)]
    for height, width in sizes:
        array = content("noise", height, width, channels, rng)
        found = differences(array, tmp_path / "a.jpg", 90, sampling)
        assert found == (0, 0), array.shape


@pytest.mark.parametrize("sampling", SUBSAMPLING)
def test_a_whole_photograph(sampling, path, tmp_path):
    photograph = skimage.data.astronaut()[:427, :401]
    if sampling == "gray":
        photograph = np.asarray(Image.fromarray(photograph).convert("L"))
    assert differences(photograph, tmp_path / "a.jpg", 83, sampling) == (0, 0)


def test_tables_beyond_eight_bits(path, tmp_path):
    rng = np.random.default_rng(4)
    array = content("noise", 40, 40, 1, rng)
    steps = rng.integers(1, 3000, (1, 8, 8))
    pixels, levels = pillow(array, tmp_path / "a.jpg", "gray", qtables=[steps.ravel().tolist()])
    jpeg = compress(tensor(array), tables=torch.from_numpy(steps))
    assert (jpeg.coefficients[0][0].numpy() == levels[0]).all()
    assert torch.equal(decode(jpeg), tensor(pixels))


@pytest.mark.parametrize("step", [1, 16, 255])
@pytest.mark.parametrize("kind", ["dense", "sparse", "constant", "first row"])
def test_levels_that_no_picture_has(kind, step, path, tmp_path):
    """Sums and products that leave 16 bits; the file is written by jpeglib."""
    rng = np.random.default_rng(5)
    file = tmp_path / "a.jpg"
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(file, quality=50)
    levels = rng.integers(-1023, 1024, (8, 8, 8, 8)).astype(np.int16)
    if kind == "sparse":
        levels *= rng.random(levels.shape) < 0.03
    elif kind == "constant":
        levels[..., 1:] = 0
        levels[..., 1:, :] = 0
    elif kind == "first row":
        levels[..., 1:, :] = 0
    dct = jpeglib.read_dct(str(file))
    dct.Y[:], dct.qt[:] = levels, step
    dct.write_dct(str(file))
    tables = torch.full((1, 1, 8, 8), step, dtype=torch.int32)
    jpeg = Jpeg((torch.from_numpy(levels)[None],), tables, "gray", (64, 64))
    assert torch.equal(decode(jpeg), tensor(np.asarray(Image.open(file))))


@pytest.mark.parametrize("sampling", SUBSAMPLING)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_batch_is_its_images(sampling, threads, path, monkeypatch):
    """With a quality for each image, and where two threads share the images."""
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    channels = 1 if sampling == "gray" else 3
    pixels = torch.randint(0, 256, (9, channels, 250, 251), dtype=torch.uint8)
    quality = torch.tensor([1, 10, 30, 50, 60, 75, 90, 99, 100])
    jpeg = compress(pixels, quality, sampling)
    decoded = decode(jpeg)
    for i in range(len(pixels)):
        alone = compress(pixels[i : i + 1], int(quality[i]), sampling)
        assert torch.equal(alone.tables[0], jpeg.tables[i])
        for one, many in zip(alone.coefficients, jpeg.coefficients, strict=True):
            assert torch.equal(one[0], many[i])
        assert torch.equal(decode(alone)[0], decoded[i])


def test_strided_input(path):
    pixels = torch.randint(0, 256, (2, 3, 30, 40), dtype=torch.uint8)
    flipped = pixels.transpose(2, 3).contiguous().transpose(2, 3)
    one, other = compress(pixels, 80), compress(flipped, 80)
    assert all(map(torch.equal, one.coefficients, other.coefficients))
    assert torch.equal(decode(one[::2]), decode(one)[::2])


def test_gray_stays_gray():
    pixels = torch.randint(0, 256, (1, 1, 16, 16), dtype=torch.uint8)
    jpeg = compress(pixels, 80, "4:2:0")
    assert (jpeg.sampling, len(jpeg.coefficients), jpeg.size) == ("gray", 1, (16, 16))


def test_no_images():
    jpeg = compress(torch.zeros(0, 3, 16, 16, dtype=torch.uint8), 80)
    assert decode(jpeg).shape == (0, 3, 16, 16)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"quality": 0}, "1 to 100"),
        ({"quality": torch.tensor([50, 101])}, "1 to 100"),
        ({"quality": torch.tensor([50, 60, 70])}, "fit 2 images"),
        ({"quality": 50, "sampling": "4:1:1"}, "4:1:1"),
        ({"quality": 50, "sampling": "gray"}, "RGB"),
        ({}, "quality or tables"),
        ({"tables": torch.zeros(3, 8, 8, dtype=torch.int64)}, "1 to 8191"),
        ({"tables": torch.ones(1, 8, 8, dtype=torch.int64)}, "3 components"),
    ],
)
def test_bad_requests_say_what_to_do(arguments, says):
    with pytest.raises(ForensicsError, match=says):
        compress(torch.zeros(2, 3, 8, 8, dtype=torch.uint8), **arguments)


def test_pixels_must_be_bytes():
    with pytest.raises(TypeError, match="float32"):
        compress(torch.zeros(2, 3, 8, 8), 50)


@pytest.mark.slow
@pytest.mark.parametrize("sampling", SUBSAMPLING)
def test_every_quality(sampling, path, tmp_path):
    rng = np.random.default_rng(6)
    channels = 1 if sampling == "gray" else 3
    file = tmp_path / "a.jpg"
    for quality in range(1, 101):
        for kind in ("noise", "extremes", "astronaut"):
            height, width = rng.integers(1, 120, 2)
            array = content(kind, height, width, channels, rng)
            found = differences(array, file, quality, sampling)
            assert found == (0, 0), (quality, array.shape)


@pytest.mark.cuda
@pytest.mark.parametrize("sampling", SUBSAMPLING)
def test_cuda_equals_cpu(sampling):
    """Under the settings that make float products inexact, too."""
    channels = 1 if sampling == "gray" else 3
    pixels = torch.randint(0, 256, (50, channels, 65, 79), dtype=torch.uint8)
    quality = torch.arange(1, 101, 2)
    here = compress(pixels, quality, sampling)
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cuda"):
            there = compress(pixels.cuda(), quality.cuda(), sampling)
            decoded = decode(there)
    finally:
        torch.set_float32_matmul_precision(precision)
    for one, other in zip(here.coefficients, there.coefficients, strict=True):
        assert torch.equal(one, other.cpu())
    assert torch.equal(decode(here), decoded.cpu())
    wild = tuple(torch.randint_like(c, -1023, 1024) for c in here.coefficients)
    here = replace(here, coefficients=wild)
    assert torch.equal(decode(here), decode(here.to("cuda")).cpu())


def test_standard_tables_are_pillows():
    for quality in range(1, 101):
        file = io.BytesIO()
        Image.new("RGB", (8, 8)).save(file, "JPEG", quality=quality)
        theirs = Image.open(file).quantization
        ours = standard_tables(quality, 3).flatten(1).tolist()
        assert ours == [theirs[0], theirs[1], theirs[1]]
        assert standard_tables(quality, 1).flatten().tolist() == theirs[0]
    each = standard_tables(torch.tensor([10, 90]), 3)
    assert torch.equal(each, torch.stack([standard_tables(10, 3), standard_tables(90, 3)]))
    assert each.dtype == torch.int32
