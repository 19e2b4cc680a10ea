"""Painted pictures: always the same, with the statistics of natural images, and never a JPEG."""

import itertools
import json

import numpy as np
import pytest
import torch
from PIL import Image

from forensics import data
from forensics.data import lattice, leaves
from forensics.errors import ForensicsError

SPLITS = ("train", "val", "calib", "test")


@pytest.fixture(scope="module")
def pictures():
    return [leaves.picture(seed, 384, 512) for seed in (0, 2)]


def test_splits_are_sources_of_their_own():
    sources = [data.resolve("dead-leaves", split) for split in SPLITS]
    assert [len(source) for source in sources] == [96, 12, 12, 24]
    assert len({p.sha256 for source in sources for p in source}) == 144
    assert {p.split for p in sources[1]} == {"val"}
    assert data.resolve("dead-leaves")[0] == sources[3][0]
    with pytest.raises(ForensicsError, match="no split dev; choose one of train, val, calib, test"):
        data.resolve("dead-leaves", "dev")


def test_a_picture_is_its_seed_and_its_size():
    one = data.resolve("dead-leaves", "val")[1]
    again = data.resolve("dead-leaves", "val")[1]
    colour, gray = one.load(color=True), one.load(color=False)
    assert colour.shape == (3, *one.size) == (3, 512, 384)
    np.testing.assert_array_equal(colour, again.load(color=True))
    image = Image.fromarray(colour.transpose(1, 2, 0))
    np.testing.assert_array_equal(gray[0], np.asarray(image.convert("L")))
    other = data.resolve("dead-leaves", "val")[3].load(color=False)
    assert np.abs(gray.astype(int) - other).mean() > 20


def test_radii_have_the_density_of_natural_scenes():
    """Cubes: the share above r falls with r squared; the discs' area is what is asked for."""
    found = leaves._radii(np.random.default_rng(0), 4_000_000)
    assert 2 <= found.min() < 2.01
    for radius in (4, 8, 16):
        expected = (radius**-2 - 160**-2) / (2**-2 - 160**-2)
        deviation = np.sqrt(expected / len(found))
        assert abs((found > radius).mean() - expected) < 5 * deviation
    area = np.pi * (found.astype(float) ** 2).sum()
    assert area == pytest.approx(3 * 4_000_000, rel=0.1)


def test_one_disc_covers_its_area_and_hides_what_is_below():
    canvas, flat = np.zeros((64, 64, 3), np.float32), np.zeros((64, 64), np.float32)
    colour = np.array([50.0, 100.0, 200.0])
    leaves._drop(canvas, flat, np.array([30.2, 33.7]), 12.3, colour, np.zeros(2), 1.0)
    assert canvas[..., 0].sum() / 50 == pytest.approx(np.pi * 12.3**2, rel=0.005)
    np.testing.assert_allclose(canvas[30, 33], colour)
    y, x = np.nonzero(canvas[..., 0])
    assert (y.mean(), x.mean()) == (pytest.approx(30.2, abs=0.3), pytest.approx(33.7, abs=0.3))
    # Half outside of the picture.
    leaves._drop(canvas, flat, np.array([0.0, 63.0]), 5.0, colour, np.zeros(2), 1.0)
    np.testing.assert_allclose(canvas[0, 63], colour)


def test_spectra_fall_as_those_of_natural_images(pictures):
    """The power of natural images falls with about the square of the frequency (Field 1987)."""
    for picture in pictures:
        gray = picture.mean(2)[:384, :384]
        power = np.abs(np.fft.fft2((gray - gray.mean()) * np.outer(*[np.hanning(384)] * 2))) ** 2
        radius = np.hypot(np.fft.fftfreq(384)[:, None], np.fft.fftfreq(384))
        edges = np.geomspace(0.02, 0.2, 8)
        middle = np.sqrt(edges[1:] * edges[:-1])
        bands = itertools.pairwise(edges)
        means = [power[(radius >= low) & (radius < high)].mean() for low, high in bands]
        slope = np.polyfit(np.log(middle), np.log(means), 1)[0]
        assert -3 < slope < -1


def test_no_picture_looks_like_a_jpeg():
    source = data.resolve("dead-leaves", "val")
    assert lattice.warning(source.photographs[:3]) is None


def test_edges_and_flat_parts_are_there(pictures):
    for picture in pictures:
        steps = np.abs(np.diff(picture.astype(int), axis=1))
        assert (steps > 60).mean() > 0.01
        assert (steps < 8).mean() > 0.3
        assert torch.from_numpy(picture).unique().numel() > 200


def test_a_run_takes_them(toy, command, tmp_path):
    code, out, err = command(
        *("run", "--attack", "toy-median", "--detectors", "toy-grain", "--data", "dead-leaves"),
        *("--patch", 64, "--limit", 2, "--set", "q=60", "--json", "--out", tmp_path / "out"),
    )
    assert code == 0, err
    found = json.loads(out)
    assert found["protocol"]["data"] == "dead-leaves"
