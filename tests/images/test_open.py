"""What opening makes of each kind of file, against Pillow and the pixels that were written."""

import hashlib
import io
import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageFile

from forensics import images, random
from forensics.errors import NotApplicable, UnreadableImage

from .pictures import every_kind, orientation, png_16_bit_colour, png_chunk, scene, written

KINDS = every_kind()
RGB, GRAY = Image.fromarray(scene()), Image.fromarray(scene(channels=1))

LOSSLESS = [
    *("rgb.png", "alpha.png", "rgb.ppm", "rgb.bmp", "lossless.webp", "raw.tif", "tiff_lzw.tif"),
    *("tiff_adobe_deflate.tif", "packbits.tif", "pages.tif", "gray.png", "gray.pgm", "gray.bmp"),
]


def put(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "name",
    LOSSLESS,
)
def test_lossless_files_give_the_pixels_written(tmp_path: Path, name: str) -> None:
    picture = images.open(put(tmp_path, name, KINDS[name]))
    expected = scene(channels=1)[:, :, None] if "gray" in name else scene()
    assert np.array_equal(picture.pixels, expected)
    assert (picture.height, picture.width) == expected.shape[:2]
    assert picture.sha256 == hashlib.sha256(KINDS[name]).hexdigest()
    assert picture.jpeg is None
    assert picture.jpeg_reason == "not a JPEG file"
    assert not picture.pixels.flags.writeable


@pytest.mark.parametrize(
    "name", [n for n in KINDS if n.endswith((".jpg", "y.webp", "g.tif", "cmyk.tif", "e.png"))]
)
def test_other_files_give_pillow_s_pixels(tmp_path: Path, name: str) -> None:
    path = put(tmp_path, name, KINDS[name])
    picture = images.open(path)
    with Image.open(path) as image:
        mode = "RGB" if picture.pixels.shape[2] == 3 else "L"
        assert np.array_equal(picture.pixels.squeeze(), np.asarray(image.convert(mode)))


def test_gray_is_pillow_s_luma(tmp_path: Path) -> None:
    picture = images.open(put(tmp_path, "a.png", KINDS["rgb.png"]))
    assert np.array_equal(picture.gray(), np.asarray(RGB.convert("L")))
    gray = images.open(put(tmp_path, "b.png", KINDS["gray.png"]))
    assert np.array_equal(gray.gray(), scene(channels=1))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("value", range(1, 9))
def test_orientation_is_noted_and_never_applied(tmp_path: Path, kind: str, value: int) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    plain = images.open(put(tmp_path, "plain", written(RGB, kind, **options)))
    turned = put(tmp_path, "turned", written(RGB, kind, exif=orientation(value), **options))
    picture = images.open(turned)
    assert np.array_equal(picture.pixels, plain.pixels)
    assert (picture.width, picture.height) == RGB.size
    assert images.header(turned).width == RGB.width
    assert any(f"tag {value}" in note for note in picture.notes) == (value != 1)


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("palette.png", "Palette"),
        ("bilevel.png", "One bit"),
        ("alpha.png", "alpha channel is opaque"),
        ("cmyk.jpg", "CMYK"),
        ("exif.jpg", "colour profile was not applied"),
        ("pages.tif", "holds more pictures"),
        ("jpeg.tif", "JPEG inside the TIFF"),
    ],
)
def test_what_was_handled_is_noted(tmp_path: Path, name: str, note: str) -> None:
    assert any(note in text for text in images.open(put(tmp_path, name, KINDS[name])).notes)
    assert not images.open(put(tmp_path, "plain.png", KINDS["rgb.png"])).notes


def _transparent(mode: str) -> Image.Image:
    image = RGB.convert("RGBA") if mode == "RGBA" else GRAY.convert("LA")
    image.putpixel((3, 3), (*image.getpixel((3, 3))[:-1], 254))
    return image


def _tiff(samples: np.ndarray) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, samples)
    return stream.getvalue()


TWO_FRAMES = {"save_all": True, "append_images": [GRAY.convert("RGB")]}
REFUSED = {
    "16-bit gray PNG": (KINDS["deep.png"], "8 bits"),
    "16-bit colour PNG": (png_16_bit_colour(), "8 bits"),
    "16-bit gray TIFF": (_tiff(np.zeros((8, 8), np.uint16)), "8 bits"),
    "16-bit colour TIFF": (_tiff(np.zeros((8, 8, 3), np.uint16)), "8 bits"),
    "float TIFF": (_tiff(np.zeros((8, 8), np.float32)), "8 bits"),
    "16-bit PGM": (b"P5 4 4 65535\n" + bytes(32), "8 bits"),
    "16-bit PPM": (b"P6 4 4 65535\n" + bytes(96), "8 bits"),
    "PGM as text": (b"P2 2 1 255\n 5 100\n", "convert it to the binary kind"),
    "transparent colour": (written(_transparent("RGBA"), "PNG"), "transparent"),
    "transparent gray": (written(_transparent("LA"), "PNG"), "transparent"),
    "transparent palette entry": (
        written(RGB.convert("P"), "PNG", transparency=bytes(256)),
        "transparent",
    ),
    "transparent colour key": (
        written(RGB, "PNG", transparency=RGB.getpixel((0, 0))),
        "transparent",
    ),
    "transparent WebP": (written(_transparent("RGBA"), "WEBP", lossless=True), "transparent"),
    "animated PNG": (written(RGB, "PNG", **TWO_FRAMES), "animation"),
    "animated WebP": (written(RGB, "WEBP", **TWO_FRAMES), "animation"),
    "LAB": (written(Image.new("LAB", (8, 8)), "TIFF"), "LAB"),
    "GIF": (written(RGB, "GIF"), "not a PNG"),
    "empty": (b"", "empty"),
    "text": (b"hello", "not a PNG"),
    "much padding": (KINDS["rgb.png"] + bytes(64_100_000), "far more"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_with_a_reason(tmp_path: Path, what: str) -> None:
    data, reason = REFUSED[what]
    path = put(tmp_path, "file", data)
    with pytest.raises(UnreadableImage, match=reason) as caught:
        images.open(path)
    assert str(path) in str(caught.value)


def test_an_orientation_behind_the_image_data_of_a_png_is_noted(tmp_path: Path) -> None:
    exif = png_chunk(b"eXIf", orientation(6).tobytes()[6:])
    data = KINDS["rgb.png"]
    path = put(tmp_path, "a.png", data[:-12] + exif + data[-12:])
    assert "Orientation tag 6" in images.open(path).notes[0]


def test_missing_files_and_folders_are_unreadable(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.png", tmp_path):
        with pytest.raises(UnreadableImage):
            images.open(path)


def test_the_claimed_size_is_checked_before_decoding(tmp_path: Path) -> None:
    claim = (60_000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    body = png_chunk(b"IHDR", claim) + png_chunk(b"IDAT", b"junk") + png_chunk(b"IEND", b"")
    path = put(tmp_path, "a.png", b"\x89PNG\r\n\x1a\n" + body)
    with pytest.raises(UnreadableImage, match="60000 x 60000 pixels, over the limit of 100 mega"):
        images.open(path)
    small = put(tmp_path, "b.png", KINDS["rgb.png"])
    with pytest.raises(UnreadableImage, match=r"over the limit of 0\.005"):
        images.open(small, max_megapixels=0.005)
    # With a limit above the claim, it is the data that is found wanting.
    with pytest.raises(UnreadableImage, match="damaged"):
        images.open(
            put(tmp_path, "c.png", path.read_bytes().replace(claim[:8], claim[:4] + b"\0\0\1\0"))
        )


# Of several pages only the first is read, and it may be whole where the file is not.
@pytest.mark.parametrize("name", [n for n in KINDS if n not in ("deep.png", "pages.tif")])
def test_truncated_files_are_refused(tmp_path: Path, name: str) -> None:
    data = KINDS[name]
    for kept in (0.3, 0.6, 0.9):
        path = put(tmp_path, name, data[: int(kept * len(data))])
        with pytest.raises(UnreadableImage):
            images.open(path)


def test_a_wrong_checksum_in_a_png_is_refused(tmp_path: Path) -> None:
    data = bytearray(KINDS["rgb.png"])
    data[data.index(b"IEND") - 5] ^= 1  # the last byte of the checksum of the image data
    with pytest.raises(UnreadableImage, match="damaged"):
        images.open(put(tmp_path, "a.png", bytes(data)))


def test_pillow_s_switches_are_overruled_and_left_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    data = KINDS["rgb.bmp"]
    with pytest.raises(UnreadableImage):
        images.open(put(tmp_path, "a.bmp", data[: len(data) // 2]))
    assert images.open(put(tmp_path, "b.bmp", data)).pixels.shape == (61, 83, 3)
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True
    assert Image.MAX_IMAGE_PIXELS == 10


def test_batch(tmp_path: Path) -> None:
    picture = images.open(put(tmp_path, "a.png", KINDS["rgb.png"]))
    copy = images.open(put(tmp_path, "b.png", KINDS["rgb.png"]))
    batch = picture.batch()
    assert np.array_equal(batch.pixels[0].numpy(), scene().transpose(2, 0, 1))
    assert batch.keys.tolist() == [random.key(picture.sha256)] == copy.batch().keys.tolist()
    assert batch.photographs == (picture.sha256,)
    assert np.array_equal(picture.batch(color=False).pixels[0, 0].numpy(), picture.gray())
    gray = images.open(put(tmp_path, "c.png", KINDS["gray.png"]))
    assert gray.batch().pixels.shape == (1, 1, 61, 83)
    with pytest.raises(NotApplicable):
        gray.batch(color=True)


def test_lossy_files_are_known_from_the_header(tmp_path: Path) -> None:
    lossy = {n: images.header(put(tmp_path, n, KINDS[n])).lossy for n in KINDS if n != "deep.png"}
    assert {n: kind for n, kind in lossy.items() if kind and not n.endswith("jpg")} == {
        "lossy.webp": "lossy WebP",
        "jpeg.tif": "JPEG inside TIFF",
    }
    assert all(kind == "JPEG" for n, kind in lossy.items() if n.endswith("jpg"))
    profile = written(RGB, "WEBP", quality=80, icc_profile=bytes(9001))
    assert images.header(put(tmp_path, "profile.webp", profile)).lossy == "lossy WebP"


def test_find(tmp_path: Path) -> None:
    for name in ("b.PNG", "a/c.tif", "a/b.jpeg", "a/d.jfif", "e.mpo", "notes.txt", "a/x.npz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for name in (".cache/x.png", "a/.x.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "dangling.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "linked").symlink_to(tmp_path / "a")
    (tmp_path / "same.png").symlink_to(tmp_path / "b.PNG")
    found = images.find([tmp_path, tmp_path / "b.PNG", tmp_path / "gone"])
    names = [path.relative_to(tmp_path).as_posix() for path in found.files]
    assert names == ["a/b.jpeg", "a/c.tif", "a/d.jfif", "b.PNG", "e.mpo", "same.png"]
    assert {path.name: reason for path, reason in found.ignored} == {
        "x.npz": "no suffix of an image",
        "notes.txt": "no suffix of an image",
        "dangling.png": "a link that leads nowhere",
        "linked": "a linked folder",
    }
    assert found.missing == (tmp_path / "gone",)
    note = found.note()
    assert note.startswith("4 files and links were not looked at: x.npz (no suffix of an image), ")
    assert note.endswith(" and 1 more.")
    assert "linked" in found.note(every=True)
    assert images.find([tmp_path / "notes.txt"]).files == (tmp_path / "notes.txt",)
    assert images.find([tmp_path / "b.PNG"]).note() is None


@pytest.mark.skipif(os.environ.get("FORENSICS_TEST_DATA") is None, reason="wants photographs")
@pytest.mark.data
def test_real_files_that_pillow_decodes_give_its_pixels() -> None:
    folder = Path(os.environ["FORENSICS_TEST_DATA"]) / "jpegs"
    opened, refused = [], []
    for path in images.find([folder]).files:
        try:
            picture = images.open(path)
        except UnreadableImage:
            refused.append(path.name)
            continue
        opened.append(path)
        with Image.open(path) as image:
            mode = "RGB" if picture.pixels.shape[2] == 3 else "L"
            assert np.array_equal(
                picture.pixels.squeeze(), np.asarray(image.convert(mode)).squeeze()
            )
    assert [p.name for p in opened if p.parent.name == "broken"] == ["not_jpeg_6x6.jpg"]
    # Not in broken/, but refused: Pillow cannot (12 bit), libjpeg warns (junk, restarts), and a
    # chroma sampling that the strict decoder does not know.
    whole = {p.name for p in folder.glob("*.jpg")}
    assert whole & set(refused) == {
        "12bit_extended.jpg",
        "cmyk_sub_256.jpg",
        "junk_after_header_420.jpg",
        "mjpeg_422_restart.jpg",
    }
