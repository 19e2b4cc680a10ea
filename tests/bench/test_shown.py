"""A file is shown to a model in one way: by `run --positive`, by `analyze`, and in Python."""

import json

import numpy as np
import pytest
from PIL import Image

import forensics

pytestmark = pytest.mark.usefixtures("toy")
DETECTORS = ("toy-grain", "toy-zeros", "toy-everything")


@pytest.fixture
def files(tmp_path, astronaut):
    """Colour and gray, of whole blocks or not, with coefficients, with ones that pixels show, and
    with none."""
    folder = tmp_path / "files"
    folder.mkdir()
    for name, picture in (("odd", astronaut[30:161, 60:197]), ("even", astronaut[200:328, 60:188])):
        for mode in ("RGB", "L"):
            image = Image.fromarray(picture).convert(mode)
            image.save(folder / f"{name}-{mode}.png")
            image.save(folder / f"{name}-{mode}.jpg", quality=75)
            Image.open(folder / f"{name}-{mode}.jpg").save(folder / f"{name}-{mode}-again.png")
    wrong = folder / "odd-RGB-step-of-0.jpg"
    Image.fromarray(astronaut[30:161, 60:197]).save(wrong, quality=75)
    data = bytearray(wrong.read_bytes())
    data[data.index(b"\xff\xdb") + 5] = 0  # a step of 0 is no step: pixels and no coefficients
    wrong.write_bytes(bytes(data))
    (tmp_path / "others").mkdir()
    Image.fromarray(astronaut[330:460, 60:190]).save(tmp_path / "others" / "other.png")
    return folder


def test_scores_and_reasons_are_the_same(files, command, tmp_path):
    named = [word for name in DETECTORS for word in ("--detectors", name)]
    code, out, _ = command("analyze", files, *named, "--json")
    assert code == 0
    analyzed = {row["file"].rpartition("/")[2]: row["scores"] for row in json.loads(out)["files"]}
    table = forensics.run(
        tmp_path / "out", positive=files, negative=files.parent / "others", detectors=DETECTORS
    )
    frame = table.scores()
    frame = frame[(frame["altered"] == 1) & (frame["attack"] == "clean")]
    assert len(frame) == len(DETECTORS) * len(analyzed) == 3 * 13
    known = 0
    for row in frame.itertuples():
        said = analyzed[row.photograph.rpartition("/")[2]][row.model]
        if said["score"] is None:
            assert (np.isnan(row.value), row.reason) == (True, said["na"])
            continue
        known += 1
        assert row.value == said["score"]
        model = forensics.load(row.model)
        picture = forensics.open(files / row.photograph.rpartition("/")[2])
        given = model.score(forensics.shown(picture, model))
        assert float(given.values) == said["score"]
    # Of the four that never were JPEGs and the one with a step of 0 there are no coefficients.
    assert known == len(frame) - 5
    reasons = set(frame["reason"].dropna())
    assert len(reasons) == 2
    assert "not a JPEG, and its pixels show no quantisation table" in reasons


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
