"""The statistical methods on JPEGs that Pillow wrote, each where it was made for."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

import forensics
from forensics import images, jpeg
from forensics.batch import Batch
from forensics.errors import ForensicsError

PICTURES = {
    "astronaut": np.ascontiguousarray(data.astronaut()[40:240, 140:340]),
    "cat": np.ascontiguousarray(data.chelsea()[20:220, 100:300]),
    "coffee": np.ascontiguousarray(data.coffee()[100:300, 200:400]),
}
# Zig-zag order of the first 15 frequencies, as places in natural order (T.81, figure 5).
FIRST = (0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4)


def twice(picture, first, second, shift, folder, side=128):
    """The batch of a JPEG file of `second`, whose picture was one of `first` before a crop by
    `shift`, and the first luma table as Pillow reads it."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "jpeg", quality=first, subsampling="4:2:0")
    path = folder / "twice.jpg"
    with Image.open(file) as opened:
        table = opened.quantization[0]
        top, left = (16 + s for s in shift)
        cut = opened.crop((left, top, left + side, top + side))
    cut.save(path, "jpeg", quality=second, subsampling="4:2:0")
    return images.open(path).batch(), [table[place] for place in FIRST]


def right(name, batch, steps):
    """How many of the 15 steps are, how many there are answers for, and the estimate by name."""
    found = forensics.load(name).estimate(batch)
    values = dict(zip(found.names, found.values[0].tolist(), strict=True))
    said = [values[f"step{i}"] for i in range(1, 16)]
    return sum(map(float.__eq__, said, map(float, steps))), sum(v == v for v in said), values


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("first", [65, 75])
def test_aligned(picture, first, tmp_path):
    batch, steps = twice(PICTURES[picture], first, 90, (0, 0), tmp_path)
    for name in ("q1bianchi:grid=aligned", "q1bianchi:grid=aligned,mixing=whole", "q1galvan"):
        hits, answers, _ = right(name, batch, steps)
        assert answers == 15, name
        assert hits >= 13, name


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("shift", [(3, 5), (0, 4)])
def test_shifted(picture, shift, tmp_path):
    batch, steps = twice(PICTURES[picture], 70, 92, shift, tmp_path)
    for name in ("q1bianchi", "q1bianchi:mixing=whole", "q1dalmia"):
        hits, answers, values = right(name, batch, steps)
        assert (values["r"], values["c"]) == shift, name
        assert hits >= 11, name
        assert answers >= 13, name


def test_any_grid_may_be_the_second_one(tmp_path):
    batch, steps = twice(PICTURES["cat"], 70, 90, (0, 0), tmp_path)
    hits, _, values = right("q1bianchi", batch, steps)
    assert (values["r"], values["c"]) == (0, 0)
    assert hits >= 13


@pytest.mark.parametrize("name", ["q1bianchi", "q1bianchi:grid=aligned", "q1galvan", "q1dalmia"])
def test_odd_pictures(name):
    """Flat, black, a second quality of 100 and of 50: an answer or a reason for each."""
    flat = torch.full((3, 1, 32, 40), 128, dtype=torch.uint8)
    flat[1], flat[2] = 0, (torch.arange(40) * 6).to(torch.uint8)
    compressed = jpeg.compress(flat, torch.tensor([90, 100, 50]))
    found = forensics.load(name).estimate(Batch.of(jpeg.decode(compressed), compressed))
    reasons = found.reasons or (None,) * 3
    assert found.values[:, :15].isnan().any(1).tolist() == [bool(reason) for reason in reasons]
    answered = found.values[:, :15][~found.values[:, :15].isnan()]
    assert bool((answered >= 1).all())
    assert bool((answered <= 24).all())
    assert all(reasons[:2])  # no trace of anything
    assert found.values[:2, :15].isnan().all()
    if not name.startswith("q1bianchi"):
        assert reasons[0].startswith("15 of 15 steps: ")


@pytest.mark.parametrize("name", ["q1galvan", "q1dalmia"])
def test_what_is_missing_may_be_said_by_the_constant(name, tmp_path):
    faint = PICTURES["cat"] // 3 + 80
    batch, _ = twice(faint, 75, 90, (0, 0), tmp_path, side=32)
    without = forensics.load(name).estimate(batch).values[0, :15]
    constant = forensics.load("q1constant:decode=median").estimate(batch).values[0]
    filled = forensics.load(f"{name}:missing=median").estimate(batch)
    assert filled.reasons is None
    assert 0 < int(without.isnan().sum()) < 15
    expected = torch.where(without.isnan(), constant, without)
    assert torch.equal(filled.values[0, :15], expected)


def test_options_that_there_are_not():
    for name, said in (
        ("q1bianchi:grid=none", "grid any or aligned, not none"),
        ("q1bianchi:mixing=half", "mixing em or whole, not half"),
        ("q1galvan:missing=all", "argmax or median or expectation of them, not all"),
        ("q1dalmia:missing=mode", "argmax or median or expectation of them, not mode"),
        ("q1constant:decode=mode", "argmax, median or expectation, not mode"),
        ("q1constant:lowest=30", "50 to 98, or 0, not 30"),
    ):
        with pytest.raises(ForensicsError, match=said):
            forensics.load(name)
