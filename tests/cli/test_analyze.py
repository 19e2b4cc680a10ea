"""`forensics analyze` with estimators and localizers: values, probabilities, maps."""

import csv
import io
import json

import numpy as np
import pytest
from PIL import Image

import forensics

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture
def files(tmp_path, astronaut):
    """A decoded JPEG of quality 80, as PNG and as the JPEG itself; 203 x 185, no multiple of 8."""
    gray = Image.fromarray(astronaut[40:225, 100:303]).convert("L")
    gray.save(tmp_path / "photo.jpg", quality=80)
    Image.open(tmp_path / "photo.jpg").save(tmp_path / "plain.png")
    return tmp_path / "plain.png", tmp_path / "photo.jpg"


MODELS = ("--estimators", "toy-quality", "--estimators", "toy-table")
MODELS += ("--localizers", "toy-everything")


def test_what_they_say(command, files, tmp_path):
    code, out, err = command("analyze", *files, *MODELS, "--json", "-o", tmp_path / "maps")
    assert (code, err) == (0, "")
    plain, jpeg = json.loads(out)["files"]
    assert plain["scores"] == {}
    found = plain["estimates"]["toy-quality"]
    assert found["values"] == {"q": 80}
    assert found["beliefs"]["q"]["values"][np.argmax(found["beliefs"]["q"]["shares"])] == 80
    assert sum(found["beliefs"]["q"]["shares"]) == pytest.approx(1)
    # Of the PNG they are estimated from the pixels, and a note says so.
    assert plain["estimates"]["toy-table"] == jpeg["estimates"]["toy-table"]
    assert ["its luma table is estimated" in str(row["notes"]) for row in (plain, jpeg)] == [
        True,
        False,
    ]
    # The first steps of libjpeg's table at quality 80.
    with Image.open(files[1]) as image:
        steps = image.quantization[0][:2]
    assert [jpeg["estimates"]["toy-table"]["values"][n] for n in ("step1", "step2")] == list(steps)
    # The map of the whole image, once as numbers and once to look at.
    model = forensics.load("toy-everything")
    batch = forensics.open(files[0]).batch()
    heat = model.heat(batch.with_pixels(batch.pixels[:, :, :184, :200]))[0].numpy()
    stored = np.load(tmp_path / "maps" / "plain.png.toy-everything.npy")
    assert np.array_equal(stored, heat)
    assert plain["maps"]["toy-everything"]["score"] == heat.max()
    drawn = np.array(Image.open(plain["maps"]["toy-everything"]["map"]))
    scaled = np.round((heat - heat.min()) / (heat.max() - heat.min()) * 255)
    # The cell (i, j) is centred on (4 + 8 i, 4 + 8 j).
    drawn = drawn[:184, :200]  # its scale is beside it
    assert np.abs(drawn[4::8, 4::8] - scaled).max() <= 1
    assert (drawn.min(), drawn.max()) == (0, 255)


def test_tables_of_what_they_say(command, files, tmp_path):
    code, out, _ = command("analyze", *files, *MODELS)
    assert code == 0
    plain, jpeg = out.split("photo.jpg:")
    assert "JPEG, 203 x 185, gray, saved as by libjpeg at quality 80\n" in out
    assert plain.count("toy-quality") == jpeg.count("toy-quality") == 1
    assert "q 80 JPEG quality (" in plain
    assert ["its luma table is estimated" in " ".join(t.split()) for t in (plain, jpeg)] == [
        True,
        False,
    ]
    assert out.count("toy-everything") == 2
    assert not list(tmp_path.glob("**/*.npy"))
    code, out, _ = command("analyze", *files, *MODELS, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["toy-quality:q"] for row in rows] == ["80.0", "80.0"]
    assert [row["toy-table:step1"] for row in rows] == ["6.0", "6.0"]
    assert all(float(row["toy-everything:map"]) > 0 for row in rows)


def test_without_options_every_kind_is_asked(command, files):
    content = json.loads(command("analyze", files[0], "--json")[1])
    (row,) = content["files"]
    assert "toy-everything" in row["scores"]
    assert "toy-everything" in row["estimates"]
    assert "toy-everything" in row["maps"]
    one = json.loads(command("analyze", files[0], "--detectors", "toy-grain", "--json")[1])
    (row,) = one["files"]
    assert (list(row["scores"]), row["estimates"], row["maps"]) == (["toy-grain"], {}, {})


def test_maps_are_not_written_over(command, files, tmp_path):
    """Those of the same command are what it would write; anything else is somebody's."""
    line = ["analyze", files[0], "--localizers", "toy-everything", "-o", tmp_path / "maps"]
    (tmp_path / "maps").mkdir()
    image = tmp_path / "maps" / "plain.png.toy-everything.png"
    image.write_bytes(b"somebody's")
    code, _, err = command(*line)
    assert code == 3
    assert "--force" in err
    assert image.read_bytes() == b"somebody's"
    assert command(*line, "--force")[0] == 0
    drawn = image.read_bytes()
    assert command(*line)[0] == 0
    assert image.read_bytes() == drawn


def test_a_stopped_command_goes_on(command, files, tmp_path, monkeypatch):
    """What was answered before Ctrl-C is not asked again; of another file's content it is."""
    from forensics_toy.models import Grain

    asked = []
    score = Grain.score

    def counted(self, batch):
        asked.append(batch.size)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return score(self, batch)

    monkeypatch.setattr(Grain, "score", counted)
    line = ["analyze", *files, "--detectors", "toy-grain"]
    code, out, err = command(*line)
    assert code == 1
    assert "the same command goes on" in err
    assert "plain.png:" in out
    code, out, _ = command(*line)
    assert (code, len(asked)) == (0, 3)
    assert "plain.png:" in out
    assert "photo.jpg:" in out
    assert command(*line)[0] == 0
    assert len(asked) == 3
    Image.open(files[0]).rotate(180).save(files[0])
    assert command(*line)[0] == 0
    assert len(asked) == 4


def test_maps_that_are_gone_are_made_again(command, files, tmp_path):
    line = ["analyze", files[0], "--localizers", "toy-everything", "-o", tmp_path / "maps"]
    assert command(*line)[0] == 0
    image = tmp_path / "maps" / "plain.png.toy-everything.png"
    drawn = image.read_bytes()
    image.unlink()
    assert command(*line)[0] == 0
    assert image.read_bytes() == drawn


def test_a_localizer_without_an_answer(command, files):
    line = ["analyze", files[0], "--localizers", "toy-everything:blind=true"]
    code, out, _ = command(*line)
    assert code == 0
    assert "n/a  toy-everything:blind=true: blind" in out


def test_many_files_get_their_answers_alone(command, files, tmp_path, astronaut):
    """Scores and reasons are behind --verbose; JSON has them all."""
    for number in range(4):
        Image.fromarray(astronaut[number:][:200, :200]).save(tmp_path / f"{number}.png")
    line = ["analyze", tmp_path, "--estimators", "toy-table"]
    code, out, _ = command(*line)
    assert code == 0
    assert "n/a" not in out
    assert out.count(", RGB") == 4
    assert "no estimator has an answer" in out
    assert "n/a  toy-table: not a JPEG" in command(*line, "--verbose")[1]
    assert len(json.loads(command(*line, "--json")[1])["files"]) == 6


def test_scores_of_several_files_beside_one_another(command, files):
    line = ["analyze", *files, "--detectors", "toy-grain", "--detectors", "toy-zeros"]
    out = command(*line)[1]
    rows = json.loads(command(*line, "--json")[1])["files"]
    table = out[out.index(" file ") :].splitlines()
    assert table[0].split() == ["file", "toy-grain", "toy-zeros"]
    for row in rows:
        score = row["scores"]["toy-grain"]["score"]
        assert any(f"{score:.3g}" in text for text in table[2:])


def test_names_of_files_are_not_broken(command, astronaut, tmp_path):
    path = tmp_path / ("long-" * 30 + "name with spaces.png")
    Image.fromarray(astronaut[:64, :64]).save(path)
    out = command("analyze", path, "--detectors", "toy-grain")[1]
    assert f"{path}:\n  PNG, 64 x 64, RGB\n" in out


def test_what_takes_long_on_a_file_is_asked_by_name_only(command, astronaut, tmp_path):
    """toy-slow takes 0.51 s for 128 x 128 pixels: 2 s for 256 x 256, 31 s for 1024 x 960."""
    picture = Image.fromarray(astronaut[:256, :256]).convert("L")
    picture.save(tmp_path / "small.png")
    picture.resize((1024, 960)).save(tmp_path / "large.png")
    line = ("analyze", tmp_path / "small.png", tmp_path / "large.png", "--detectors", "toy-[gs]*")
    small, large = json.loads(command(*line, "--json")[1])["files"]
    assert list(small["scores"]) == ["toy-grain", "toy-slow"]
    assert list(large["scores"]) == ["toy-grain"]
    assert (small["skipped"], large["skipped"]) == (
        {},
        {"toy-slow": "about 31 s"},
    )
    code, out, _ = command(*line)
    assert code == 0
    assert "Not asked of 1 file for the time it takes, unless named: toy-slow (about 31 s)." in out
    content = json.loads(command(*line, "--detectors", "toy-slow", "--json")[1])
    assert [list(row["scores"]) for row in content["files"]] == [["toy-grain", "toy-slow"]] * 2


def test_rivals_are_asked_by_name_only(command, files):
    line = ("analyze", files[0], "--detectors", "toy-grain", "--detectors", "toy-riv*")
    content = json.loads(command(*line, "--json")[1])
    assert list(content["files"][0]["scores"]) == ["toy-grain"]
    assert content["baselines"] == ["toy-rival"]
    assert "asked by name only: toy-rival" in " ".join(command(*line)[1].split())
    content = json.loads(command(*line, "--detectors", "toy-rival", "--json")[1])
    assert list(content["files"][0]["scores"]) == ["toy-grain", "toy-rival"]
    assert content["baselines"] == []


def test_a_rival_is_none_as_a_detector_either(command, files):
    """An estimator with beliefs is a detector of the same name."""
    pytest.importorskip("forensics_mpernet")
    line = ["analyze", files[1], "--detectors", "toy-grain"]
    line += ["--detectors", "mpernet-*", "--estimators", "mpernet-*"]
    content = json.loads(command(*line, "--json")[1])
    (row,) = content["files"]
    assert (list(row["scores"]), row["estimates"], row["skipped"]) == (["toy-grain"], {}, {})
    assert "mpernet-median" in content["baselines"]


def test_why_there_are_no_coefficients(command, files, astronaut, tmp_path):
    """What never was a JPEG, or lies on another grid; JPEGs whose coefficients are no luma."""
    rgb = Image.fromarray(astronaut[40:225, 100:303])
    rgb.save(tmp_path / "never.png")
    with Image.open(files[0]) as picture:
        picture.crop((3, 5, *picture.size)).save(tmp_path / "cropped.png")
    rgb.save(tmp_path / "rgb.jpg", quality=80, keep_rgb=True)
    rgb.convert("CMYK").save(tmp_path / "cmyk.jpg", quality=80)
    names = ("never.png", "cropped.png", "rgb.jpg", "cmyk.jpg")
    paths = [tmp_path / name for name in names]
    _, out, _ = command("analyze", *paths, "--estimators", "toy-table", "--json")
    said = [row["estimates"]["toy-table"] for row in json.loads(out)["files"]]
    assert said == [
        {"na": "not a JPEG, and its pixels show no quantisation table"},
        {"na": "not a JPEG, and its pixels show no quantisation table"},
        {"na": "a JPEG stored as RGB, not as luma and chroma"},
        {"na": "a JPEG stored as CMYK, not as luma and chroma"},
    ]
