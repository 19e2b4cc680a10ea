"""The coefficients of JPEG files, against the pixels and tables that Pillow reads from them."""

import io
import pickle
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
import torch
from PIL import Image
from scipy.fft import idctn

from forensics import images
from forensics.errors import ForensicsError, NotApplicable, UnreadableImage
from forensics.images import jpegio_reader
from forensics.jpeg.coefficients import Jpeg

from .pictures import every_kind, scene, written

KINDS = every_kind()
RGB, GRAY = Image.fromarray(scene()), Image.fromarray(scene(channels=1))
READABLE = ["gray.jpg", "444.jpg", "422.jpg", "420.jpg", "progressive.jpg", "exif.jpg"]


def put(folder: Path, data: bytes) -> Path:
    path = folder / "a.jpg"
    path.write_bytes(data)
    return path


def plane(jpeg: Jpeg, component: int) -> np.ndarray:
    """The component's samples by a floating-point inverse DCT, before rounding and clipping."""
    levels = jpeg.coefficients[component][0].numpy() * jpeg.tables[0, component].numpy()
    blocks = idctn(levels.astype(float), axes=(2, 3), norm="ortho") + 128
    rows, columns = blocks.shape[:2]
    return blocks.transpose(0, 2, 1, 3).reshape(8 * rows, 8 * columns)


def stored_planes(data: bytes) -> list[np.ndarray]:
    with Image.open(io.BytesIO(data)) as image:
        if image.mode == "L":
            return [np.asarray(image)]
        image.draft("YCbCr", image.size)  # libjpeg's planes, up-sampled, without colour conversion
        return [np.asarray(band) for band in image.split()]


@pytest.mark.parametrize("name", READABLE)
def test_coefficients_are_those_behind_pillow_s_pixels(tmp_path: Path, name: str) -> None:
    picture = images.open(put(tmp_path, KINDS[name]))
    jpeg = picture.jpeg
    assert jpeg is not None
    assert picture.jpeg_reason is None
    sampling = {"progressive": "4:2:0", "exif": "4:2:0", "gray": "gray"}
    stem = name.split(".")[0]
    assert jpeg.sampling == sampling.get(stem, ":".join(stem))
    assert jpeg.size == (61, 83)
    assert jpeg.tables.dtype == torch.int32
    with Image.open(io.BytesIO(KINDS[name])) as image:
        layers, tables = image.layer, image.quantization
    for index, (_, _, _, number) in enumerate(layers):
        assert jpeg.tables[0, index].flatten().tolist() == list(tables[number])
    # Subsampled chroma is interpolated on the way to Pillow's planes; the rest is only rounded.
    exact = range(len(layers)) if jpeg.sampling in ("gray", "4:4:4") else range(1)
    for index in exact:
        expected = stored_planes(KINDS[name])[index]
        found = plane(jpeg, index)[:61, :83].clip(0, 255)
        assert np.abs(found - expected).max() < 0.75
    for coefficients in jpeg.coefficients:
        assert coefficients.dtype == torch.int16
        assert coefficients.shape[0] == 1


def test_chroma_has_ceil_of_its_own_size_in_blocks(tmp_path: Path) -> None:
    shapes = {"444": (8, 11), "422": (8, 6), "420": (4, 6)}
    for name, shape in shapes.items():
        jpeg = images.open(put(tmp_path, KINDS[f"{name}.jpg"])).jpeg
        assert jpeg is not None
        assert jpeg.coefficients[0].shape[1:3] == (8, 11)
        assert jpeg.coefficients[2].shape[1:3] == shape


def test_the_chroma_of_420_is_the_mean_of_its_neighbours(tmp_path: Path) -> None:
    # A picture of 16 x 16 squares of one colour: interpolation does not touch their centres.
    squares = np.random.default_rng(0).integers(60, 190, (3, 4, 3), dtype=np.uint8)
    image = Image.fromarray(squares.repeat(32, axis=0).repeat(32, axis=1))
    data = written(image, "JPEG", quality=95)
    jpeg = images.open(put(tmp_path, data)).jpeg
    assert jpeg is not None
    for index in (1, 2):
        centres = plane(jpeg, index)[8::16, 8::16]
        assert np.abs(centres - stored_planes(data)[index][16::32, 16::32]).max() < 1


def test_the_gray_view_of_a_colour_jpeg_is_its_luma(tmp_path: Path) -> None:
    batch = images.open(put(tmp_path, KINDS["420.jpg"])).batch(color=False)
    assert batch.jpeg is not None
    assert (batch.jpeg.sampling, len(batch.jpeg.coefficients)) == ("gray", 1)
    decoded = plane(batch.jpeg, 0)[:61, :83].clip(0, 255)
    assert np.abs(decoded - batch.pixels[0, 0].numpy()).max() < 0.75


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("440.jpg", "unusual chroma sampling"),
        ("411.jpg", "unusual chroma sampling"),
        ("rgb.jpg", "stored as RGB"),
        ("cmyk.jpg", "stored as CMYK"),
    ],
)
def test_what_a_jpeg_cannot_hold_has_pixels_and_a_reason(
    tmp_path: Path, name: str, reason: str
) -> None:
    picture = images.open(put(tmp_path, KINDS[name]))
    assert picture.jpeg is None
    assert reason in (picture.jpeg_reason or "")
    batch = picture.batch(color=False)
    assert batch.jpeg is None
    assert np.array_equal(batch.pixels[0, 0].numpy(), picture.gray())


def test_arithmetic_coding_has_pixels_and_a_reason(tmp_path: Path) -> None:
    # A Huffman stream relabelled as lossless, so that no arithmetic encoder is needed here.
    data = KINDS["420.jpg"].replace(b"\xff\xc0", b"\xff\xc9", 1)
    assert "arithmetic" in (images.stream.refusal(data) or "")


def four_by_one() -> bytes:
    """8 x 32 pixels of middle gray with 4:4:1 chroma: one unit of four luma blocks and one of each
    chroma, all of them zero, by the tables of T.81, annex K.3."""
    data = written(Image.new("RGB", (8, 32), (128, 128, 128)), "JPEG", subsampling=0)
    frame = data.index(b"\xff\xc0")
    data = data[: frame + 11] + b"\x14" + data[frame + 12 :]  # one across, four down
    scan = data.index(b"\xff\xda")
    head = data[: scan + 2 + int.from_bytes(data[scan + 2 : scan + 4], "big")]
    bits = "001010" * 4 + "0000" * 2  # no difference (00), end of block (1010; of chroma 00)
    return head + int(bits, 2).to_bytes(4, "big") + b"\xff\xd9"


def test_a_sampling_that_libraries_stumble_over_has_pixels_and_a_reason(tmp_path: Path) -> None:
    picture = images.open(put(tmp_path, four_by_one()))
    assert (picture.pixels == 128).all()
    assert picture.jpeg is None
    assert "unusual chroma sampling (4x1 1x1 1x1" in (picture.jpeg_reason or "")
    assert picture.batch().jpeg is None


@pytest.mark.parametrize("table", [0, 1])
def test_a_step_of_0_is_no_step(tmp_path: Path, table: int) -> None:
    data = bytearray(KINDS["420.jpg"])
    start = [i for i in range(len(data)) if data[i : i + 2] == b"\xff\xdb"][table]
    data[start + 5 + 9] = 0
    picture = images.open(put(tmp_path, bytes(data)))
    assert picture.pixels.shape == (61, 83, 3)
    assert picture.jpeg is None
    assert "a quantisation step of 0" in (picture.jpeg_reason or "")


def test_a_stream_without_huffman_tables_has_the_usual_ones(tmp_path: Path) -> None:
    """As webcams send it (AVI1)."""
    data = KINDS["420.jpg"]
    bare = data
    while (start := bare.find(b"\xff\xc4")) >= 0:
        bare = bare[:start] + bare[start + 2 + int.from_bytes(bare[start + 2 : start + 4], "big") :]
    assert len(bare) < len(data) - 300
    ours, theirs = images.open(put(tmp_path, bare)), images.open(put(tmp_path, data))
    assert np.array_equal(ours.pixels, theirs.pixels)
    assert ours.jpeg is not None
    assert theirs.jpeg is not None
    for a, b in zip(ours.jpeg.coefficients, theirs.jpeg.coefficients, strict=True):
        assert torch.equal(a, b)


def test_missing_scans_are_noted_and_cost_the_coefficients(tmp_path: Path) -> None:
    data = KINDS["progressive.jpg"]
    assert not images.stream.unfinished(data)
    scans = [start for marker, start, _ in images.stream.segments(data) if marker == 0xDA]
    assert len(scans) > 5
    for kept in range(1, len(scans)):
        picture = images.open(put(tmp_path, data[: scans[kept]] + b"\xff\xd9"))
        assert picture.jpeg is None
        assert picture.jpeg_reason == "a progressive JPEG whose last scans are missing"
        assert any("last scans are missing" in note for note in picture.notes)


def test_coefficients_that_fail_cost_no_pixels(tmp_path: Path, monkeypatch) -> None:
    def broken(name: str) -> None:
        raise OSError(f"reading info of {name} failed")

    monkeypatch.setattr("forensics.images.stream.jpeglib.read_dct", broken)
    picture = images.open(put(tmp_path, KINDS["420.jpg"]))
    assert picture.jpeg is None
    assert picture.jpeg_reason == "its coefficients cannot be read (OSError)"
    assert picture.batch().pixels.shape == (1, 3, 61, 83)


def test_tables_that_change_between_scans_have_a_reason(tmp_path: Path) -> None:
    data = KINDS["progressive.jpg"]
    start = data.index(b"\xff\xdb")
    table = data[start : start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")]
    scan = data.rindex(b"\xff\xda")
    picture = images.open(put(tmp_path, data[:scan] + table + data[scan:]))
    assert picture.jpeg is None
    assert "between scans" in (picture.jpeg_reason or "")


def test_many_segments_and_a_tail_do_not_disturb_jpeglib(tmp_path: Path) -> None:
    # jpeglib has room for 50 markers.
    data = KINDS["420.jpg"]
    comment = b"\xff\xfe\x00\x06mark"
    swollen = images.open(put(tmp_path, data[:2] + comment * 200 + data[2:] + b"tail"))
    plain = images.open(put(tmp_path, data))
    assert swollen.jpeg is not None
    assert plain.jpeg is not None
    for ours, theirs in zip(swollen.jpeg.coefficients, plain.jpeg.coefficients, strict=True):
        assert torch.equal(ours, theirs)


def test_more_than_100_scans_are_refused(tmp_path: Path) -> None:
    data = KINDS["progressive.jpg"]
    scan = data[data.rindex(b"\xff\xda") : -2]
    path = put(tmp_path, data[:-2] + scan * 100 + data[-2:])
    with pytest.raises(UnreadableImage, match="scans"):
        images.open(path)


def test_libjpeg_s_warnings_are_errors(tmp_path: Path) -> None:
    # Pillow reads this file without a word: a third is missing before the last marker.
    data = KINDS["gray.jpg"]
    path = put(tmp_path, data[: 2 * len(data) // 3] + data[-2:])
    with Image.open(path) as image:
        image.load()
    with pytest.raises(UnreadableImage, match=r"a\.jpg: damaged"):
        images.open(path)


def test_a_picture_outlives_its_file_and_travels(tmp_path: Path) -> None:
    path = put(tmp_path, KINDS["420.jpg"])
    picture = pickle.loads(pickle.dumps(images.open(path)))
    path.unlink()
    assert picture.jpeg is not None
    assert picture.jpeg is picture.jpeg


@pytest.mark.skipif(find_spec("jpegio") is None, reason="the extra jpegio is not installed")
class TestJpegio:
    @pytest.mark.parametrize("name", READABLE)
    def test_gives_the_same_arrays(self, tmp_path: Path, monkeypatch, name: str) -> None:
        path = put(tmp_path, KINDS[name])
        ours = images.open(path).jpeg
        monkeypatch.setenv("FORENSICS_JPEG_READER", "jpegio")
        monkeypatch.setattr("forensics.images.stream.jpeglib", None)
        theirs = images.open(path).jpeg
        assert ours is not None
        assert theirs is not None
        assert (ours.sampling, ours.size) == (theirs.sampling, theirs.size)
        assert torch.equal(ours.tables, theirs.tables)
        for a, b in zip(ours.coefficients, theirs.coefficients, strict=True):
            assert a.dtype == b.dtype
            assert torch.equal(a, b)

    def test_what_ends_its_process_does_not_end_ours(self) -> None:
        with pytest.raises(NotApplicable, match="missing SOS"):
            jpegio_reader.read(KINDS["gray.jpg"][:200] + b"\xff\xd9")

    def test_other_samplings_are_not_applicable(self) -> None:
        with pytest.raises(NotApplicable, match="sampling"):
            jpegio_reader.read(KINDS["411.jpg"])


def test_a_reader_that_there_is_not(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("FORENSICS_JPEG_READER", "libjpeg")
    with pytest.raises(ForensicsError, match="jpeglib or jpegio, not libjpeg"):
        _ = images.open(put(tmp_path, KINDS["420.jpg"])).jpeg


@pytest.mark.skipif(find_spec("jpegio") is not None, reason="the extra jpegio is installed")
def test_without_jpegio_there_are_pixels_and_a_reason(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("FORENSICS_JPEG_READER", "jpegio")
    picture = images.open(put(tmp_path, KINDS["420.jpg"]))
    assert picture.jpeg is None
    assert "jpegio is not installed" in (picture.jpeg_reason or "")


def test_simplejpeg_knows_the_samplings_of_these_files() -> None:
    # The strict check rests on it: what it cannot parse is refused.
    for name in ("444", "422", "420", "440", "411"):
        assert simplejpeg.decode_jpeg_header(KINDS[f"{name}.jpg"])[3] == name
