"""Files that are written read back as they were: coefficients, tables, sampling, odd sizes."""

import numpy as np
import pytest
import torch
from PIL import Image

from forensics import images, jpeg
from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.images.writing import suffix, write
from forensics.jpeg.coefficients import SAMPLINGS, Jpeg

SIZES = [(64, 64), (17, 33), (8, 8), (1, 1), (3, 5), (50, 41), (16, 9)]


def noise(channels, height, width):
    generator = torch.Generator().manual_seed(height * width)
    shape = (1, channels, height, width)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_a_jpeg_reads_back(tmp_path, sampling, height, width):
    for quality in (5, 50, 95):
        pixels = noise(1 if sampling == "gray" else 3, height, width)
        made = jpeg.compress(pixels, quality, sampling)
        batch = Batch.of(jpeg.decode(made), made)
        path = tmp_path / f"{quality}{suffix(batch)}"
        write(batch, path)
        read = images.open(path).batch()
        assert torch.equal(read.pixels, batch.pixels)
        assert read.jpeg is not None
        assert read.jpeg.sampling == sampling
        assert torch.equal(read.jpeg.tables, made.tables)
        for ours, theirs in zip(made.coefficients, read.jpeg.coefficients, strict=True):
            assert torch.equal(ours, theirs)


def test_any_tables_read_back(tmp_path):
    made = jpeg.compress(noise(3, 40, 48), 80, "4:2:0")
    generator = torch.Generator().manual_seed(1)
    tables = torch.randint(1, 256, (1, 3, 8, 8), dtype=torch.int32, generator=generator)
    for same in (slice(0, 0), slice(1, 3), slice(0, 3)):  # three tables, two, one
        tables[:, same] = tables[:, 2:3]
        state = Jpeg(made.coefficients, tables.clone(), "4:2:0", (40, 48))
        batch = Batch.of(jpeg.decode(state), state)
        path = tmp_path / "x.jpg"
        write(batch, path, force=True)
        read = images.open(path).batch()
        assert torch.equal(read.jpeg.tables, tables)
        assert torch.equal(read.pixels, batch.pixels)


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_are_a_png(tmp_path, channels):
    pixels = noise(channels, 13, 21)
    batch = Batch.of(pixels)
    path = tmp_path / "deep" / f"x{suffix(batch)}"
    write(batch, path)
    read = np.array(Image.open(path)).reshape(13, 21, channels)
    assert path.suffix == ".png"
    assert np.array_equal(read, pixels[0].permute(1, 2, 0).numpy())


def test_what_is_in_the_way(tmp_path):
    batch = Batch.of(noise(1, 8, 8))
    path = tmp_path / "x.png"
    path.write_text("mine")
    with pytest.raises(ForensicsError, match="--force"):
        write(batch, path)
    assert path.read_text() == "mine"
    with pytest.raises(ForensicsError, match="cannot write"):
        write(batch, path / "below.png")
    assert [p.name for p in tmp_path.iterdir()] == ["x.png"]
