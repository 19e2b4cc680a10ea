"""Layers and regions of localizers in `forensics analyze`: numbers, pictures, tables."""

import json

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image

from forensics.batch import Batch
from forensics.cli import maps
from forensics.models.interfaces import Heatmap, Layer, Region

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


BLUE, ORANGE = (31, 119, 180), (255, 127, 14)  # the first of Tableau's colours


def test_layers_are_in_a_folder_of_their_own_as_numbers_and_in_colours(analyzed):
    _, folder = analyzed("--json")
    assert {path.name for path in folder.iterdir()} == {
        f"{STEM}{end}" for end in (".npy", ".png", ".regions.png", ".layers")
    }
    heat, layers = np.load(folder / f"{STEM}.npy"), folder / f"{STEM}.layers"
    assert {path.name for path in layers.iterdir()} == {
        f"{name}{end}" for name in ("region", "heat", "step") for end in (".npy", ".png")
    }
    assert np.array_equal(np.load(layers / "heat.npy"), heat)
    right = np.load(layers / "region.npy")
    assert right.shape == heat.shape == (20, 26)
    assert np.array_equal(right, np.repeat([[0, 1]], 13, axis=1).repeat(20, axis=0))
    # The picture's 160 x 208 pixels lie at the top left, in classes and in amounts.
    regions, steps = (picture(layers / f"{name}.png")[:160, :208] for name in ("region", "step"))
    assert (regions[:, :104] == BLUE).all()
    assert (regions[:, 104:] == ORANGE).all()
    for half, end in ((steps[:, :104], 0.0), (steps[:, 104:], 1.0)):
        viridis = np.array(matplotlib.colormaps["viridis"](end, bytes=True)[:3])
        assert np.abs(half - viridis).max() <= 2
    levels = picture(layers / "heat.png")[:160, :208]
    expected = matplotlib.colormaps["viridis"]((heat - heat.min()) / np.ptp(heat), bytes=True)
    assert np.abs(levels[4::8, 4::8] - expected[..., :3]).max() <= 3


def test_regions_over_the_picture(analyzed, photo):
    """Only the second region is tinted and outlined; the first shows the picture as it is."""
    _, folder = analyzed()
    drawn, before = picture(folder / f"{STEM}.regions.png"), picture(photo)
    assert drawn.shape[0] > 160
    assert drawn.shape[1] >= 208
    assert np.array_equal(drawn[:160, :104], before[:, :104])
    inside = drawn[1:159, 105:207]
    expected = 0.55 * before[1:159, 105:207] + 0.45 * np.array(ORANGE)
    assert np.abs(inside - expected).max() <= 1
    assert (drawn[:160, 104] == ORANGE).all()


HALF = torch.tensor([[[0.0, 0.25], [0.4995, 1.0]]])


def saved(heatmap, size, folder):
    pixels = torch.full((1, 1, *size), 90, dtype=torch.uint8)
    path = maps.save(heatmap, Batch.of(pixels), folder, "a", True)
    return np.array(Image.open(path))[: size[0], : size[1]]


@pytest.mark.parametrize(
    ("scale", "levels"), [((0.0, 1.0), [0, 64, 127, 255]), ((-2.0, 1.0), [170, 191, 212, 255])]
)
@pytest.mark.parametrize("size", [(16, 16), (400, 300)])
def test_a_fixed_scale_shows_the_same_value_alike_in_every_picture(tmp_path, scale, levels, size):
    """.4995 is gray whether it is the greatest value of its picture or not."""
    half = size[0] // 2
    for values in (HALF, HALF.clamp(max=0.4995)):
        heatmap = Heatmap(values, half, half // 2, torch.zeros(1), scale=scale)
        drawn = saved(heatmap, size, tmp_path)[:: size[0] - 1, :: size[1] - 1].ravel().tolist()
        clipped = levels if values is HALF else [*levels[:3], levels[2]]
        assert drawn == clipped
    assert maps.scale(heatmap) == {
        "unit": "",
        "black": scale[0],
        "white": scale[1],
        "fixed": True,
    }


def test_values_beyond_a_scale_are_its_ends(tmp_path):
    heatmap = Heatmap(HALF * 40 - 20, 8, 4, torch.zeros(1), scale=(-6.0, 6.0))
    assert saved(heatmap, (16, 16), tmp_path)[::15, ::15].ravel().tolist() == [0, 0, 127, 255]


def test_without_a_fixed_scale_the_ends_are_stated(tmp_path):
    heatmap = Heatmap(HALF * 40 - 20, 8, 4, torch.zeros(1), unit="grey levels")
    assert saved(heatmap, (16, 16), tmp_path)[::15, ::15].ravel().tolist() == [0, 64, 127, 255]
    assert maps.scale(heatmap) == {
        "unit": "grey levels",
        "black": -20.0,
        "white": 20.0,
        "fixed": False,
    }


@pytest.mark.parametrize("values", [torch.full((1, 2, 2), 0.7), torch.full((1, 2, 2), torch.nan)])
def test_a_map_of_one_value_or_of_none_is_drawn(tmp_path, values):
    drawn = saved(Heatmap(values, 8, 4, torch.zeros(1)), (16, 16), tmp_path)
    assert set(np.unique(drawn)) == ({96, 160} if values.isnan().all() else {128})
    assert np.isfinite(maps.scale(Heatmap(values, 8, 4, torch.zeros(1)))["black"])


def test_the_bar_runs_from_black_to_white_beside_the_map(tmp_path):
    saved(Heatmap(HALF, 100, 50, torch.zeros(1), scale=(0.0, 1.0)), (200, 200), tmp_path)
    whole = np.array(Image.open(tmp_path / "a.png")).astype(int)
    column = whole[:, 200 + 12 + 10]
    ramp = column[12 : 12 + int(np.flatnonzero(np.diff(column[12:]) > 20)[0]) + 1]
    assert (ramp[0], ramp[-1]) == (255, 0)
    assert (np.diff(ramp) <= 0).all()
    assert len(ramp) > 60


def test_a_layer_named_regions_meets_no_other_file(tmp_path):
    region = Layer(torch.tensor([[[0.0, 1.0], [0.0, 0.0]]]), "", ("0", "1"))
    layers = {"region": region, "regions": region, "a/b": region}
    parts = (Region(192, {"q": 1}), Region(64, {"q": 2}))
    heatmap = Heatmap(HALF, 8, 4, torch.zeros(1), None, layers, (parts,))
    saved(heatmap, (16, 16), tmp_path)
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.png")}
    assert found == {
        "a.png",
        "a.regions.png",
        *(f"a.layers/{name}.png" for name in ("region", "regions", "a_b")),
    }


def test_layers_of_large_pictures_are_drawn_smaller(tmp_path):
    layers = {"step": Layer(HALF, "probability", scale=(0.0, 1.0))}
    heatmap = Heatmap(HALF, 1500, 750, torch.zeros(1), None, layers)
    saved(heatmap, (3000, 3000), tmp_path)
    assert max(Image.open(tmp_path / "a.layers" / "step.png").size) < 1600
    assert min(Image.open(tmp_path / "a.png").size) >= 3000


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


def test_regions_in_words(command, photo):
    code, out, _ = command("analyze", photo, "--localizers", MODEL)
    assert code == 0
    assert "2 regions, score " in out
    assert "region 0, 50.0 %: step1..2 3 5, r 0\n" in out
    assert "region 1, 50.0 %: step1..2 4 5, r 1 (moot)\n" in out
    assert "region 0" not in command("analyze", photo, "--localizers", "toy-everything")[1]


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
