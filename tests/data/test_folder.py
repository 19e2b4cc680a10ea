"""Folders: which files belong to which split, and what is said where something is amiss."""

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from forensics import data
from forensics.errors import ForensicsError, NotApplicable, UnreadableImage


def photograph(path: Path, seed: int = 0, channels: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (40, 56, channels), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels if channels == 3 else pixels[:, :, 0]).save(path)
    return pixels


def names(source: data.Source) -> list[str]:
    return [p.name for p in source]


def test_plain_folder_is_taken_whole_sorted_and_recursive(tmp_path: Path) -> None:
    for seed, name in enumerate(("b.png", "a/z.bmp", "a/c.webp", ".hidden/d.png", "notes.txt")):
        photograph(tmp_path / name, seed) if "txt" not in name else (tmp_path / name).touch()
    source = data.folder(tmp_path)
    assert names(source) == ["a/c.webp", "a/z.bmp", "b.png"]
    assert source.split is None
    with pytest.raises(ForensicsError, match="no splits"):
        data.folder(tmp_path, "test")


def test_subfolders_are_splits(tmp_path: Path) -> None:
    for seed, name in enumerate(("train/a.png", "val/b.png", "test/c.png", "loose.png")):
        photograph(tmp_path / name, seed)
    assert names(data.folder(tmp_path)) == ["test/c.png"]
    assert names(data.folder(tmp_path, "train")) == ["train/a.png"]
    assert data.folder(tmp_path, "val")[0].split == "val"
    with pytest.raises(ForensicsError, match="choose one of test, train, val"):
        data.folder(tmp_path, "calib")


def test_a_table_rules_over_subfolders(tmp_path: Path) -> None:
    for seed, name in enumerate(("train/a.png", "train/b.png", "test/c.png")):
        photograph(tmp_path / name, seed)
    (tmp_path / "files.csv").write_text("path,split\ntrain/a.png,train\ntrain/b.png,calib\n")
    assert names(data.folder(tmp_path, "calib")) == ["train/b.png"]
    with pytest.raises(ForensicsError, match="no split test; choose one of calib, train"):
        data.folder(tmp_path)


def test_a_file_that_the_table_lists_and_that_is_missing_is_skipped(tmp_path: Path) -> None:
    photograph(tmp_path / "a.png")
    (tmp_path / "files.csv").write_text("path,split\na.png,test\ngone.png,test\n")
    source = data.folder(tmp_path)
    assert names(source) == ["a.png"]
    assert [error.path.name for error in source.skipped] == ["gone.png"]


@pytest.mark.parametrize("text", ["file,part\na.png,test\n", "path,split\na.png,\n"])
def test_a_table_without_its_columns_is_refused(tmp_path: Path, text: str) -> None:
    photograph(tmp_path / "a.png")
    (tmp_path / "files.csv").write_text(text)
    with pytest.raises(ForensicsError, match="path and a split"):
        data.folder(tmp_path)


@pytest.mark.parametrize("linked", [False, True])
def test_a_table_above_counts_for_a_subfolder(tmp_path: Path, linked: bool) -> None:
    top = tmp_path / "top"
    for seed, name in enumerate(("train/raw/a.png", "train/raw/b/c.png", "test/d.png")):
        photograph(top / name, seed)
    rows = "train/raw/a.png,train,1\ntrain/raw/b/c.png,calib,3\ntest/d.png,test,3\n"
    (top / "files.csv").write_text("path,split,channels\n" + rows)
    # Nearer, but about nothing below the folder.
    (top / "train/files.csv").write_text("path,split\nraw/gone.png,test\nother/a.png,test\n")
    raw = top / "train/raw"
    if linked:
        raw = tmp_path / "link"
        raw.symlink_to(top / "train/raw")
    with pytest.raises(ForensicsError, match="no split test; choose one of calib, train"):
        data.folder(raw)
    assert names(data.folder(raw, "calib")) == ["b/c.png"]
    (gray,) = data.folder(raw, "train")
    assert (gray.name, gray.channels, gray.path) == ("a.png", 1, raw / "a.png")
    (top / "train/files.csv").write_text("path,split\nraw/a.png,test\n")
    assert names(data.folder(raw)) == ["a.png"]


@pytest.mark.parametrize("table", [b"file,part\na.png,test\n", b"\xff\xfe\0", b"path,split\n"])
def test_a_table_above_that_is_somebody_elses_is_none(tmp_path: Path, table: bytes) -> None:
    photograph(tmp_path / "own/a.png")
    (tmp_path / "files.csv").write_bytes(table)
    assert names(data.folder(tmp_path / "own")) == ["a.png"]
    assert data.folder(tmp_path / "own").split is None


def test_gray_photographs(tmp_path: Path) -> None:
    gray = photograph(tmp_path / "g.png", 1, channels=1)
    equal = np.repeat(gray, 3, axis=2)
    Image.fromarray(equal).save(tmp_path / "listed.png")
    Image.fromarray(255 - equal).save(tmp_path / "unlisted.png")
    (tmp_path / "files.csv").write_text(
        "path,split,channels\ng.png,test,1\nlisted.png,test,1\nunlisted.png,test,3\n"
    )
    known, listed, unlisted = data.folder(tmp_path)
    assert (known.channels, listed.channels, unlisted.channels) == (1, 1, 3)
    for photo in (known, listed, unlisted):
        with pytest.raises(NotApplicable, match="gray"):
            photo.load(color=True)
    assert np.array_equal(known.load(color=False)[0], gray[:, :, 0])
    assert np.array_equal(listed.load(color=False)[0], gray[:, :, 0])


def test_load_gives_rgb_and_pillows_luma(tmp_path: Path) -> None:
    pixels = photograph(tmp_path / "a.png")
    photo = pickle.loads(pickle.dumps(data.folder(tmp_path)[0]))
    assert photo.sha256 == hashlib.sha256((tmp_path / "a.png").read_bytes()).hexdigest()
    assert photo.size == (40, 56)
    assert np.array_equal(photo.load(color=True), pixels.transpose(2, 0, 1))
    # ITU-R 601 weights, rounded; Pillow's fixed-point arithmetic agrees to one level.
    luma = pixels @ np.array([0.299, 0.587, 0.114])
    assert np.abs(photo.load(color=False)[0] - luma).max() <= 1


def test_a_file_that_changed_after_listing_is_not_loaded(tmp_path: Path) -> None:
    photograph(tmp_path / "a.png", 1)
    photo = data.folder(tmp_path)[0]
    photograph(tmp_path / "a.png", 2)
    with pytest.raises(UnreadableImage, match="changed"):
        photo.load(color=False)


def test_bad_files_are_skipped_and_copies_and_jpegs_are_pointed_out(tmp_path: Path) -> None:
    photograph(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes())
    (tmp_path / "c.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    photograph(tmp_path / "d.jpg")
    source = data.folder(tmp_path)
    assert names(source) == ["a.png", "d.jpg"]
    assert [error.path.name for error in source.skipped] == ["c.png"]
    assert any("1 of 2 photographs are stored as JPEG" in text for text in source.warnings)
    assert any("1 files are copies" in text for text in source.warnings)


def test_nothing_to_read_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ForensicsError, match="not a folder"):
        data.folder(tmp_path / "missing")
    with pytest.raises(ForensicsError, match="holds no image files"):
        data.folder(tmp_path)
    (tmp_path / "bad.png").write_bytes(b"bad")
    with pytest.raises(ForensicsError, match="none of the 1 image files"):
        data.folder(tmp_path)


def test_resolve(tmp_path: Path) -> None:
    photograph(tmp_path / "a.png")
    assert names(data.resolve(str(tmp_path))) == ["a.png"]
    assert names(data.resolve(None)) == names(data.resolve("samples")) == names(data.samples())


def test_globs_choose_photographs_by_the_ends_of_their_paths(tmp_path: Path) -> None:
    for seed, name in enumerate(("kodak/a.png", "kodak/b.png", "mcm/a.png", "more/mcm/c.png")):
        photograph(tmp_path / "test" / name, seed)
    assert names(data.folder(tmp_path, photographs=["kodak/*"])) == [
        "test/kodak/a.png",
        "test/kodak/b.png",
    ]
    both = data.folder(tmp_path, photographs=["mcm/*", "b.png"])
    assert names(both) == ["test/kodak/b.png", "test/mcm/a.png", "test/more/mcm/c.png"]
    assert names(data.folder(tmp_path / "test", photographs=["kodak/b*"])) == ["kodak/b.png"]
    with pytest.raises(
        ForensicsError, match=r"matches 'kodek/\*'; there are test/kodak/\*, test/m"
    ):
        data.folder(tmp_path, photographs=["kodak/*", "kodek/*"])
    with pytest.raises(ForensicsError, match="matches ''"):
        data.folder(tmp_path, photographs=[""])


def test_photographs_are_reduced_as_pillow_does_it_and_are_others_then(tmp_path: Path) -> None:
    pixels = photograph(tmp_path / "a.jpg")
    whole, half = (data.folder(tmp_path, reduce=by) for by in (1, 2))
    assert (whole[0].size, half[0].size) == ((40, 56), (20, 28))
    stored = Image.open(tmp_path / "a.jpg")
    assert np.array(stored).shape == pixels.shape
    wanted = np.array(stored.resize((28, 20), Image.Resampling.LANCZOS)).transpose(2, 0, 1)
    assert np.array_equal(half[0].load(color=True), wanted)
    assert half[0].sha256 != whole[0].sha256
    # What is reduced by 2 has no history of compression to warn of.
    assert "stored as JPEG" in whole.warnings[0]
    assert half.warnings == ()


def test_samples_are_reduced_beside_what_they_are_already() -> None:
    rocket = ["rocket.jpg"]
    (plain,), (half,) = (data.resolve("samples", None, rocket, by) for by in (1, 2))
    assert (plain.size, half.size) == ((213, 320), (106, 160))
