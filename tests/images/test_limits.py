"""Mutated and oversized files: the process lives, time and memory are bounded."""

import json
import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile

from forensics import images
from forensics.errors import UnreadableImage

from .pictures import every_kind, png_chunk, written

OPENER = Path(__file__).with_name("opener.py")
FUZZ_MEGAPIXELS = 4.0


def opened(folder: Path, paths: list[Path], limit: float = 100.0) -> list[dict[str, Any]]:
    """What `opener.py` reports of the files; fails where the child crashed or hung."""
    warm = folder / "warm.jpg"
    warm.write_bytes(every_kind()["420.jpg"])
    command = [sys.executable, str(OPENER), str(limit), str(warm), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60 + 5 * len(paths))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    last = paths[len(lines) - 1] if lines and len(lines) <= len(paths) else None
    assert done.returncode == 0, f"died with {done.returncode} on {last}:\n{done.stderr[-2000:]}"
    assert len(lines) == len(paths) + 1
    return lines


def mutated(data: bytes, start: int, rng: np.random.Generator) -> bytes:
    """The file with one to three wounds at or after `start`: bits, bytes, cuts, repeats."""
    wounded = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        if len(wounded) <= start + 8:
            break
        at = int(rng.integers(start, len(wounded)))
        match rng.integers(6):
            case 0:
                wounded[at] ^= 1 << int(rng.integers(8))
            case 1:
                wounded[at] = int(rng.choice([0, 0x7F, 0x80, 0xFF]))
            case 2:
                wounded[at : at + int(rng.integers(1, 40))] = b""
            case 3:
                wounded[at:at] = rng.bytes(int(rng.integers(1, 40)))
            case 4:
                piece = wounded[at : at + int(rng.integers(1, 200))]
                wounded[at:at] = piece
            case 5:
                if rng.random() < 0.3:
                    del wounded[at:]
    return bytes(wounded)


def header_length(name: str, data: bytes) -> int:
    """How many bytes to leave alone so that the header stays valid."""
    if name.endswith("jpg"):
        return data.index(b"\xff\xda") + 14
    if name.endswith("png"):
        return data.index(b"IDAT") + 4
    if name.endswith("webp"):
        return 40
    if name.endswith("tif"):
        return 8  # the directory is at the end of the file, or right here
    return 54 if name.endswith("bmp") else 15


def fuzz(folder: Path, count: int) -> None:
    rng = np.random.default_rng(count)
    seeds = list(every_kind().items())
    paths, valid = [], 0
    for index in range(count):
        name, data = seeds[index % len(seeds)]
        # Three of four are wounded behind their header, so that they reach the decoder.
        start = header_length(name, data) if index // len(seeds) % 4 else 0
        path = folder / f"{index}-{name}"
        path.write_bytes(mutated(data, start, rng))
        paths.append(path)
        try:
            images.header(path, FUZZ_MEGAPIXELS)
            valid += 1
        except UnreadableImage:
            pass
    first, *lines = opened(folder, paths, FUZZ_MEGAPIXELS)
    results = Counter(line["result"] for line in lines)
    print(f"\n{count} mutated files: {valid / count:.0%} reach the decoder; {dict(results)}")
    assert valid >= count / 2
    assert results["refused"] > count / 4
    assert results["pixels"] > 0
    assert results["coefficients"] > 0
    assert max(line["seconds"] for line in lines) < 10
    assert lines[-1]["peak_mb"] - first["start_mb"] < 300 + 24 * FUZZ_MEGAPIXELS


def test_500_mutated_files(tmp_path: Path) -> None:
    fuzz(tmp_path, 500)


@pytest.mark.slow
def test_5000_mutated_files(tmp_path: Path) -> None:
    fuzz(tmp_path, 5000)


def _large(kind: str, height: int, width: int) -> bytes:
    """Noise, so that nothing is compressed away."""
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    match kind:
        case "png":
            return written(image, "PNG", compress_level=1)
        case "alpha png":
            image.putalpha(255)
            return written(image, "PNG", compress_level=1)
        case "webp":
            return written(image, "WEBP", lossless=True, method=0, quality=0)
        case "progressive jpeg":
            return written(image, "JPEG", quality=90, subsampling=0, progressive=True)
        case "cmyk jpeg":
            return written(image.convert("CMYK"), "JPEG", quality=90)
        case _:
            return written(image, "TIFF", exif={274: 6})


@pytest.mark.parametrize(
    "kind", ["png", "alpha png", "webp", "progressive jpeg", "cmyk jpeg", "turned tiff"]
)
def test_memory_while_opening(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "MAXBLOCK", 1 << 26)  # else Pillow cannot write such noise
    path = tmp_path / "large"
    path.write_bytes(_large(kind, 1500, 2000))
    first, line = opened(tmp_path, [path])
    assert line["result"] in ("pixels", "coefficients")
    # Allowed are 24 bytes a pixel and 300 MB; 30 MB keep this tight enough to notice a copy.
    assert line["peak_mb"] - first["start_mb"] < 24 * 3 * 1.05 + 30


def test_claims_of_gigapixels_cost_nothing(tmp_path: Path) -> None:
    size = (60_000).to_bytes(4, "big") * 2
    head = png_chunk(b"IHDR", size + b"\x08\x02\0\0\0")
    png = b"\x89PNG\r\n\x1a\n" + head + png_chunk(b"IDAT", b"x") + png_chunk(b"IEND", b"")
    jpeg = bytearray(every_kind()["progressive.jpg"])
    frame = jpeg.index(b"\xff\xc2")
    jpeg[frame + 5 : frame + 9] = b"\xff\xff\xff\xff"
    bmp = bytearray(every_kind()["rgb.bmp"])
    bmp[18:26] = (60_000).to_bytes(4, "little") * 2
    files = {"a.png": png, "b.jpg": jpeg, "c.bmp": bmp, "d.ppm": b"P6 60000 60000 255\n" + b"x"}
    webp = bytearray(every_kind()["lossless.webp"])
    sides = webp.index(b"VP8L") + 9  # 14 bits each for width and height, less one
    webp[sides : sides + 4] = (16_382 | 16_382 << 14).to_bytes(4, "little")
    files["e.webp"] = webp
    paths = []
    for name, data in files.items():
        paths.append(tmp_path / name)
        paths[-1].write_bytes(bytes(data))
        with pytest.raises(UnreadableImage, match="over the limit"):
            images.open(paths[-1])
    first, *lines = opened(tmp_path, paths)
    assert {line["result"] for line in lines} == {"refused"}
    assert lines[-1]["peak_mb"] - first["start_mb"] < 50


def test_what_repeats_without_end_is_not_searched_again_and_again(tmp_path: Path) -> None:
    # A stream that ends in fill bytes, and pages of a TIFF, which hold nothing but their header.
    fill = every_kind()["420.jpg"][:-2] + b"\xff" * 2_000_000
    fields = [(256, 8), (257, 8), (258, 8), (262, 1), (273, 8), (279, 64)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in fields)
    length, pages = 2 + len(entries) + 4, 100_000
    tiff = bytearray(b"II*\0" + struct.pack("<I", 8))
    for page in range(1, pages + 1):
        following = 8 + page * length if page < pages else 0
        tiff += struct.pack("<H", len(fields)) + entries + struct.pack("<I", following)
    paths = [tmp_path / "fill.jpg", tmp_path / "pages.tif"]
    for path, data in zip(paths, (fill, tiff), strict=True):
        path.write_bytes(data)
    results = [line["result"] for line in opened(tmp_path, paths)[1:]]
    assert results == ["refused", "pixels"]
