"""`forensics analyze`, `attack` and `simulate`: against Pillow and jpeglib, and bad files."""

import csv
import io
import json
import shutil

import jpeglib
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import median_filter

import forensics

pytestmark = pytest.mark.usefixtures("toy")

SUBSAMPLING = {"4:4:4": 0, "4:2:2": 1, "4:2:0": 2}


@pytest.fixture
def photograph(tmp_path, astronaut):
    path = tmp_path / "astronaut.png"
    Image.fromarray(astronaut[40:225, 100:311]).save(path)
    return path


def pillow_steps(image, tmp_path):
    """`jpeg(60) crop(3,5) jpeg(90)` by Pillow: the path of the last file."""
    image.save(tmp_path / "first.jpg", quality=60)
    cropped = Image.fromarray(np.array(Image.open(tmp_path / "first.jpg"))[3:, 5:])
    cropped.save(tmp_path / "last.jpg", quality=90)
    return tmp_path / "last.jpg"


@pytest.mark.parametrize("gray", [False, True])
def test_simulate_equals_the_same_steps_by_pillow(command, photograph, tmp_path, gray):
    image = Image.open(photograph)
    expected = pillow_steps(image.convert("L") if gray else image, tmp_path)
    line = ["simulate", "jpeg(60) crop(3,5) jpeg(90)", photograph, "-o", tmp_path / "out"]
    code, out, _ = command(*line, *(["--gray"] if gray else []))
    written = tmp_path / "out" / "astronaut.png.jpg"
    assert (code, out) == (0, f"{written}\n")
    assert np.array_equal(np.array(Image.open(written)), np.array(Image.open(expected)))
    ours, theirs = (jpeglib.read_dct(str(path)) for path in (written, expected))
    assert np.array_equal(ours.Y, theirs.Y)
    assert np.array_equal(ours.qt, theirs.qt)
    if not gray:
        assert np.array_equal(ours.Cb, theirs.Cb)
        assert np.array_equal(ours.Cr, theirs.Cr)
        assert np.array_equal(ours.samp_factor, theirs.samp_factor)


@pytest.mark.parametrize(
    ("history", "words"),
    [
        ("jpeg(60", "its parenthesis is never closed"),
        ("jpeg(101)", "from 1 to 100, not 101"),
        ("median(4)", "odd size from 1 to 31, not 4"),
        ("resize(0)", "from 0.1 to 8, not 0"),
        ("jpeg", "write jpeg(quality, sampling)"),
        ("maybe(0.5,gaussian(0))", "from 0.1 to 20, not 0"),
    ],
)
def test_a_history_that_makes_no_sense_loses_no_file(command, photograph, tmp_path, history, words):
    code, out, err = command("simulate", history, photograph, "-o", tmp_path / "out")
    assert (code, out) == (1, "")
    assert words in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("sampling", SUBSAMPLING)
def test_simulate_with_another_sampling(command, photograph, tmp_path, sampling):
    expected = tmp_path / "expected.jpg"
    Image.open(photograph).save(expected, quality=70, subsampling=SUBSAMPLING[sampling])
    history = f"jpeg(70,sampling={sampling})"
    assert command("simulate", history, photograph, "-o", tmp_path / "out")[0] == 0
    written = tmp_path / "out" / "astronaut.png.jpg"
    ours, theirs = (jpeglib.read_dct(str(path)) for path in (written, expected))
    for plane in ("Y", "Cb", "Cr", "qt"):
        assert np.array_equal(getattr(ours, plane), getattr(theirs, plane))


def test_a_history_that_ends_in_pixels_is_a_png(command, photograph, tmp_path):
    line = ["simulate", "jpeg(60) crop(3,5)", photograph, "-o", tmp_path / "out"]
    assert command(*line)[0] == 0
    Image.open(photograph).save(tmp_path / "first.jpg", quality=60)
    expected = np.array(Image.open(tmp_path / "first.jpg"))[3:, 5:]
    (written,) = (tmp_path / "out").iterdir()
    assert written.name == "astronaut.png.png"
    assert np.array_equal(np.array(Image.open(written)), expected)


def test_attack_equals_the_filter(command, photograph, tmp_path):
    Image.open(photograph).convert("L").save(tmp_path / "gray.jpg", quality=70)
    code, out, err = command("attack", "toy-median", tmp_path / "gray.jpg", "-o", tmp_path / "out")
    written = tmp_path / "out" / "gray.jpg.toy-median.png"
    assert (code, out) == (0, f"{written}\n")
    given = np.array(Image.open(tmp_path / "gray.jpg"))
    attacked = median_filter(given, 3, mode="nearest")
    assert np.array_equal(np.array(Image.open(written)), attacked)
    mse = np.mean((given.astype(float) - attacked) ** 2)
    assert f"{10 * np.log10(255**2 / mse):.2f} dB" in err


def test_an_attacker_that_wants_a_jpeg_of_a_png(command, photograph, tmp_path):
    line = ["attack", "toy-jpeg-only", photograph, "-o", tmp_path / "out"]
    code, out, err = command(*line)
    assert (code, out) == (3, "")
    assert "not a JPEG at this place" in err
    assert list((tmp_path / "out").iterdir()) == []


def test_files_are_not_written_over(command, photograph, tmp_path):
    line = ["simulate", "jpeg(60)", photograph, "-o", tmp_path / "out"]
    assert command(*line)[0] == 0
    written = tmp_path / "out" / "astronaut.png.jpg"
    before = written.read_bytes()
    line[1] = "jpeg(90)"
    code, out, err = command(*line)
    assert (code, out) == (3, "")
    assert "--force" in err
    assert written.read_bytes() == before
    assert command(*line, "--force")[0] == 0
    assert written.read_bytes() != before
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["astronaut.png.jpg"]


def test_a_stop_says_what_is_written_and_what_to_do(command, photographs, tmp_path, monkeypatch):
    from forensics.cli import files

    opened = files.opened

    def stop(path, *more):
        if path.name == "2.png":
            raise KeyboardInterrupt
        return opened(path, *more)

    line = ["simulate", "jpeg(60)", photographs, "-o", tmp_path / "out"]
    with monkeypatch.context() as patched:
        patched.setattr(files, "opened", stop)
        code, out, err = command(*line)
    assert code == 1
    assert out.splitlines() == [str(tmp_path / "out" / f"{n}.png.jpg") for n in (0, 1)]
    count = len(list(photographs.iterdir()))
    assert err == (
        f"error: stopped; 2 of {count} files are written: name the others, or --force to write "
        "all again\n"
    )
    code, out, _ = command(*line, "--force")
    assert (code, len(out.splitlines())) == (0, count)


def test_all_that_was_not_looked_at_is_named_on_request(command, photographs, tmp_path):
    for name in "abcde":
        (photographs / f"{name}.doc").write_text("no picture")
    named = [f"{name}.doc (no suffix of an image)" for name in "abcde"]
    begin = "5 files and links were not looked at: "
    whole = begin + ", ".join(named) + "."
    some = begin + ", ".join(named[:3]) + " and 2 more."
    line = ["simulate", "jpeg(60)", photographs, "-o", tmp_path / "out", "--force"]
    assert command(*line)[2] == some + "\n"
    assert command(*line, "--verbose")[2] == whole + "\n"
    line = ["run", "--data", photographs, "--detectors", "toy-grain", "--trace", "jpeg"]
    line += ["--set", "q=60", "--patch", 64, "--limit", 2, "--out", tmp_path / "store"]
    assert some in " ".join(command(*line)[1].split())
    assert command(*line, "--verbose")[2] == f"{photographs}: {whole}\n"


def simulated(command, tmp_path, *named):
    """Where `jpeg(60)` puts files, below the folder."""
    line = ["simulate", "jpeg(60)", *named, "-o", tmp_path / "out"]
    code, out, err = command(*line)
    assert (code, err) == (0, "")
    paths = out.splitlines()
    assert len(paths) == len({*paths}) == sum(p.is_file() for p in (tmp_path / "out").rglob("*"))
    return [path.removeprefix(f"{tmp_path / 'out'}/") for path in paths]


def test_files_of_one_name_do_not_meet(command, photograph, tmp_path):
    for folder in ("in/a", "in/b", "far/a"):
        (tmp_path / folder).mkdir(parents=True)
        Image.open(photograph).save(tmp_path / folder / "x.png")
    Image.open(photograph).save(tmp_path / "in" / "a" / "x.jpg")
    assert simulated(command, tmp_path, tmp_path / "in") == [
        "a/x.jpg.jpg",
        "a/x.png.jpg",
        "b/x.png.jpg",
    ]
    shutil.rmtree(tmp_path / "out")
    outright = [tmp_path / folder / "x.png" for folder in ("in/a", "in/b")]
    assert simulated(command, tmp_path, *outright) == ["a/x.png.jpg", "b/x.png.jpg"]
    shutil.rmtree(tmp_path / "out")
    of_one_folder = [tmp_path / folder / "x.png" for folder in ("in/a", "far/a")]
    assert len(simulated(command, tmp_path, *of_one_folder)) == 2


def test_the_longest_names(command, photograph, tmp_path):
    for letter in ("p", "q", "\u00e9"):
        name = (letter + "n" * 250)[: 251 - (letter == "\u00e9")] + ".png"
        assert len(name.encode()) == 255
        (tmp_path / "in").mkdir(exist_ok=True)
        Image.open(photograph).crop((0, 0, 64, 64)).save(tmp_path / "in" / name)
    assert len(simulated(command, tmp_path, tmp_path / "in")) == 3


def test_a_folder_that_cannot_be_is_said_before_the_work(command, photograph, tmp_path):
    (tmp_path / "file").write_text("")
    for line in (["simulate", "jpeg(60)"], ["attack", "toy-median"], ["analyze"]):
        code, out, err = command(*line, photograph, "-o", tmp_path / "file" / "out")
        assert (code, out) == (1, "")
        assert err.startswith("error: cannot write into")
        assert err.count("\n") == 1


def test_a_broken_file_is_lost_and_the_others_are_not(command, photographs, tmp_path):
    (photographs / "1.png").write_bytes(b"not a picture")
    code, out, err = command("simulate", "jpeg(60)", photographs, "-o", tmp_path / "out")
    assert code == 3
    assert len(out.splitlines()) == len(list((tmp_path / "out").iterdir())) == 3
    assert "1.png" in err
    assert "losses: 1" in err
    code, out, err = command("analyze", photographs, "--detectors", "toy-grain", "--json")
    assert code == 3
    content = json.loads(out)
    assert len(content["files"]) == 3
    assert len(content["lost"]) == 1


def test_analyze(command, photograph, tmp_path):
    jpeg = tmp_path / "b.jpg"
    Image.open(photograph).convert("L").save(jpeg, quality=70)
    names = ["--detectors", "toy-grain", "--detectors", "toy-zeros", "--detectors", "toy-raises"]
    code, out, err = command("analyze", photograph, jpeg, *names, "--json")
    assert code == 3
    assert err.count("out of luck") >= 2
    content = json.loads(out)
    assert content["direction"] == "higher = altered"
    assert content["calibrated"] == {}
    png, jpg = (row["scores"] for row in content["files"])
    assert png["toy-zeros"] == {
        "score": None,
        "na": "not a JPEG, and its pixels show no quantisation table",
    }
    zeros = (jpeglib.read_dct(str(jpeg)).Y == 0).mean()
    assert jpg["toy-zeros"]["score"] == pytest.approx(zeros, rel=1e-6)
    pixels = np.array(Image.open(photograph).convert("L")).astype(float)
    grain = -np.abs(np.diff(pixels, axis=1)).mean()
    assert png["toy-grain"]["score"] == pytest.approx(grain, rel=1e-6)
    # The same in Python.
    model = forensics.load("toy-grain")
    score = model.score(forensics.shown(forensics.open(photograph), model)).values.item()
    assert png["toy-grain"]["score"] == score
    code, out, _ = command("analyze", photograph, jpeg, *names[:4])
    assert code == 0
    assert out.lower().count("uncalibrated") == 1
    code, out, _ = command("analyze", photograph, jpeg, *names[:4], "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [r["file"] for r in rows] == [str(photograph), str(jpeg)]
    assert rows[0]["toy-zeros"] == ""
    assert float(rows[1]["toy-zeros"]) == jpg["toy-zeros"]["score"]


def test_a_model_without_weights_is_not_applicable(command, photograph):
    line = ["analyze", photograph, "--detectors", "toy-trained", "--detectors", "toy-grain"]
    code, out, _ = command(*line, "--json")
    assert code == 0
    (row,) = json.loads(out)["files"]
    assert row["scores"]["toy-trained"]["score"] is None
    assert "forensics train toy-trained" in row["scores"]["toy-trained"]["na"]
    assert row["scores"]["toy-grain"]["score"] is not None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["simulate", "jpeg(60"], "is not a history"),
        (["simulate", "maybe(0.5,median(3)"], "never closed, at character 6"),
        (["simulate", "jpeg(60) splice(median(3))"], "takes a region from another photograph"),
        (["simulate", "jpge(60)"], "did you mean 'jpeg'"),
        (["simulate", ""], "history is empty"),
        (["simulate", "jpeg({q})"], "open place"),
        (["simulate", "jpeg(60) ATTACK"], "open place"),
        (["simulate", "jpeg(60)", "--device", "abacus"], "abacus"),
        (["attack", "toy-medain"], "did you mean 'toy-median'"),
        (["attack", "toy-median:size=3"], "option of toy-median"),
        (["attack", "toy-median", "--device", "cuda:99"], "cuda:99"),
        (["analyze", "--detectors", "toy-grian"], "did you mean 'toy-grain'"),
        (["analyze", "--detectors", "none"], "no model to ask"),
        (["analyze", "--device", "abacus"], "abacus"),
    ],
)
def test_a_request_that_makes_no_sense(command, photograph, tmp_path, line, words):
    more = [] if line[0] == "analyze" else ["-o", tmp_path / "out"]
    code, out, err = command(*line, photograph, *more)
    assert (code, out) == (1, "")
    assert words in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_missing_files_and_empty_folders(command, tmp_path):
    (tmp_path / "empty").mkdir()
    for path, words in (
        ("empty", "no image files"),
        ("nowhere.png", "neither a file nor a folder"),
    ):
        code, _, err = command("analyze", tmp_path / path, "--detectors", "toy-grain")
        assert code == 1
        assert words in err


def test_a_step_that_cannot_take_the_picture_loses_the_file(command, photograph, tmp_path):
    line = ["simulate", "crop(500,0)", photograph, "-o", tmp_path / "out"]
    code, _, err = command(*line)
    assert code == 3
    assert "leaves nothing of 211 x 185" in err
    assert "Traceback" not in err


def test_a_large_picture_is_refused_unread(command, photograph, tmp_path):
    line = ["analyze", photograph, "--detectors", "toy-grain", "--max-megapixels", 0.01]
    code, _, err = command(*line)
    assert code == 3
    assert "over the limit" in err


def test_traces_lists_histories_and_points(command):
    code, out, _ = command("traces")
    assert code == 0
    assert "\n djpeg-shifted " in out
    assert "was this JPEG a JPEG before, on another grid?" in out
    assert "jpeg({q1})" not in out  # of those that are named
    assert "jpeg({q1}) ATTACK crop({r},{c}) jpeg({q2})" in command("traces", "q1")[1]
    content = json.loads(command("traces", "--json")[1])
    shifted = next(t for t in content["traces"] if t["name"] == "djpeg-shifted")
    assert shifted["drawn"] == ["r", "c"]
    assert {"q1": 60, "q2": 75} in shifted["points"]


def test_traces_lists_points_as_set_takes_them(command):
    code, out, _ = command("traces", "median-jpeg", "djpeg", "q1")
    assert code == 0
    assert "  points    k=3,5,7 q2=90 (3 points)\n" in out
    assert "  drawn     for each patch, q0 in 95, 96, 97\n" in out
    # Not every combination, so one by one.
    assert "  points    q1=60 q2=95, q1=80 q2=95, q1=60 q2=75\n" in out
    assert (
        "  targets   step1, step2, ..., step15 (first luma step, zig-zag); r, c (pixels)\n" in out
    )
    assert max(map(len, out.splitlines())) <= 100
    code, _, err = command("traces", "djpge")
    assert code == 1
    assert "did you mean 'djpeg'" in err


def test_traces_lists_sides_targets_and_donors(command):
    out = command("traces", "operation*", "splice-two", "shear-jpeg", "resize-*")[1]
    assert "  shear     jpeg({q0}) shear({h}) ATTACK jpeg({q2})" in out
    assert "operation (none, median, gaussian, awgn, resize, rotate, shear)\n" in out
    assert "\njpeg:" not in out
    assert "and 3901 more\n" in out
    assert "2 of the other photographs" in out
    assert "f (new / old, within 0.05, none is 1)" in out
    content = {t["name"]: t for t in json.loads(command("traces", "--json")[1])["traces"]}
    operation = content["operation"]
    assert list(operation["histories"])[:3] == ["pristine", "median", "gaussian"]
    assert [target["name"] for target in operation["targets"]] == ["operation"]
    assert operation["targets"][0]["classes"] == ["none", *list(operation["histories"])[1:]]
    assert [content[n]["donors"] for n in ("splice-two", "splice-q1", "djpeg")] == [2, 1, 0]


def test_simulate_takes_steps_by_chance_and_regions(command, photograph, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    picture = Image.open(photograph).convert("L")
    for number in range(6):
        picture.crop((number, 0, 64 + number, 64)).save(folder / f"{number}.png")
    line = ["simulate", "jpeg(60) maybe(0.5,median(3)) jpeg(90)", folder, "-o", tmp_path / "out"]
    assert command(*line)[0] == 0
    for number in range(6):
        path = folder / f"{number}.png"
        ways = []
        for which, history in enumerate(("jpeg(60) jpeg(90)", "jpeg(60) median(3) jpeg(90)")):
            command("simulate", history, path, "-o", tmp_path / f"way{which}")
            ways.append((tmp_path / f"way{which}" / f"{number}.png.jpg").read_bytes())
        assert (tmp_path / "out" / f"{number}.png.jpg").read_bytes() in ways
    out = tmp_path / "copied"
    assert command("simulate", "splice(donor=copy)", folder / "0.png", "-o", out)[0] == 0
    changed = np.array(Image.open(out / "0.png.png")) != np.array(Image.open(folder / "0.png"))
    assert 0.02 < changed.mean() < 0.42
