"""The attackers with small random weights: what holds for any weights."""

import functools
import itertools

import pytest
import torch
from skimage import data

from forensics.batch import Batch
from forensics.errors import NotApplicable
from forensics.jpeg import compress, decode, decode_luma, standard_tables
from forensics.models import selection
from forensics.training import export
from forensics_antiforensics import attackers, networks, tiles

NAMES = ("afcnn", "afcnn-matched", "ddcn-dither")
NETWORKS = {
    "afcnn": networks.AFCNN,
    "afcnn-matched": networks.Matched,
    "ddcn-dither": networks.Restorer,
}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home of the user's with random weights for every part; those of each quality add their
    own constant to the image, so that one sees which was taken."""
    monkeypatch.setenv("FORENSICS_HOME", str(tmp_path))
    for name in NAMES:
        parts = ["restorer"] if name == "ddcn-dither" else [f"q{q}" for q in (50, 60, 70, 80, 90)]
        for number, part in enumerate(parts):
            torch.manual_seed(number)
            state = NETWORKS[name]().state_dict()
            state["trunk.tail.weight"].normal_(0, 0.002)
            scale = 1 / 255 if name == "afcnn" else 1 / 16
            state["trunk.tail.bias"][: 1 if name == "afcnn" else 4] = 3 * (number - 2) * scale
            export.export(tmp_path / "weights" / name, part, state, {"part": part})
    return tmp_path


@functools.cache
def photographs(color=False, n=3, side=72):
    """Crops, uint8 `[n, C, side, side]`."""
    image = torch.from_numpy(data.astronaut()).permute(2, 0, 1)
    crops = [image[:, 40 * i : 40 * i + side, 100 : 100 + side] for i in range(n)]
    return torch.stack(crops if color else [c[1:2] for c in crops])


def compressed(quality=60, color=False, sampling="4:2:0", **size):
    jpeg = compress(photographs(color, **size), quality, sampling)
    return Batch.of(decode(jpeg), jpeg)


def attack(name, batch):
    return selection.model(name, "attacker").create().attack(batch)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sampling", ["gray", "4:4:4", "4:2:0"])
@pytest.mark.parametrize("side", [17, 72])
def test_same_size_uint8_and_the_input_untouched(home, name, sampling, side):
    batch = compressed(70, sampling != "gray", sampling, side=side)
    assert batch.jpeg is not None
    before = [batch.pixels.clone(), batch.jpeg.tables.clone()]
    before += [c.clone() for c in batch.jpeg.coefficients]
    found = attack(name, batch)
    assert found.dtype == torch.uint8
    assert found.shape == batch.pixels.shape
    assert (found != batch.pixels).any()
    after = [batch.pixels, batch.jpeg.tables, *batch.jpeg.coefficients]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_is_its_images_one_by_one(home, name):
    # Two qualities in the batch: images go to their part and come back to their place.
    batch = compressed(torch.tensor([60, 90, 60]))
    together = attack(name, batch)
    alone = torch.cat([attack(name, batch[i : i + 1]) for i in range(3)])
    # Sums of floats may be ordered otherwise in a batch: a pixel on the edge may round otherwise.
    assert (together.int() - alone.int()).abs().max() <= 1
    assert (together != alone).float().mean() < 1e-3


@pytest.mark.parametrize("name", ["afcnn-matched", "ddcn-dither"])
def test_noise_is_a_function_of_the_keys(home, name):
    batch = compressed()
    other = Batch.of(batch.pixels, batch.jpeg, first_key=100)
    assert torch.equal(attack(name, batch), attack(name, batch))
    # The restoration is common to both, so the difference is noise of both: s.d. sqrt(2) x 1 for
    # the control.
    difference = attack(name, batch).float() - attack(name, other).float()
    assert difference.std() > 0.05
    if name == "ddcn-dither":
        assert difference.std().item() == pytest.approx(2**0.5, rel=0.06)
        assert difference.mean().abs() < 0.05


def test_the_table_picks_the_nearest_quality():
    qualities = torch.tensor([50, 54, 56, 60, 64, 66, 70, 80, 84, 90, 95, 10, 100])
    expected = torch.tensor([0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 4, 0, 4])
    assert torch.equal(attackers.nearest_quality(standard_tables(qualities, 1)[:, 0]), expected)


def test_the_part_of_that_quality_is_run(home):
    means = []
    for quality in (50, 60, 70, 80, 90):
        batch = compressed(quality)
        change = attack("afcnn-matched", batch).float() - batch.pixels.float()
        means.append(change.mean().item())
    # The parts add -6, -3, 0, 3 and 6 grey levels.
    steps = [b - a for a, b in itertools.pairwise(means)]
    assert steps == pytest.approx([3, 3, 3, 3], abs=1)


def test_colour_keeps_its_chroma(home):
    batch = compressed(90, color=True, sampling="4:4:4")
    found = attack("ddcn-dither", batch)
    weights = torch.tensor([0.299, 0.587, 0.114])[:, None, None]

    def chroma(pixels):
        luma = (pixels.float() * weights).sum(1)
        blue, red = pixels[:, 2].float() - luma, pixels[:, 0].float() - luma
        return luma, torch.stack((blue / 1.772, red / 1.402), 1)

    inside = ((found > 0) & (found < 255) & (batch.pixels > 0) & (batch.pixels < 255)).all(1)
    (luma, colour), (luma_before, colour_before) = chroma(found), chroma(batch.pixels)
    assert (luma - luma_before)[inside].abs().mean() > 0.5
    # What is left is the rounding of two images to 8 bits.
    moved = (colour - colour_before).abs().amax(1)[inside]
    assert moved.mean() < 0.6
    assert moved.max() < 2


def test_the_luma_of_a_plane_given_back_is_the_decode():
    for sampling in ("4:4:4", "4:2:2", "4:2:0"):
        batch = compressed(75, True, sampling)
        assert batch.jpeg is not None
        same = attackers.with_luma(batch.jpeg, decode_luma(batch.jpeg, whole_blocks=True))
        difference = (same.int() - batch.pixels.int()).abs()
        # libjpeg rounds luma, chroma and the sum of both; this rounds once.
        assert difference.max() <= 3
        assert difference.float().mean() < 0.5


@pytest.mark.parametrize("name", NAMES)
def test_what_it_cannot_take_is_a_reason(home, name):
    with pytest.raises(NotApplicable, match="not a JPEG at this place"):
        attack(name, Batch.of(photographs()))
    with pytest.raises(NotApplicable, match="smaller than 16 x 16"):
        attack(name, compressed(side=15))


@pytest.mark.parametrize("name", NAMES)
def test_without_weights_it_is_not_applicable(name, monkeypatch, tmp_path):
    monkeypatch.setenv("FORENSICS_HOME", str(tmp_path))
    monkeypatch.setattr("forensics.models.weights.shipped_folder", lambda entry: tmp_path / "none")
    with pytest.raises(NotApplicable, match=f"forensics train {name}"):
        attack(name, compressed())


def test_tiles_make_no_difference(home, monkeypatch):
    jpeg = compress(photographs(n=2, side=136), 60)
    batch = Batch.of(decode(jpeg), jpeg)
    for name in NAMES:
        whole = attack(name, batch)
        with monkeypatch.context() as patch:
            patch.setattr(tiles, "SIDE", 64)
            patch.setattr(tiles, "_PIXELS", 128 * 128)
            parts = attack(name, batch)
        assert (whole.int() - parts.int()).abs().max() <= 1
        assert (whole != parts).float().mean() < 1e-3
