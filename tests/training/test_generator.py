"""Crops and histories against Pillow and plain indexing."""

import io
import shutil
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from PIL import Image

from forensics import data
from forensics.errors import ForensicsError
from forensics.training import NetworkRecipe, Phase
from forensics.training.generator import Generator, Pool

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Drawn(NetworkRecipe):
    """Only what the generator asks of a recipe."""

    trace: str = "jpeg"
    phases: ClassVar[tuple[Phase, ...]] = (Phase(1, 16, 4, 1e-3),)
    part: ClassVar[str] = "drawn"

    def draws(self):
        return {"q": [50, 70, 90]} if self.trace == "jpeg" else {"q1": [50, 60], "q2": [85, 95]}

    def network(self):
        raise NotImplementedError

    loss = validate = network


@pytest.fixture
def pool(photographs):
    return Pool(data.resolve(str(photographs), "train"), False, CPU)


def saved(pixels, quality):
    """What Pillow makes of a gray array at this quality."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def test_crops_are_the_photographs(pool):
    numbers, corners = torch.tensor([0, 1, 2, 3]), torch.tensor([[7, 11]]).repeat(4, 1)
    batch = pool.crops(numbers, corners, 20, torch.arange(4), 2)
    for pixels, photograph in zip(batch.pixels, pool.source, strict=True):
        np.testing.assert_array_equal(pixels[0].numpy(), photograph.load(False)[0][7:27, 11:31])
    assert batch.photographs == tuple(photograph.sha256 for photograph in pool.source)
    assert batch.positions[0].tolist() == [9, 13]
    assert batch.origins[0].tolist() == [0, 0]


def test_mirrored_photographs_go_on_as_numpy_reflects_them(photographs):
    pool = Pool(data.resolve(str(photographs), "train"), False, CPU, mirrored=True)
    height, width = pool.sizes[0].tolist()
    side = max(height, width) + 9
    drawn = torch.tensor([[5, 3]])
    corners = pool.corners(torch.tensor([0]), side, drawn)
    y, x = (5 % (side - height + 1)) - side + height, (3 % (side - width + 1)) - side + width
    assert corners.tolist() == [[y, x]]
    found = pool.crops(torch.tensor([0]), corners, side, torch.arange(1), 0).pixels[0, 0]
    whole = np.pad(pool.source[0].load(False)[0], 40, mode="reflect")
    np.testing.assert_array_equal(found, whole[40 + y :, 40 + x :][:side, :side])
    with pytest.raises(ForensicsError, match="holds a crop"):
        pool.fitting(2 * max(pool.sizes.amin(1).tolist()) + 1)


def test_the_altered_side_is_what_pillow_saves(pool):
    example = Generator(Drawn(), pool).example(seed=1, step=5, side=24, count=40)
    before, after = example.sides["pristine"].pixels, example.sides["altered"].pixels
    assert set(example.values["q"].tolist()) == {50, 70, 90}
    for one, other, quality in zip(before, after, example.values["q"].tolist(), strict=True):
        np.testing.assert_array_equal(other[0].numpy(), saved(one[0].numpy(), quality))
    assert example.sides["altered"].jpeg is None


def test_a_history_with_a_margin_is_what_pillow_makes_of_the_photograph(pool):
    generator = Generator(Drawn(trace="djpeg-shifted"), pool)
    (example,) = generator.evenly(side=16, count=8, batch=8)
    altered, margin = example.sides["altered"], generator.margin(16)
    photographs = {p.sha256: p.load(False)[0] for p in pool.source}
    drawn = [example.values[name].tolist() for name in ("q1", "q2", "r", "c")]
    for i, (q1, q2, r, c) in enumerate(zip(*drawn, strict=True)):
        y, x = (altered.positions[i] - margin).tolist()
        tile = photographs[altered.photographs[i]][y : y + 16 + 2 * margin, x : x + 16 + 2 * margin]
        side = 8 + 2 * margin
        moved = saved(np.ascontiguousarray(tile), q1)[r : r + side, c : c + side]
        expected = saved(np.ascontiguousarray(moved), q2)[
            margin : margin + 16, margin : margin + 16
        ]
        np.testing.assert_array_equal(altered.pixels[i, 0].numpy(), expected)
    # The trace hands over the JPEG: both sides end in the same one.
    pristine = example.sides["pristine"]
    assert altered.jpeg.size == pristine.jpeg.size == (16, 16)
    assert torch.equal(altered.jpeg.tables, pristine.jpeg.tables)


def test_batches_depend_on_seed_and_step_alone(pool):
    generator = Generator(Drawn(), pool)
    first = generator.example(3, 7, 16, 12).sides["altered"]
    generator.example(3, 8, 16, 12)
    again = generator.example(3, 7, 16, 12).sides["altered"]
    assert torch.equal(first.pixels, again.pixels)
    assert torch.equal(first.keys, again.keys)
    for seed, step in ((4, 7), (3, 8)):
        assert not torch.equal(
            first.keys, generator.example(seed, step, 16, 12).sides["altered"].keys
        )


def test_crops_are_uniform_over_photographs_and_reach_every_edge(pool):
    batch = Generator(Drawn(), pool).example(0, 0, 40, 4000).sides["pristine"]
    for photograph in pool.source:
        mine = [i for i, name in enumerate(batch.photographs) if name == photograph.sha256]
        assert abs(len(mine) - 1000) < 5 * np.sqrt(4000 * 0.25 * 0.75)
        places = batch.positions[mine]
        assert places.amin(0).tolist() == [0, 0]
        assert places.amax(0).tolist() == [size - 40 for size in photograph.size]


def test_validation_crops_are_spread_over_the_photographs(pool):
    generator = Generator(Drawn(), pool)
    first, last = generator.evenly(side=24, count=10, batch=6)
    names = first.sides["pristine"].photographs + last.sides["pristine"].photographs
    counts = [names.count(photograph.sha256) for photograph in pool.source]
    assert sorted(counts) == [2, 2, 3, 3]
    qualities = torch.cat([first.values["q"], last.values["q"]]).tolist()
    assert [qualities.count(q) for q in (50, 70, 90)] == [4, 3, 3]
    places = set(
        zip(
            names,
            map(tuple, torch.cat([e.sides["pristine"].positions for e in (first, last)]).tolist()),
            strict=True,
        )
    )
    assert len(places) == 10


def test_validation_reaches_all_of_a_range_that_is_longer_than_the_crops(pool, monkeypatch):
    monkeypatch.setattr(Drawn, "draws", lambda self: {"q": range(41, 97)})
    (example,) = Generator(Drawn(), pool).evenly(side=24, count=8, batch=8)
    assert example.values["q"].tolist() == [41, 48, 55, 62, 69, 76, 83, 90]


def test_test_photographs_are_refused(photographs, tmp_path):
    shutil.copytree(photographs / "train", tmp_path / "test")
    with pytest.raises(ForensicsError, match="test photographs train nothing"):
        Pool(data.resolve(str(tmp_path), "test"), False, CPU)


def test_some_batches_of_a_training_on_colour_are_gray(tmp_path, monkeypatch):
    (tmp_path / "train").mkdir()
    colour = np.random.default_rng(0).integers(0, 256, (64, 72, 3), dtype=np.uint8)
    gray = Image.fromarray(colour).convert("L")
    Image.fromarray(colour).save(tmp_path / "train/colour.png")
    gray.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "train/gray.png")
    source = data.resolve(str(tmp_path), "train")
    monkeypatch.setattr(Drawn, "color", True)
    monkeypatch.setattr(Drawn, "gray_every", 3)
    generator = Generator(Drawn(), Pool(source, False, CPU, rgb=True))
    batches = [generator.example(0, step, 16, 12).sides["pristine"] for step in range(6)]
    assert [len(batch.pixels[0]) for batch in batches] == [3, 3, 1, 3, 3, 1]
    assert len({name for batch in batches[2::3] for name in batch.photographs}) == 2
    known = {p.sha256: p.load(False)[0] for p in source}
    for name, (y, x), pixels in zip(
        batches[2].photographs, batches[2].positions.tolist(), batches[2].pixels, strict=True
    ):
        cut = torch.from_numpy(known[name])[y : y + 16, x : x + 16]
        assert torch.equal(pixels[0], cut)
    held_out = list(generator.evenly(side=16, count=8, batch=2))
    assert [len(e.sides["altered"].pixels[0]) for e in held_out] == [3, 3, 1, 3]


def test_gray_photographs_have_no_place_in_a_training_on_colour(tmp_path):
    (tmp_path / "train").mkdir()
    colour = np.random.default_rng(0).integers(0, 256, (32, 40, 3), dtype=np.uint8)
    Image.fromarray(colour[:, :, 0]).save(tmp_path / "train/gray.png")
    with pytest.raises(ForensicsError, match="no colour photographs"):
        Pool(data.resolve(str(tmp_path), "train"), True, CPU)
    Image.fromarray(colour).save(tmp_path / "train/colour.png")
    pool = Pool(data.resolve(str(tmp_path), "train"), True, CPU)
    assert (len(pool), pool.skipped) == (1, 1)
    crop = pool.crops(torch.tensor([0]), torch.tensor([[0, 0]]), 32, torch.zeros(1).long(), 0)
    np.testing.assert_array_equal(crop.pixels[0].permute(1, 2, 0).numpy(), colour[:, :32])


def test_crops_larger_than_every_photograph_are_an_error(pool):
    with pytest.raises(ForensicsError, match="holds a crop of 4000 x 4000"):
        Generator(Drawn(), pool).example(0, 0, 4000, 2)


@pytest.mark.cuda
def test_a_gpu_makes_the_same_batch(photographs):
    source = data.resolve(str(photographs), "train")
    here, there = (
        Generator(Drawn(trace="djpeg-shifted"), Pool(source, False, torch.device(name))).example(
            2, 3, 16, 50
        )
        for name in ("cpu", "cuda")
    )
    for side, batch in here.sides.items():
        assert torch.equal(batch.pixels, there.sides[side].pixels.cpu())
