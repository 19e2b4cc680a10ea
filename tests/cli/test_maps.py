"""Layers and regions of localizers in `forensics analyze`: numbers, pictures, tables."""

import json

import numpy as np
import pytest
from PIL import Image

from forensics.cli import maps

pytestmark = pytest.mark.usefixtures("toy")
MODEL = "toy-everything:halves=true"
STEM = "photo.png.toy-everything_halves_true"


@pytest.fixture
def photo(tmp_path, astronaut):
    Image.fromarray(astronaut[40:200, 100:308]).convert("L").save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def analyzed(command, photo, tmp_path):
    def call(*more):
        line = ["analyze", photo, "--localizers", MODEL, "-o", tmp_path / "maps", *more]
        code, out, err = command(*line)
        assert (code, err) == (0, "")
        return out, tmp_path / "maps"

    return call


def picture(path):
    return np.array(Image.open(path).convert("RGB")).astype(int)


def shares(pixels, colour):
    """From which to which part of the columns of a picture there is much of a colour."""
    there = (np.abs(pixels - np.array(colour)).max(2) <= 2).sum(0) > pixels.shape[0] / 3
    columns = np.flatnonzero(there)
    return columns[0] / pixels.shape[1], columns[-1] / pixels.shape[1]


BLUE, ORANGE = (31, 119, 180), (255, 127, 14)  # the first of matplotlib's tab10


def test_layers_are_written_as_numbers_and_in_colours(analyzed):
    _, folder = analyzed("--json")
    heat = np.load(folder / f"{STEM}.npy")
    assert np.array_equal(np.load(folder / f"{STEM}.heat.npy"), heat)
    right = np.load(folder / f"{STEM}.region.npy")
    assert right.shape == heat.shape == (20, 26)
    assert np.array_equal(right, np.repeat([[0, 1]], 13, axis=1).repeat(20, axis=0))
    assert {path.name for path in folder.glob("*.png")} == {
        f"{STEM}{layer}.png" for layer in ("", ".region", ".heat", ".step", ".regions")
    }
    regions = picture(folder / f"{STEM}.region.png")
    blue, orange = shares(regions, BLUE), shares(regions, ORANGE)
    assert blue[0] < 0.05
    assert abs(blue[1] - orange[0]) < 0.01  # one begins where the other ends
    assert abs((blue[1] - blue[0]) - (orange[1] - orange[0])) < 0.02
    # Two steps, at the ends of viridis; of many levels there is a scale of all of it.
    steps, levels = (picture(folder / f"{STEM}.{n}.png") for n in ("step", "heat"))
    assert shares(steps, (68, 1, 84))[1] == pytest.approx(
        shares(steps, (253, 231, 37))[0], abs=0.01
    )
    coloured = levels[np.ptp(levels, axis=2) > 30]
    assert len(np.unique(coloured, axis=0)) > 100


def test_regions_over_the_picture(analyzed, photo):
    """Only the second region is tinted; the first shows the picture as it is."""
    _, folder = analyzed()
    drawn = picture(folder / f"{STEM}.regions.png")
    tinted = (drawn[..., 0] - drawn[..., 2] > 40).mean(0) > 0.3
    columns = np.flatnonzero(tinted)
    gray = (np.ptp(drawn, axis=2) <= 2).mean(0) > 0.9
    assert gray[: columns[0] - 3].mean() > 0.95
    assert len(columns) > 0.9 * (columns[-1] - columns[0])


def test_regions_are_listed(analyzed):
    out, _ = analyzed("--json")
    (file,) = json.loads(out)["files"]
    assert file["maps"][MODEL]["regions"] == [
        {
            "pixels": 10 * 13 * 128,
            "share": 0.5,
            "values": {"step1": 3 + n, "step2": 5, "r": n},
            "doubt": doubt,
        }
        for n, doubt in enumerate((None, "moot"))
    ]


def test_regions_in_the_table(command, photo):
    code, out, _ = command("analyze", photo, "--localizers", MODEL)
    assert code == 0
    assert "0        50.0 %   step1..2 3 5, r 0" in out
    assert "1        50.0 %   step1..2 4 5, r 1 (moot)" in out
    out = command("analyze", photo, "--localizers", "toy-everything")[1]
    assert "what is said of it" not in out


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"step1": 8, "step2": 6.5, "r": 4}, "step1..2 8 6.5, r 4"),
        ({"step1": 8.0}, "step1 8"),
        ({"q": 75, "r": 1, "c": 2}, "q 75, r 1, c 2"),
        ({}, ""),
    ],
)
def test_words(values, text):
    assert maps.words(values) == text


def test_without_matplotlib_the_numbers_are_there(analyzed, monkeypatch):
    monkeypatch.setattr(maps, "drawable", lambda: False)
    out, folder = analyzed()
    assert "image-forensics[plot]" in out
    assert [path.name for path in folder.glob("*.png")] == [f"{STEM}.png"]
    assert len(list(folder.glob("*.npy"))) == 4
