"""A file is shown to a model in one way: by `run --positive`, by `analyze`, and in Python."""

import io
import json

import numpy as np
import pytest
from PIL import Image

import forensics

pytestmark = pytest.mark.usefixtures("toy")
SIZES = {"odd": (slice(30, 161), slice(60, 197)), "even": (slice(200, 328), slice(60, 188))}
MODES = ("RGB", "L")
DETECTORS = ("toy-grain", "toy-zeros", "toy-everything")


def unusual(data):
    """Streams that decode to pixels, each with something about its coefficients."""
    tables = data.index(b"\xff\xdb") + 5
    frame, bare, scans = data.index(b"\xff\xc0"), data, io.BytesIO()
    while (at := bare.find(b"\xff\xc4")) >= 0:
        bare = bare[:at] + bare[at + 2 + int.from_bytes(bare[at + 2 : at + 4], "big") :]
    Image.open(io.BytesIO(data)).save(scans, "JPEG", quality=75, progressive=True)
    last = scans.getvalue().rindex(b"\xff\xda")
    gray = io.BytesIO()
    Image.new("RGB", (8, 32), (128, 128, 128)).save(gray, "JPEG", subsampling=0)
    tall = gray.getvalue()
    at = tall.index(b"\xff\xc0") + 11
    tall = tall[:at] + b"\x14" + tall[at + 1 :]  # chroma of one sample in four rows
    scan = tall.index(b"\xff\xda")
    tall = tall[: scan + 2 + int.from_bytes(tall[scan + 2 : scan + 4], "big")]
    ends = "001010" * 4 + "0000" * 2  # no difference, end of block: of four, then of both chroma
    return {
        "a step of 0": data[:tables] + b"\0" + data[tables + 1 :],
        "no Huffman tables": bare,
        "a scan too few": scans.getvalue()[:last] + b"\xff\xd9",
        "tall chroma": tall + int(ends, 2).to_bytes(4, "big") + b"\xff\xd9",
        "more bits claimed": data[: frame + 4] + b"\x0c" + data[frame + 5 :],
    }


@pytest.fixture
def files(tmp_path, astronaut):
    """Colour and gray, of whole blocks or not, with coefficients, with ones that pixels show, and
    with none."""
    folder = tmp_path / "files"
    folder.mkdir()
    for name, part in SIZES.items():
        for mode in MODES:
            image = Image.fromarray(astronaut[part]).convert(mode)
            image.save(folder / f"{name}-{mode}.png")
            image.save(folder / f"{name}-{mode}.jpg", quality=75)
            Image.open(folder / f"{name}-{mode}.jpg").save(folder / f"{name}-{mode}-again.png")
    for name, data in unusual((folder / "odd-RGB.jpg").read_bytes()).items():
        (folder / f"{name}.jpg").write_bytes(data)
    (tmp_path / "others").mkdir()
    Image.fromarray(astronaut[330:460, 60:190]).save(tmp_path / "others" / "other.png")
    return folder


def test_scores_and_reasons_are_the_same(files, command, tmp_path):
    named = [word for name in DETECTORS for word in ("--detectors", name)]
    code, out, _ = command("analyze", files, *named, "--json")
    content = json.loads(out)
    assert code == 3
    (lost,) = content["lost"]
    assert "more bits claimed.jpg" in lost
    analyzed = {row["file"].rpartition("/")[2]: row["scores"] for row in content["files"]}
    others = files.parent / "others"
    table = forensics.run(tmp_path / "out", positive=files, negative=others, detectors=DETECTORS)
    assert [lost.count("more bits claimed.jpg") for lost in table.skipped] == [1]
    frame = table.scores()
    frame = frame[(frame["altered"] == 1) & (frame["attack"] == "clean")]
    assert len(frame) == len(DETECTORS) * len(analyzed) == 3 * 16
    reasons = {}
    for row in frame.itertuples():
        name = row.photograph.rpartition("/")[2]
        said = analyzed[name][row.model]
        if said["score"] is None:
            assert (np.isnan(row.value), row.reason) == (True, said["na"])
            reasons[name, row.model] = row.reason
            continue
        assert row.value == said["score"]
        model = forensics.load(row.model)
        given = model.score(forensics.shown(forensics.open(files / name), model))
        assert float(given.values) == said["score"]
    never = "not a JPEG, and its pixels show no quantisation table"
    assert reasons == {
        **{(f"{size}-{mode}.png", "toy-zeros"): never for size in SIZES for mode in MODES},
        ("a step of 0.jpg", "toy-zeros"): "a JPEG with a quantisation step of 0, which is no step",
        ("a scan too few.jpg", "toy-zeros"): "a progressive JPEG whose last scans are missing",
        ("tall chroma.jpg", "toy-zeros"): "a JPEG with unusual chroma sampling "
        "(4x1 1x1 1x1, vertical x horizontal)",
    }


def test_an_attacked_file_is_what_analyze_sees_when_it_is_saved(files, command, tmp_path):
    """An attack that leaves a JPEG's lattice leaves coefficients to be recovered."""
    run = forensics.run(
        tmp_path / "out",
        positive=files,
        negative=files.parent / "others",
        detectors="toy-zeros",
        attack="toy-median:passes=0",
    )
    frame = run.scores()
    wide = frame[frame["altered"] == 1].pivot(index="photograph", columns="attack", values="value")
    assert set(wide.columns) == {"clean", "toy-median:passes=0"}
    again = wide[wide.index.str.endswith("L-again.png")]
    assert len(again.dropna()) == 2
    assert again["clean"].equals(again["toy-median:passes=0"])


@pytest.mark.parametrize("color", [False, True])
def test_patches_have_their_part_of_what_is_recovered(files, tmp_path, color):
    others = files.parent / "others"
    options = {"detectors": "toy-zeros", "patch": 64, "color": color, "negative": others}
    frame = forensics.run(tmp_path / "out", positive=files, **options).scores()
    frame = frame[frame["photograph"].str.endswith("odd-RGB-again.png")]
    assert len(frame) >= 2
    picture = forensics.open(files / "odd-RGB-again.png")
    whole = forensics.shown(picture, forensics.load("toy-zeros"))
    for row in frame.itertuples():
        part = forensics.load("toy-zeros").score(whole.cut(row.y, row.x, 64, 64))
        assert row.value == float(part.values)
