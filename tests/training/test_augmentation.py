"""What happens to crops before their history: against numpy and Pillow, and never in validation."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from PIL import Image

from forensics import data, random
from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.histories.operations import Resize
from forensics.jpeg.colour import luma
from forensics.training import (
    Augmentation,
    Burnout,
    Camera,
    Contrast,
    Exposure,
    Gamma,
    NetworkRecipe,
    Orientation,
    Phase,
    Reduction,
)
from forensics.training.command import generators
from forensics.training.generator import Generator, Pool

CPU = torch.device("cpu")
ALL = (
    Orientation(),
    Contrast(0.3),
    Burnout(0.05, share=0.5),
    Exposure(1.0),
    Gamma(1.3),
    Reduction(0.5),
    Camera(0.5),
)


@dataclass(frozen=True)
class Plain(NetworkRecipe):
    trace: ClassVar[str] = "jpeg"
    phases: ClassVar[tuple[Phase, ...]] = (Phase(1, 16, 4, 1e-3),)
    part: ClassVar[str] = "plain"

    def draws(self):
        return {"q": [100]}

    def network(self):
        raise NotImplementedError

    loss = validate = network


@pytest.fixture(scope="module")
def source(tmp_path_factory, astronaut):
    folder = tmp_path_factory.mktemp("photographs")
    (folder / "train").mkdir()
    for number in range(3):
        part = astronaut[100 * number :, 50 * number :][:300, :350]
        Image.fromarray(np.ascontiguousarray(part)).save(folder / f"train/{number}.png")
    return data.resolve(str(folder), "train")


def generator(source, augmentations):
    rgb = any(a.rgb for a in augmentations)
    return Generator(Plain(), Pool(source, False, CPU, rgb=rgb), augmentations)


def test_the_eight_orientations_are_numpys(astronaut):
    crop = np.ascontiguousarray(astronaut[:24, :24, 0])
    batch = Batch.of(torch.from_numpy(crop)[None, None].repeat(300, 1, 1, 1))
    found = Orientation().apply(batch).pixels[:, 0].numpy()
    turned = [np.rot90(side, k) for side in (crop, crop.T) for k in range(4)]
    counts = [sum(np.array_equal(one, two) for one in found) for two in turned]
    assert sum(counts) == 300
    assert all(15 < count < 65 for count in counts)


def test_a_stop_of_exposure_is_twice_the_light():
    levels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).repeat(300, 1, 1, 1)
    found = Exposure(1.0).apply(Batch.of(levels)).pixels.double().flatten(1)
    # From the mean of the levels that nothing clips, each crop's stops; then every level.
    low = torch.arange(40, 170)
    stops = 2.2 * (found[:, low].mean(1) / low.double().mean()).log2()
    assert (stops.min() < -0.9, stops.max() > 0.9) == (True, True)
    assert stops.abs().max() < 1.02
    expected = (torch.arange(256) * 2 ** (stops / 2.2)[:, None]).clamp(max=255)
    assert (found - expected).abs().max() < 1.5


def test_a_share_of_the_crops_is_exposed_and_the_others_stay_as_they_are():
    levels = torch.full((600, 1, 8, 8), 200, dtype=torch.uint8)
    found = Exposure(4.0, share=0.25).apply(Batch.of(levels)).pixels
    changed = (found != levels).flatten(1).any(1)
    assert 110 < int(changed.sum()) < 190  # 150 +- 11; a draw near 0 changes little
    # 1.28 times as bright is white: where 2 ** (4 u / 2.2) is, u from -1 to 1, 2 in 5 of them.
    assert 40 < int(found.flatten(1).eq(255).all(1).sum()) < 80


def test_a_burnt_out_sky_is_flat_and_its_channels_clip_apart():
    random_levels = np.random.default_rng(0).integers(20, 60, (600, 3, 16, 16), dtype=np.uint8)
    before = torch.from_numpy(random_levels)
    found = Burnout(0.02).apply(Batch.of(before)).pixels.double().flatten(2)
    # A stop below white is 255 * 2 ** (-1 / 2.2) = 186; half of the draws are beyond white.
    means = found.mean(2)
    assert 184 < means.min() < 192
    white = (found == 255).double().mean(2) > 0.99
    assert 0.25 < white.double().mean() < 0.45
    assert (white.any(1) & ~white.all(1)).double().mean() > 0.5
    # The contrast that is left: log-uniform, the same in all channels.
    below = (found < 255).all(2).all(1)
    scene = before.double().flatten(2)
    clear = (found.std(2) / means / (scene.std(2) / scene.mean(2)))[below].log()
    assert (clear.exp() > 0.018).all()
    assert (clear.exp() < 1.05).all()
    assert np.corrcoef(clear[:, 0], clear[:, 1])[0, 1] > 0.95
    gray = Burnout(0.02).apply(Batch.of(before[:, :1])).pixels
    assert gray.shape == (600, 1, 16, 16)


def test_less_contrast_brings_levels_to_middle_gray_by_the_same_factor():
    levels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).repeat(300, 1, 1, 1)
    found = Contrast(0.05).apply(Batch.of(levels)).pixels.double().flatten(1)
    from_gray = torch.arange(256.0, dtype=torch.float64) - 127.5
    factors = (found @ from_gray) / from_gray.square().sum()
    assert 0.05 - 0.01 < factors.min() < 0.06
    assert 0.85 < factors.max() < 1.01
    # Log-uniform: half of the factors are below the root of the least.
    assert 0.4 < (factors < 0.05**0.5).double().mean() < 0.6
    assert (found - 127.5 - factors[:, None] * from_gray).abs().max() < 1.5


def test_gamma_is_a_power_and_leaves_no_comb():
    """A curve that is rounded alike everywhere leaves levels of the histogram empty."""
    level = np.random.default_rng(0).integers(0, 256, (40, 1, 64, 64), dtype=np.uint8)
    found = Gamma(2.0).apply(Batch.of(torch.from_numpy(level))).pixels.numpy()
    powers = []
    for before, after in zip(level, found, strict=True):
        mean = after[before == 128].mean() / 255
        powers.append(np.log(mean) / np.log(128 / 255))
        expected = 255 * (before / 255) ** powers[-1]
        assert np.abs(after - expected).max() < 2
        assert (np.bincount(after.ravel(), minlength=256)[60:200] > 0).all()
    assert 0.5 - 0.02 < min(powers) < 0.6
    assert 1.7 < max(powers) < 2.02


@dataclass(frozen=True)
class Halved(Reduction):
    """Reduction by a factor at which whole photographs can be compared."""

    def apply(self, batch):
        return Resize(torch.full((len(batch),), 0.5), "bicubic", antialias=True).apply(batch)


def test_a_reduced_crop_is_pillows(source):
    """A part of what Pillow makes of the whole photograph, from an even or an odd pixel on."""
    batch = generator(source, (Halved(0.5),)).example(0, 0, 16, 12).sides["pristine"]
    for pixels, name in zip(batch.pixels[:, 0].numpy(), batch.photographs, strict=True):
        (photograph,) = (p for p in source if p.sha256 == name)
        image = Image.fromarray(photograph.load(False)[0])
        found = 0
        for y, x in ((0, 0), (0, 1), (1, 0), (1, 1)):
            part = image.crop((x, y, image.width - x, image.height - y))
            size = part.width // 2, part.height // 2
            half = np.asarray(part.resize(size, Image.Resampling.BICUBIC))
            windows = np.lib.stride_tricks.sliding_window_view(half, (16, 16))
            found += (windows == pixels).all((2, 3)).sum()
        assert found == 1


def test_factors_of_reduction_are_spread_and_no_border_is_seen(source):
    """A step that leaves noise around what the next one needs gives the same crops."""
    made = generator(source, (Framed(), Reduction(0.6), Framed(), Camera(0.5), Framed()))
    plain = generator(source, (Wide(), Reduction(0.6), Wide(), Camera(0.5), Wide()))
    ours, theirs = (g.example(0, 0, 16, 50).sides["pristine"].pixels for g in (made, plain))
    assert torch.equal(ours, theirs)
    assert len(ours.flatten(1).unique(dim=0)) == 50


@dataclass(frozen=True)
class Wide(Augmentation):
    """Asks for 16 pixels more around, and does nothing."""

    rgb: ClassVar[bool] = True

    def side_before(self, side):
        return side + 32

    def apply(self, batch):
        return batch


@dataclass(frozen=True)
class Framed(Wide):
    """The same, and makes noise of those 16 pixels."""

    def apply(self, batch):
        noise = random.integers(batch.keys, "frame", 256, tuple(batch.pixels.shape[1:])).byte()
        noise[:, :, 16:-16, 16:-16] = batch.pixels[:, :, 16:-16, 16:-16]
        return batch.with_pixels(noise)


def test_validation_crops_are_left_as_they_are(source):
    bare, full = generator(source, ()), generator(source, ALL)
    recipe = Plain()
    object.__setattr__(recipe, "augmentations", ALL)
    made, held_out = generators(recipe, [source, source], CPU)
    assert (made.augmentations, held_out.augmentations) == (ALL, ())
    (ours,), (plain,) = list(held_out.evenly(16, 9, 9)), list(bare.evenly(16, 9, 9))
    for side, batch in plain.sides.items():
        assert torch.equal(batch.pixels, ours.sides[side].pixels)
    assert not torch.equal(
        full.example(0, 0, 16, 9).sides["pristine"].pixels,
        bare.example(0, 0, 16, 9).sides["pristine"].pixels,
    )


def test_examples_do_not_depend_on_one_another(source):
    full = generator(source, ALL)
    one = full.example(5, 3, 16, 12)
    full.example(5, 4, 16, 12)
    again = full.example(5, 3, 16, 12)
    for side, batch in one.sides.items():
        assert batch.pixels.shape == (12, 1, 16, 16)
        assert torch.equal(batch.pixels, again.sides[side].pixels)


def test_gray_is_pillows(astronaut):
    gray = luma(torch.from_numpy(astronaut).permute(2, 0, 1)[None].int())
    np.testing.assert_array_equal(gray[0], np.asarray(Image.fromarray(astronaut).convert("L")))


def test_a_gray_photograph_has_three_equal_channels_for_the_camera(tmp_path):
    (tmp_path / "train").mkdir()
    level = np.random.default_rng(0).integers(0, 256, (40, 50), dtype=np.uint8)
    Image.fromarray(level).save(tmp_path / "train/gray.png")
    pool = Pool(data.resolve(str(tmp_path), "train"), False, CPU, rgb=True)
    np.testing.assert_array_equal(pool.planes.view(3, 40, 50), np.stack([level] * 3))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Exposure(9), "up to 4 stops"),
        (lambda: Exposure(1, share=0), "Exposure takes a share above 0 and up to 1"),
        (lambda: Burnout(0), "Burnout takes a least factor above 0, below 1, not 0"),
        (lambda: Contrast(1), "Contrast takes a least factor above 0, below 1, not 1"),
        (lambda: Gamma(2, share=2), "Gamma takes a share above 0 and up to 1, not 2"),
        (lambda: Gamma(1), "a power above 1 and up to 4"),
        (lambda: Reduction(1), "from 0.1 to below 1"),
    ],
)
def test_strengths_that_are_none_are_one_sentence(make, sentence):
    with pytest.raises(ForensicsError, match=sentence):
        make()


def test_an_unknown_augmentation_is_one_sentence(source):
    with pytest.raises(ForensicsError, match="'blurr' is no augmentation; list Orientation"):
        Generator(Plain(), Pool(source, False, CPU), ("blurr",))


def test_photographs_too_small_to_be_reduced_are_one_sentence(source):
    with pytest.raises(ForensicsError, match="holds a crop of"):
        generator(source, (Reduction(0.1),)).holding(64)


@pytest.mark.cuda
def test_a_gpu_makes_the_same_crops(source):
    recipe, augmentations = Plain(), ALL[:-1]
    here, there = (
        Generator(recipe, Pool(source, False, torch.device(name)), augmentations)
        for name in ("cpu", "cuda")
    )
    one, other = (g.example(2, 3, 16, 50).sides["altered"].pixels for g in (here, there))
    assert torch.equal(one, other.cpu())
