"""Mutated image files: nothing but a sentence may come of them.

    python benchmarks/fuzz.py [--files 5000] [--seed 0] [--keep FOLDER]

JPEG streams of several encoders and samplings, PNG, TIFF, WebP, BMP and Netpbm files are wounded:
bits and bytes flipped, cut off, pieces repeated and removed, segments and chunks swapped, doubled
and dropped, markers and lengths edited, fields of headers and tables set to extremes. Each file is
opened, its coefficients are read, a cheap detector is asked (`kl`) and what models that need a
JPEG are shown is made, in a child process. Reported is every file on which the child died or took
more than a minute, every exception that is no `ForensicsError`, every JPEG whose coefficients
decode to other pixels than the file shows, and how much memory the child took. Such files stay in
--keep.
"""

from __future__ import annotations

import io
import itertools
import json
import resource
import selectors
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import cv2
import jpeglib
import numpy as np
import simplejpeg
import torch
from PIL import Image
from skimage import data as pictures

LIMIT = 4.0  # megapixels that a header may claim
SECONDS = 60.0
TOGETHER = 500  # files of one child
_PLAIN = b"\xff\xd8"


def written(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def seeds() -> dict[str, bytes]:
    """Whole files, by a name that ends in the suffix."""
    pixels = pictures.astronaut()[40:101, 180:263]  # 61 x 83
    rgb = Image.fromarray(pixels)
    gray = rgb.convert("L")
    found = {}
    for number, name in enumerate(("444", "422", "420")):
        for more, options in (("", {}), ("p", {"progressive": True}), ("o", {"optimize": True})):
            found[f"pillow-{name}{more}.jpg"] = written(
                rgb, "JPEG", quality=80, subsampling=number, **options
            )
    for name in ("444", "422", "420", "440", "411", "Gray"):
        shown = np.asarray(gray)[..., None].copy() if name == "Gray" else pixels.copy()
        space = "Gray" if name == "Gray" else "RGB"
        found[f"simple-{name}.jpg"] = simplejpeg.encode_jpeg(
            np.ascontiguousarray(shown), 70, space, name
        )
    for name, flags in (
        ("restart", [cv2.IMWRITE_JPEG_RST_INTERVAL, 3]),
        ("progressive", [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
        ("low", [cv2.IMWRITE_JPEG_QUALITY, 3]),
        ("high", [cv2.IMWRITE_JPEG_QUALITY, 100]),
    ):
        found[f"opencv-{name}.jpg"] = cv2.imencode(".jpg", pixels[..., ::-1], flags)[1].tobytes()
    for version in ("6b", "7", "8d", "9e", "mozjpeg403"):
        found[f"libjpeg-{version}.jpg"] = by_jpeglib(pixels, version)
    found["cmyk.jpg"] = written(rgb.convert("CMYK"), "JPEG", quality=80)
    found["rgb.jpg"] = written(rgb, "JPEG", quality=80, keep_rgb=True)
    found["gray.jpg"] = written(gray, "JPEG", quality=60)
    exif = Image.Exif()
    exif[274] = 6
    found["exif.jpg"] = written(rgb, "JPEG", exif=exif, icc_profile=b"x" * 500, comment=b"hello")
    deep = Image.fromarray(np.asarray(gray).astype(np.uint16) * 257)
    palette = rgb.convert("P", palette=Image.Palette.ADAPTIVE)
    again = Image.open(io.BytesIO(found["pillow-444.jpg"]))
    for name, image in (
        ("rgb", rgb),
        ("gray", gray),
        ("deep", deep),
        ("palette", palette),
        ("again", again),
        ("bits", gray.convert("1")),
    ):
        found[f"{name}.png"] = written(image, "PNG")
    for name in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        found[f"{name}.tif"] = written(rgb, "TIFF", compression=name)
    found["big.tif"] = written(rgb, "TIFF", big_tiff=True)
    found["pages.tif"] = written(rgb, "TIFF", save_all=True, append_images=[gray.convert("RGB")])
    found["lossless.webp"] = written(rgb, "WEBP", lossless=True)
    found["lossy.webp"] = written(rgb, "WEBP", quality=80)
    found |= {"rgb.bmp": written(rgb, "BMP"), "palette.bmp": written(palette, "BMP")}
    found |= {"rgb.ppm": written(rgb, "PPM"), "gray.pgm": written(gray, "PPM")}
    return found


def by_jpeglib(pixels: np.ndarray, version: str) -> bytes:
    """As one of the libraries that jpeglib holds writes it."""
    with tempfile.TemporaryDirectory() as folder, jpeglib.version(version):
        path = f"{folder}/a.jpg"
        jpeglib.from_spatial(pixels.copy()).write_spatial(path, qt=75)
        return Path(path).read_bytes()


# Wounds: each takes the file and a generator, and gives another file.
Wound = Callable[[bytearray, np.random.Generator], None]


def _place(data: bytearray, rng: np.random.Generator) -> int:
    return int(rng.integers(0, max(len(data), 1)))


def flip_bit(data: bytearray, rng: np.random.Generator) -> None:
    if data:
        data[_place(data, rng)] ^= 1 << int(rng.integers(8))


def set_byte(data: bytearray, rng: np.random.Generator) -> None:
    if data:
        data[_place(data, rng)] = int(rng.choice([0, 1, 0x7F, 0x80, 0xD9, 0xDA, 0xFF]))


def cut_off(data: bytearray, rng: np.random.Generator) -> None:
    del data[_place(data, rng) :]


def cut_off_and_end(data: bytearray, rng: np.random.Generator) -> None:
    del data[_place(data, rng) :]
    data += b"\xff\xd9"


def remove(data: bytearray, rng: np.random.Generator) -> None:
    at = _place(data, rng)
    del data[at : at + int(rng.integers(1, 60))]


def insert(data: bytearray, rng: np.random.Generator) -> None:
    at = _place(data, rng)
    data[at:at] = rng.bytes(int(rng.integers(1, 60)))


def repeat(data: bytearray, rng: np.random.Generator) -> None:
    at = _place(data, rng)
    data[at:at] = data[at : at + int(rng.integers(1, 200))]


def segments(data: bytes) -> list[tuple[int, int]]:
    """Where the pieces of a file begin and end: JPEG segments with what follows them, PNG and RIFF
    chunks; of other kinds, four quarters."""
    ends = [0]
    if data[:2] == _PLAIN:
        at = 2
        while at + 4 <= len(data) and data[at] == 0xFF:
            ends.append(at)
            if data[at + 1] == 0xDA:  # a scan: up to the next marker
                at += 2
                while at + 1 < len(data) and not (
                    data[at] == 0xFF and data[at + 1] not in (0, *range(0xD0, 0xD8))
                ):
                    at += 1
            elif data[at + 1] == 0xD9:
                break
            else:
                at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    elif data[:4] == b"\x89PNG":
        at = 8
        while at + 8 <= len(data):
            ends.append(at)
            at += 12 + int.from_bytes(data[at : at + 4], "big")
    elif data[:4] == b"RIFF":
        at = 12
        while at + 8 <= len(data):
            ends.append(at)
            at += 8 + int.from_bytes(data[at + 4 : at + 8], "little")
    else:
        ends += [len(data) * part // 4 for part in (1, 2, 3)]
    ends = [end for end in ends if end < len(data)] + [len(data)]
    return list(itertools.pairwise(ends))


def shuffle_segments(data: bytearray, rng: np.random.Generator) -> None:
    """Two pieces change places, or one is there twice, or no more."""
    pieces = [bytes(data[a:b]) for a, b in segments(bytes(data))]
    if len(pieces) < 3:
        return
    one, other = (int(n) for n in rng.integers(1, len(pieces), 2))
    match rng.integers(3):
        case 0:
            pieces[one], pieces[other] = pieces[other], pieces[one]
        case 1:
            pieces.insert(other, pieces[one])
        case _:
            del pieces[one]
    data[:] = b"".join(pieces)


def edit_marker(data: bytearray, rng: np.random.Generator) -> None:
    """A JPEG marker or a chunk's name becomes another one, or its length is wrong, or a byte of
    what it says is an extreme."""
    places = segments(bytes(data))[1:]
    if not places:
        return
    start, end = places[int(rng.integers(len(places)))]
    body = min(end, start + 40)
    match rng.integers(3):
        case 0 if data[:2] == _PLAIN:
            names = [*range(0xC0, 0xE2), 0xFE, 0x01, 0xF0]
            data[start + 1 : start + 2] = bytes([int(rng.choice(names))])
        case 1:
            data[start + 2 : start + 4] = int(rng.choice([0, 1, 2, 3, 11, 0xFFFF])).to_bytes(2)
        case _:
            if body > start + 4:
                at = int(rng.integers(start + 4, body))
                data[at] = int(rng.choice([0, 1, 2, 3, 0x11, 0x41, 0x14, 0x7F, 0xFF]))


WOUNDS: tuple[Wound, ...] = (
    flip_bit,
    flip_bit,
    set_byte,
    cut_off,
    cut_off_and_end,
    remove,
    insert,
    repeat,
    shuffle_segments,
    shuffle_segments,
    edit_marker,
    edit_marker,
    edit_marker,
)


def wounded(data: bytes, rng: np.random.Generator) -> bytes:
    made = bytearray(data)
    for _ in range(int(rng.choice([1, 1, 2, 3]))):
        WOUNDS[int(rng.integers(len(WOUNDS)))](made, rng)
    return bytes(made)


def judged(path: Path) -> str:
    """What comes of a file, in a word; anything unexpected begins with !."""
    import forensics
    from forensics.bench.inference import shown
    from forensics.errors import ForensicsError, UnreadableImage
    from forensics.jpeg import decode
    from forensics.models.entries import Needs

    try:
        try:
            picture = forensics.open(path, LIMIT)
        except UnreadableImage:
            return "refused"
        kind = "coefficients" if picture.jpeg is not None else "pixels"
        for color in (None, False):
            batch = picture.batch(color=color)
            if batch.jpeg is not None and not torch.equal(decode(batch.jpeg), batch.pixels):
                return f"! coefficients are not those of the pixels (color={color})"
        shown(Needs(jpeg=True), picture)
        model = forensics.load("kl")
        given = forensics.shown(picture, model)
        refusal = model.needs.refusal(given.pixels.shape[1], *given.size, given.jpeg is not None)
        if refusal is None:
            score = model.score(given)
            if bool(score.values.isnan()[0]) != bool(score.reasons and score.reasons[0]):
                return "! a score without a reason"
        return kind
    except ForensicsError as error:
        return f"sentence: {type(error).__name__}"
    except Exception:
        return "! " + traceback.format_exc()


def child(listed: str) -> None:
    """Judges the files of a list, a JSON line each."""
    for path in map(Path, Path(listed).read_text().splitlines()):
        print(json.dumps({"begin": path.name}), flush=True)
        begin = time.perf_counter()
        said = judged(path)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        line = {"name": path.name, "said": said, "seconds": time.perf_counter() - begin}
        print(json.dumps(line | {"peak_mb": peak}), flush=True)


def judge(paths: list[Path], folder: Path) -> Iterator[dict[str, object]]:
    """The lines of children; one that dies or hangs is named, and another goes on behind it."""
    while paths:
        some = paths[:TOGETHER]
        listed = folder / "list.txt"
        listed.write_text("\n".join(map(str, some)))
        command = [sys.executable, __file__, "--child", str(listed)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as made:
            assert made.stdout is not None
            wait = selectors.DefaultSelector()
            wait.register(made.stdout, selectors.EVENT_READ)
            done, now = 0, some[0].name
            while done < len(some):
                # The first file waits for imports and compiled functions.
                limit = SECONDS if done else 300.0
                line = made.stdout.readline() if wait.select(limit) else b""
                if not line:
                    end = "died" if made.poll() is not None else "hung"
                    made.kill()
                    yield {"name": now, "said": f"! {end}", "seconds": 0.0, "peak_mb": 0.0}
                    done += 1
                    break
                said = json.loads(line)
                if "begin" in said:
                    now = said["begin"]
                    continue
                done += 1
                yield said
        paths = paths[done:]


@click.command()
@click.option("--files", default=5000, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option(
    "--keep", type=click.Path(file_okay=False), help="Where files that broke something go."
)
@click.option("--child", "listed", hidden=True)
def main(files: int, seed: int, keep: str | None, listed: str | None) -> None:
    if listed is not None:
        child(listed)
        return
    rng = np.random.default_rng(seed)
    whole = list(seeds().items())
    counts: Counter[str] = Counter()
    slowest = peak = 0.0
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        paths = [folder / f"{n}-{whole[n % len(whole)][0]}" for n in range(files)]
        for n, path in enumerate(paths):
            data = whole[n % len(whole)][1]
            path.write_bytes(data if n < len(whole) else wounded(data, rng))
        for line in judge(paths, folder):
            said = str(line["said"])
            slowest = max(slowest, float(str(line["seconds"])))
            peak = max(peak, float(str(line["peak_mb"])))
            counts["broken" if said.startswith("!") else said] += 1
            if said.startswith("!"):
                print(f"{line['name']}: {said}", flush=True)
                if keep:
                    Path(keep).mkdir(parents=True, exist_ok=True)
                    (Path(keep) / str(line["name"])).write_bytes(
                        (folder / str(line["name"])).read_bytes()
                    )
    print(f"{files} files of {len(whole)} kinds, seed {seed}: {dict(counts.most_common())}")
    print(
        f"slowest {slowest:.1f} s, peak {peak:.0f} MB, {time.perf_counter() - begin:.0f} s in all"
    )
    sys.exit(1 if counts["broken"] else 0)


if __name__ == "__main__":
    main()
