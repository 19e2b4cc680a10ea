"""Files that are no plain double JPEG: what `q1phase` makes of them, or why it does not."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data as pictures

import forensics
from forensics.bench.inference import shown
from forensics.cli.answers import estimated
from forensics.errors import UnreadableImage
from forensics.images.recovered import recovered
from forensics.jpeg import ZIGZAG, standard_tables

STEPS = [f"step{i}" for i in range(1, 16)]


def saved(picture, path=None, **options):
    """A picture through a JPEG file of Pillow's."""
    stream = io.BytesIO()
    picture.save(stream, "JPEG", **options)
    if path is not None:
        path.write_bytes(stream.getvalue())
    return Image.open(io.BytesIO(stream.getvalue()))


@pytest.fixture
def twice(tmp_path):
    """Writes a double JPEG, shifted by (3, 5), into a file."""

    def write(quality=75, name="twice.jpg", size=(128, 128), mode="L", **options):
        left, top = 100, 60
        whole = Image.fromarray(pictures.astronaut()).convert(mode)
        first = saved(
            whole.crop((left, top, left + size[0] + 16, top + size[1] + 16)), quality=quality
        )
        cropped = first.crop((5, 3, 5 + size[0], 3 + size[1]))
        saved(cropped, tmp_path / name, **{"quality": 90, **options})
        return tmp_path / name

    return write


@pytest.fixture(scope="module")
def model():
    return forensics.load("q1phase:given=double")


def answer(model, path):
    picture = forensics.open(path)
    return estimated(model, shown(model.needs, picture))


def first_steps(quality):
    table = standard_tables(quality, 1).flatten()
    return table[ZIGZAG[:15]].tolist()


def said(found):
    return [found["values"][name] for name in STEPS]


def test_a_png_that_was_a_double_jpeg_is_answered_as_the_jpeg(twice, model, tmp_path):
    path = twice()
    Image.open(path).save(tmp_path / "twice.png")
    jpeg, png = (answer(model, p) for p in (path, tmp_path / "twice.png"))
    assert said(jpeg) == first_steps(75)
    assert png["values"] == jpeg["values"]
    second = recovered(forensics.open(tmp_path / "twice.png")).jpeg.tables
    assert torch.equal(second, forensics.open(path).jpeg.tables)
    assert "estimated" in recovered(forensics.open(tmp_path / "twice.png")).note


def test_a_png_without_a_table_has_no_answer(model, tmp_path):
    Image.fromarray(pictures.astronaut()[:128, :128]).save(tmp_path / "never.png")
    assert answer(model, tmp_path / "never.png") == {"na": "not a JPEG at this place"}


@pytest.mark.parametrize(("size", "na"), [((31, 64), True), ((32, 64), False), ((39, 32), False)])
def test_under_32_pixels_there_is_no_answer(twice, model, size, na):
    found = answer(model, twice(size=size))
    assert (found == {"na": "smaller than 32 x 32"}) == na
    assert ("values" in found) != na


def test_how_the_scans_are_coded_changes_nothing(twice, model):
    baseline, progressive = (
        answer(model, twice(name=f"{kind}.jpg", progressive=kind)) for kind in (False, True)
    )
    assert progressive == baseline


@pytest.mark.parametrize("sampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_any_chroma_sampling_is_taken(twice, model, sampling):
    found = answer(model, twice(mode="RGB", subsampling=sampling))
    assert said(found) == first_steps(75)


def test_what_is_not_luma_and_chroma_has_no_answer(twice, model):
    path = twice(mode="CMYK")
    assert answer(model, path) == {"na": "not a JPEG at this place"}
    assert forensics.open(path).jpeg_reason == "a JPEG stored as CMYK, not as luma and chroma"


def test_steps_above_those_of_quality_50_come_out_as_ones_that_have_a_class(twice, model):
    """Wrong, and in the range of what is known: no class stands for them."""
    found = said(answer(model, twice(quality=30)))
    cap, true = np.array(first_steps(50)), np.array(first_steps(30))
    assert (true > cap).all()
    assert (found <= cap).all()


def test_twelve_bits_are_refused(twice):
    path = twice()
    data = bytearray(path.read_bytes())
    frame = data.index(b"\xff\xc0")
    data[frame + 1], data[frame + 4] = 0xC1, 12
    path.write_bytes(data)
    with pytest.raises(UnreadableImage, match="12 bits a sample"):
        forensics.open(path)


@pytest.mark.data
def test_arithmetic_coding_has_no_answer(model):
    path = Path(os.environ["FORENSICS_TEST_DATA"]) / "jpegs" / "arith_420.jpg"
    assert answer(model, path) == {"na": "not a JPEG at this place"}
    assert "arithmetic" in forensics.open(path).jpeg_reason
