"""The samples are installed, distinct, and show no trace of the 8 x 8 grid of a JPEG."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image
from scipy.fft import dctn

from forensics import data
from forensics.errors import ForensicsError

SAMPLES = list(data.samples())


def grid_strength(pixels: np.ndarray) -> float:
    """How much the share of zero DCT coefficients stands out at the best of the 64 grid offsets,
    in robust standard deviations over the offsets."""
    shares = []
    for y, x in np.ndindex(8, 8):
        rows, columns = (pixels.shape[0] - y) // 8, (pixels.shape[1] - x) // 8
        part = pixels[y : y + 8 * rows, x : x + 8 * columns].astype(np.float32)
        blocks = part.reshape(rows, 8, columns, 8).transpose(0, 2, 1, 3)
        levels = dctn(blocks, axes=(2, 3), norm="ortho")[..., 1:, 1:]
        shares.append(np.mean(np.abs(levels) < 0.5))
    spread = 1.4826 * np.median(np.abs(shares - np.median(shares)))
    return float((max(shares) - np.median(shares)) / spread)


def test_all_are_there_in_order_and_distinct() -> None:
    assert not data.samples().skipped
    assert len({p.sha256 for p in SAMPLES}) == len({p.name for p in SAMPLES}) == 11
    assert sum(p.channels == 3 for p in SAMPLES) == 6
    assert [p.name for p in SAMPLES] == sorted(p.name for p in SAMPLES)
    with pytest.raises(ForensicsError, match="no splits"):
        data.samples("train")


@pytest.mark.parametrize("photo", SAMPLES, ids=lambda p: Path(p.name).stem)
def test_size_is_what_load_gives(photo: data.Photograph) -> None:
    assert photo.load(color=False).shape == (1, *photo.size)
    assert min(photo.size) >= 192
    if photo.channels == 3:
        assert photo.load(color=True).shape == (3, *photo.size)


@pytest.mark.parametrize("photo", SAMPLES, ids=lambda p: Path(p.name).stem)
def test_no_jpeg_grid_shows(photo: data.Photograph) -> None:
    assert grid_strength(photo.load(color=False)[0]) < 5


def test_the_grid_shows_before_the_reduction() -> None:
    # Else the test above would pass on anything.
    for photo in SAMPLES:
        if photo.reduced == 2:
            with Image.open(photo.path) as image:
                assert grid_strength(np.asarray(image.convert("L"))) > 10


def test_a_sample_is_the_library_s_own_picture() -> None:
    camera = next(p for p in SAMPLES if p.name.endswith("camera.png"))
    assert np.array_equal(camera.load(color=False)[0], skimage.data.camera())


def test_reduction_is_part_of_the_identity() -> None:
    photo = next(p for p in SAMPLES if p.reduced == 2)
    assert photo.sha256 != data.Photograph.at(photo.path, photo.name, None).sha256
