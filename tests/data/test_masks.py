"""Masks as data sets write them: what is taken, and what is refused with its reason."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from forensics import data
from forensics.data import masks
from forensics.errors import ForensicsError, UnreadableImage


def mask():
    drawn = Image.new("L", (160, 128), 0)
    ImageDraw.Draw(drawn).ellipse((40, 30, 110, 100), fill=255)
    return drawn


TRUE = np.asarray(mask()) > 0


def save(image, path, **options):
    path.parent.mkdir(exist_ok=True)
    image.save(path, **options)
    return path


def palette(image):
    indexed = image.point(lambda v: v // 255).convert("P")
    indexed.putpalette([0, 0, 0, 255, 255, 255] + [0] * 750)
    return indexed


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("plain.png", mask()),
        ("upper.PNG", mask()),
        ("one-bit.png", mask().convert("1")),
        ("palette.png", palette(mask())),
        ("rgb.bmp", mask().convert("RGB")),
        ("nearly.png", mask().point(lambda v: 250 if v else 4)),
    ],
)
def test_black_and_white_in_any_form(tmp_path, name, image):
    path = save(image, tmp_path / name)
    assert np.array_equal(masks.read(path, inverted=False), TRUE)
    assert np.array_equal(masks.read(path, inverted=True), ~TRUE)


def test_a_mask_saved_as_a_jpeg_keeps_its_region(tmp_path):
    path = save(mask(), tmp_path / "0.jpg", quality=75)
    assert (masks.read(path, inverted=False) != TRUE).mean() < 0.005


def colours():
    pixels = np.zeros((128, 160, 3), np.uint8)
    pixels[TRUE], pixels[~TRUE] = (255, 0, 0), (0, 255, 0)
    return Image.fromarray(pixels)


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (colours(), "colours"),
        (mask().point(lambda v: v // 255), "values 0 to 1 only"),
        (mask().point(lambda v: 255 - v // 255), "values 254 to 255 only"),
        (mask().point(lambda v: v // 255 * 128), "grays between black and white, such as 128"),
        (mask().point(lambda v: 100 if v else 0), "such as 100"),
        (Image.merge("LA", (mask(), mask())), "transparent"),
    ],
)
def test_anything_else_is_refused_by_name(tmp_path, image, reason):
    path = save(image, tmp_path / "odd.png")
    with pytest.raises(UnreadableImage, match=rf"odd\.png: .*{reason}"):
        masks.read(path, inverted=False)


@pytest.fixture
def altered(tmp_path):
    """Three altered files, and a way to give them masks."""
    rng = np.random.default_rng(0)
    for i in range(3):
        pixels = rng.integers(0, 255, (128, 160, 3), dtype=np.uint8)
        save(Image.fromarray(pixels), tmp_path / "pos" / f"{i}.png")

    def given(*names, image=None, **options):
        for name in names:
            save(image or mask(), tmp_path / "masks" / name)
        return data.labelled(str(tmp_path / "pos"), None, str(tmp_path / "masks"), **options)[0]

    return given


@pytest.mark.parametrize("ending", ["_gt", "_mask", "_edgemask"])
def test_the_usual_endings_count_where_all_masks_have_them(altered, ending):
    source = altered(*(f"{i}{ending}.png" for i in range(3)))
    assert len(source) == 3
    assert f"Masks are named after their files with {ending} at the end." in source.warnings
    assert np.array_equal(source[0].marked(), TRUE)


def test_an_ending_that_some_masks_have_is_a_name(altered):
    source = altered("0.png", "1_gt.png", "2.png")
    assert [photograph.name for photograph in source] == ["0.png", "2.png"]
    assert "holds no mask of its name" in str(source.skipped[0])


def test_inverted_masks_mark_the_black_and_are_another_set(altered):
    inverted = altered("0.png", "1.png", "2.png", inverted=True)
    assert np.array_equal(inverted[0].marked(), ~TRUE)
    assert {p.sha256 for p in inverted}.isdisjoint({p.sha256 for p in altered("0.png")})
    assert inverted[0].picture().pixels.shape == (128, 160, 3)


def test_two_masks_for_one_file_are_refused(altered):
    with pytest.raises(ForensicsError, match=r"0\.png has two masks .* 0\.png and 0\.tif"):
        altered("0.png", "0.tif", "1.png", "2.png")


def test_a_set_in_which_nothing_is_marked_is_refused(altered):
    with pytest.raises(ForensicsError, match="marks a single pixel: white is altered"):
        altered("0.png", "1.png", image=Image.new("L", (160, 128), 0))
    altered("2.png")  # one that does is enough


def test_what_a_folder_holds_instead_is_said(altered, tmp_path):
    (tmp_path / "masks").mkdir()
    with pytest.raises(ForensicsError, match="of an altered file; it is empty"):
        altered()
    np.savez(tmp_path / "masks" / "0.npz", TRUE)
    with pytest.raises(ForensicsError, match=r"it holds 0\.npz \(no suffix of an image\)"):
        altered()
    with pytest.raises(ForensicsError, match=r"it holds other\.png, 0\.npz"):
        altered("other.png")


def test_a_mask_in_colours_loses_its_file_only(altered, tmp_path):
    save(colours(), tmp_path / "masks" / "1.bmp")
    source = altered("0.png", "2.png")
    assert [photograph.name for photograph in source] == ["0.png", "2.png"]
    assert "1.bmp: a mask in colours" in str(source.skipped[0])
