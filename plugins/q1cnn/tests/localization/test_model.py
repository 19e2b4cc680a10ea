"""`q1map` on composites that Pillow wrote: the region, its table and its shift are those made."""

import dataclasses
import io
import math

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

import forensics
from forensics import images
from forensics.bench.inference import fitting, refused
from forensics.errors import ForensicsError, NotApplicable
from forensics.metrics.mask_histogram import enlarged
from forensics_q1cnn.localization import model
from forensics_q1cnn.localization.regions import partition
from forensics_q1cnn.localization.survey import HYPOTHESES, survey

# Zig-zag order of the first 15 frequencies, as places in natural order (T.81, figure 5).
FIRST = (0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4)
TOP, LEFT, SIDE = 40, 56, 120


def saved(picture, quality):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "jpeg", quality=quality, subsampling="4:2:0")
    return Image.open(io.BytesIO(file.getvalue()))


def first(picture, quality, crop):
    """208 x 224 pixels of a JPEG from (16 + r, 16 + c) on, and its table."""
    opened = saved(np.ascontiguousarray(picture), quality)
    top, left = (16 + c for c in crop)
    return np.array(opened)[top : top + 208, left : left + 224], opened.quantization[0]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """An unspliced file, a spliced one, and the tables of both parts."""
    folder = tmp_path_factory.mktemp("made")
    scene, table = first(data.astronaut()[:256, 100:370], 75, (4, 1))
    donor, other = first(data.coffee()[60:316, 160:430], 65, (1, 6))
    place = slice(TOP, TOP + SIDE), slice(LEFT, LEFT + SIDE)
    spliced = scene.copy()
    spliced[place] = donor[place]
    for name, picture in (("plain", scene), ("spliced", spliced)):
        Image.fromarray(picture).save(folder / f"{name}.jpg", quality=90, subsampling="4:2:0")
        Image.fromarray(picture).save(folder / f"{name}.png")
    tables = [[steps[p] for p in FIRST] for steps in (table, other)]
    return folder, tables


@pytest.fixture(scope="module")
def found(made):
    batch = images.open(made[0] / "spliced.jpg").batch()
    with torch.inference_mode():
        return forensics.load("q1map").localize(batch)


def said(region):
    values = list(region.values.values())
    return values[:15], tuple(values[15:])


def test_the_region_is_where_it_was_put(found):
    mask = torch.zeros(208, 224, dtype=torch.bool)
    mask[TOP : TOP + SIDE, LEFT : LEFT + SIDE] = True
    hot = enlarged(found, 208, 224)[0] > 0.5
    assert float((hot & mask).sum() / (hot | mask).sum()) > 0.6
    main, region = found.regions[0]
    assert main.pixels + region.pixels == 208 * 224
    assert region.pixels == int(hot.sum())
    assert torch.equal(found.layers["region"].values[0] > 0, found.values[0] > 0.5)


def test_each_region_has_the_table_and_the_shift_that_were_made(made, found):
    for region, table, shift in zip(found.regions[0], made[1], [(4, 1), (1, 6)], strict=True):
        steps, crop = said(region)
        assert sum(a == b for a, b in zip(steps, table, strict=True)) >= 14
        assert crop == shift
        assert region.doubt is None
    middle = (TOP + SIDE // 2 - 32) // 8, (LEFT + SIDE // 2 - 32) // 8
    shift = found.layers["shift"]
    assert shift.classes[int(shift.values[0, *middle])] == "1,6"
    assert float(found.layers["step1"].values[0, *middle]) == made[1][1][0]
    assert float(found.layers["sum"].values[0, *middle]) == pytest.approx(sum(made[1][1]), rel=0.05)


def test_no_region_where_nothing_was_spliced(made, found):
    with torch.inference_mode():
        plain = forensics.load("q1map").localize(images.open(made[0] / "plain.jpg").batch())
    (only,) = plain.regions[0]
    steps, crop = said(only)
    assert only.pixels == 208 * 224
    assert sum(a == b for a, b in zip(steps, made[1][0], strict=True)) >= 14
    assert crop == (4, 1)
    assert float(plain.values.max()) <= 0.5
    assert float(plain.scores) < float(found.scores) / 4


def test_regions_that_together_say_the_same_are_one(made, found, monkeypatch):
    """Half of the region's windows are made to tend to one hypothesis more."""
    seen = {}

    def tending(*given):
        one = survey(*given)
        evidence = torch.nn.functional.pad(one.evidence, (0, 1), value=-25)
        half = found.layers["region"].values[0] > 0
        half[: (TOP + SIDE // 2 - 32) // 8] = False
        evidence[half] = -80
        evidence[..., -1][half] = 0
        seen["before"] = partition(evidence, -math.log(HYPOTHESES))
        return dataclasses.replace(one, evidence=evidence)

    monkeypatch.setattr(model, "survey", tending)
    with torch.inference_mode():
        again = forensics.load("q1map").localize(images.open(made[0] / "spliced.jpg").batch())
    assert seen["before"].labels.unique().tolist() == [0, 1, 2]
    assert len(again.regions[0]) == 2
    assert said(again.regions[0][1]) == said(found.regions[0][1])
    joined = again.layers["region"].values[0]
    assert torch.equal(joined > 0, seen["before"].labels > 0)
    middle = (TOP + SIDE // 2 - 32) // 8, (LEFT + SIDE // 2 - 32) // 8
    assert joined[middle[0] - 2, middle[1]] == joined[middle[0] + 2, middle[1]] == 1


def test_windows_that_together_say_what_the_main_region_says_are_no_region(made, monkeypatch):
    """Each of a corner's windows is made to tend to one hypothesis more, as flat ones may."""
    seen = {}

    def tending(*given):
        found = survey(*given)
        evidence = torch.nn.functional.pad(found.evidence, (0, 1), value=-25)
        evidence[10:, :9], evidence[10:, :9, -1] = -25, 0
        seen["before"] = partition(evidence, -math.log(HYPOTHESES))
        return dataclasses.replace(found, evidence=evidence)

    monkeypatch.setattr(model, "survey", tending)
    with torch.inference_mode():
        found = forensics.load("q1map").localize(images.open(made[0] / "plain.jpg").batch())
    assert seen["before"].labels.unique().tolist() == [0, 1]
    (only,) = found.regions[0]
    assert only.pixels == 208 * 224
    assert said(only)[1] == (4, 1)
    assert float(found.scores) < seen["before"].gain / 4
    assert float(found.values.max()) <= 0.5


def test_what_it_does_not_take(made):
    needs = forensics.load("q1map").needs
    assert (
        refused(needs, images.open(made[0] / "spliced.png").batch()) == "not a JPEG at this place"
    )
    small = images.open(made[0] / "spliced.jpg").batch()
    small = small.with_pixels(small.pixels[:, :, :60, :80], small.jpeg.cut(0, 0, 60, 80))
    assert refused(needs, fitting(needs, small)) == "smaller than 64 x 64"


@pytest.mark.parametrize(
    ("option", "sentence"),
    [("decode=best", "argmax, expectation or table, not best"), ("prune=2", "0 to 1, not 2")],
)
def test_options_that_make_no_sense(option, sentence):
    with pytest.raises(ForensicsError, match=sentence):
        forensics.load(f"q1map:{option}")


def test_a_picture_that_was_compressed_once_is_doubted(tmp_path):
    Image.fromarray(data.astronaut()[:208, 100:324]).save(tmp_path / "once.jpg", quality=90)
    batch = images.open(tmp_path / "once.jpg").batch()
    with torch.inference_mode():
        regions = forensics.load("q1map").localize(batch).regions[0]
    assert [region.doubt for region in regions] == ["may have been compressed once only"]


def test_without_the_part_that_tells_once_the_map_is_there(made, monkeypatch):
    def missing(*_):
        raise NotApplicable("the part once was fitted to another part phase")

    monkeypatch.setattr("forensics_q1cnn.phase.doubt.once_or_twice", missing)
    batch = images.open(made[0] / "plain.jpg").batch()
    with torch.inference_mode():
        (region,) = forensics.load("q1map").localize(batch).regions[0]
    assert said(region)[0][:3] == made[1][0][:3]
    assert region.doubt.startswith("not checked for a single compression: the part once")
