"""Headers that Pillow would take minutes or gigabytes over are refused; long honest ones are not.

The files are as large as the attacks that they repeat (most of it a hole), so that a check that is
gone shows as a test that does not come to an end.
"""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from forensics import images
from forensics.errors import UnreadableImage

from .pictures import every_kind, scene, written

KINDS = every_kind()
LONG = 40_000_000
Fields = list[tuple[int, int, int, int]]  # tag, type, count, value or offset


def tiff(fields: Fields, order: str = "<", big: bool = False, following: int = 0) -> bytes:
    """A TIFF whose directory comes first."""
    magic = b"II" if order == "<" else b"MM"
    head, count, entry, link = ("HHHQ", "Q", "HHQQ", "Q") if big else ("HL", "H", "HHLL", "L")
    values = (43, 8, 0, 16) if big else (42, 8)
    data = magic + struct.pack(order + head, *values) + struct.pack(order + count, len(fields))
    for tag, kind, number, value in fields:
        if order == ">" and kind == 3 and number == 1:
            value <<= 48 if big else 16  # short values lie at the left of their field
        data += struct.pack(order + entry, tag, kind, number, value)
    return data + struct.pack(order + link, following)


def picture_fields(height: int = 100, offset: int = 1000) -> Fields:
    sides = [(256, 4, 1, 100), (257, 4, 1, height), (258, 3, 1, 8), (262, 3, 1, 1)]
    return [*sides, (273, 4, 1, offset), (278, 4, 1, height), (279, 4, 1, 100 * height)]


def replaced(field: tuple[int, int, int, int]) -> Fields:
    return [field if field[0] == old[0] else old for old in picture_fields()]


def put(folder: Path, data: bytes, size: int = 0) -> Path:
    path = folder / "file"
    with path.open("wb") as file:
        file.write(data)
        file.truncate(max(size, len(data)))
    return path


def refuse(path: Path, reason: str) -> None:
    for reader in (images.header, images.open):
        with pytest.raises(UnreadableImage, match=reason):
            reader(path)


# Pillow reads no BigTIFF whose high bytes come first.
@pytest.mark.parametrize(("order", "big"), [("<", False), (">", False), ("<", True)])
def test_tiffs_of_each_layout_are_read_and_counted(tmp_path: Path, order: str, big: bool) -> None:
    honest = put(tmp_path, tiff(picture_fields(), order, big), 1000 + 100 * 100)
    assert images.open(honest).pixels.shape == (100, 100, 1)
    absurd = tiff(replaced((273, 4, 101, 1000)), order, big)
    refuse(put(tmp_path, absurd, 1000 + 100 * 100), "claims 101 strips")


def test_strips_one_a_row_and_large_profiles_are_honest(tmp_path: Path) -> None:
    image = Image.fromarray(scene(300, 40))
    profile, row = bytes(2_000_000), {278: 1}
    data = written(image, "TIFF", tiffinfo=row, icc_profile=profile)
    with Image.open(io.BytesIO(data)) as stored:
        assert len(stored.tag_v2[273]) == 300  # type: ignore[attr-defined]
    assert np.array_equal(images.open(put(tmp_path, data)).pixels, np.asarray(image))


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ((273, 4, 10_000_000, 1000), "numbers"),
        ((273, 1, 30_000_000, 1000), "numbers"),  # as bytes, which Pillow takes for offsets too
        ((273, 4, 400_000, 1000), "400000 strips"),
        ((258, 3, 10_000_000, 1000), "numbers"),
    ],
)
def test_more_values_than_a_picture_has(
    tmp_path: Path, field: tuple[int, int, int, int], reason: str
) -> None:
    refuse(put(tmp_path, tiff(replaced(field)), LONG), reason)


def test_directories_that_hide_their_claims(tmp_path: Path) -> None:
    many = (37500, 4, 9_000_000, 2000)
    inner = tiff([many])[8:]
    start = 500
    exif = tiff([*picture_fields(), (34665, 4, 1, start)]).ljust(start, b"\0") + inner
    refuse(put(tmp_path, exif, LONG), "numbers")
    refuse(put(tmp_path, tiff([*picture_fields(), (273, 4, 1, 0)]), LONG), "field 273 twice")
    crowd = [*picture_fields(), *((40_000 + n, 3, 1, 0) for n in range(5000))]
    refuse(put(tmp_path, tiff(crowd), LONG), "5007 fields")
    # The directory at the very end breaks off, and Pillow goes by what it has seen of it.
    cut = bytearray(tiff([*replaced((273, 4, 9_000_000, 1000)), (40_000, 3, 1, 0)])[8:-10])
    late = b"II*\0" + struct.pack("<I", LONG)
    refuse(put(tmp_path, late.ljust(LONG, b"\0") + cut), "numbers")


def test_floating_point_samples_are_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((8, 8, 3), np.float32), photometric="rgb")
    with pytest.raises(UnreadableImage, match=r"floating-point numbers \(SampleFormat 3\)"):
        images.open(path)
    tifffile.imwrite(path, np.zeros((8, 8), np.int8), photometric="minisblack")
    with pytest.raises(UnreadableImage, match=r"signed whole numbers \(SampleFormat 2\)"):
        images.open(path)


def test_samples_beyond_the_colours_are_noted(tmp_path: Path) -> None:
    path, pixels = tmp_path / "a.tif", np.arange(8 * 8 * 5, dtype=np.uint8).reshape(8, 8, 5)
    tifffile.imwrite(path, pixels, photometric="rgb", extrasamples=(0, 0))
    picture = images.open(path)
    assert np.array_equal(picture.pixels, pixels[:, :, :3])
    assert picture.notes == ("2 samples a pixel beyond RGB were left out.",)


def test_the_second_page_is_noted_and_not_parsed(tmp_path: Path) -> None:
    start = 500
    second = tiff(replaced((273, 4, 10_000_000, 1000)))[8:]
    data = tiff(picture_fields(), following=start).ljust(start, b"\0") + second
    picture = images.open(put(tmp_path, data, LONG))
    assert picture.pixels.shape == (100, 100, 1)
    assert any("more pictures" in note for note in picture.notes)


def test_a_jpeg_that_never_comes_to_its_picture(tmp_path: Path) -> None:
    whole = KINDS["420.jpg"]
    start, rest = whole[:2], whole[2:]
    comment = b"\xff\xfe\xff\xff" + bytes(65_533)
    assert images.open(put(tmp_path, start + b"\xff" * 200 + comment * 300 + rest)).jpeg
    refuse(put(tmp_path, start + b"\xff" * LONG + rest), "fill bytes")
    refuse(put(tmp_path, start + b"\xff\xfe\0\2" * (LONG // 4) + rest), "2048 segments")
    refuse(put(tmp_path, start + b"\xff\xe1\0\0" * (LONG // 4) + rest), "2048 segments")
    refuse(put(tmp_path, start + comment * 600 + rest), "bytes of metadata")
    for stray in (b"\0", b"\xff\0", b"\xff\xf0\0\2"):  # Pillow knows no length of the last
        absurd = start + b"\xff\xfe\0\2" + stray * (LONG // len(stray)) + rest
        refuse(put(tmp_path, absurd), "stray bytes")
    refuse(put(tmp_path, start + b"\xff\xd0" * (LONG // 2) + rest), "2048 segments")


def test_netpbm_headers(tmp_path: Path) -> None:
    pixels = bytes(range(6))
    comments = b"# one\n \t# two\r" + b"#" * 3000 + b"\n"
    honest = b"P5\n" + comments + b"3 # width\n 2\n#\n255\n" + pixels
    assert images.open(put(tmp_path, honest)).pixels.tobytes() == pixels
    bits = images.open(put(tmp_path, b"P4 8 1\n\xa5")).pixels
    assert (bits.ravel() == 0).tolist() == [bool(0xA5 >> n & 1) for n in range(7, -1, -1)]
    for absurd in (
        b"P5\n#" + b"x" * LONG + b"\n3 2 255\n",
        b"P5\n" + b"#\n" * (LONG // 2) + b"3 2 255\n",
        b"P5\n" + b" " * LONG + b"3 2 255\n",
        b"P5\n3 2 255#" + b"x" * LONG + b"\n",
    ):
        refuse(put(tmp_path, absurd + pixels), "longer than 4096 bytes")
    for kind in (b"P1", b"P2", b"P3"):
        refuse(put(tmp_path, kind + b"\n2 1\n1 1 1 1 1 1\n"), "convert it to the binary kind")


@pytest.mark.parametrize("bits", [12, 16])
def test_a_jpeg_of_more_bits_is_said_to_be_one(tmp_path: Path, bits: int) -> None:
    stream = io.BytesIO()
    Image.new("L", (16, 16), 90).save(stream, "JPEG")
    data = bytearray(stream.getvalue())
    frame = data.index(b"\xff\xc0")
    data[frame + 1], data[frame + 4] = 0xC1, bits
    path = tmp_path / "more.jpg"
    path.write_bytes(data)
    with pytest.raises(UnreadableImage, match=f"a JPEG of {bits} bits a sample: only 8 are read"):
        images.open(path)
