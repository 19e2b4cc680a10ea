"""What is said of photographs that were JPEGs before they were saved without loss."""

import io

import numpy as np
import pytest
from PIL import Image
from skimage import data as pictures

from forensics import data
from forensics.data import lattice


def save(folder, name, quality=None, top=0):
    """A part of the astronaut as PNG, compressed before with this quality."""
    image = Image.fromarray(np.ascontiguousarray(pictures.astronaut()[top : top + 304, 60:380]))
    if quality is not None:
        file = io.BytesIO()
        image.save(file, "jpeg", quality=quality)
        image = Image.open(file)
    image.save(folder / name)


@pytest.mark.parametrize("corner", [(0, 1), (3, 5), (7, 4)])
@pytest.mark.parametrize("quality", [60, 90])
def test_a_crop_after_the_jpeg_does_not_hide_it(tmp_path, quality, corner):
    save(tmp_path, "a.png", quality)
    image = Image.open(tmp_path / "a.png")
    image.crop((corner[1], corner[0], 312, 300)).save(tmp_path / "a.png")
    (text,) = said(tmp_path)
    assert text.startswith("1 of 1 photographs looked at")


def said(folder):
    return [text for text in data.folder(folder).warnings if "saved without loss" in text]


@pytest.mark.parametrize("quality", [50, 75, 95])
def test_they_are_counted_and_named(tmp_path, quality):
    save(tmp_path, "a.png")
    save(tmp_path, "b.png", quality, 8)
    save(tmp_path, "c.png", quality, 19)
    (text,) = said(tmp_path)
    assert text.startswith("2 of 3 photographs looked at have been JPEGs")
    assert "(b.png, c.png)" in text


def test_photographs_that_never_were_are_not(tmp_path):
    for top in (0, 24, 96):
        save(tmp_path, f"{top}.png", top=top)
    assert said(tmp_path) == []


def test_some_of_many_are_looked_at_and_the_first_named(tmp_path):
    for number in range(20):
        save(tmp_path, f"{number:02}.png", 75, number)
    (text,) = said(tmp_path)
    assert text.startswith("10 of 10 photographs")  # every second, so that at most 16 are
    assert "(00.png, 02.png, 04.png, ...)" in text


def test_a_damaged_file_is_left_to_those_who_use_it(tmp_path):
    save(tmp_path, "a.png", 75)
    content = (tmp_path / "a.png").read_bytes()
    (tmp_path / "b.png").write_bytes(content[: len(content) // 2])
    assert len(data.folder(tmp_path)) == 2
    (text,) = said(tmp_path)
    assert text.startswith("1 of 2")


def test_a_photograph_is_looked_at_once_and_another_file_of_its_name_again(tmp_path, monkeypatch):
    looked = []
    was_jpeg = lattice._was_jpeg

    def counted(photograph):
        looked.append(photograph.name)
        return was_jpeg(photograph)

    monkeypatch.setattr(lattice, "_was_jpeg", counted)
    for name, quality in (("a.png", None), ("b.png", 75)):
        save(tmp_path, name, quality)
    first = said(tmp_path)
    assert said(tmp_path) == first != []
    assert sorted(looked) == ["a.png", "b.png"]
    save(tmp_path, "a.png", 60, top=8)
    assert "(a.png, b.png)" in said(tmp_path)[0]
    assert looked[2:] == ["a.png"]
