"""From photographs to a calibration, and from a calibration to the cells of a run."""

import csv
import functools
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image
from skimage import data as pictures

import forensics
from forensics import bench
from forensics.bench import default_out, sources
from forensics.calibration import cards, making
from forensics.calibration.applying import StoredCards
from forensics.errors import ForensicsError
from forensics.metrics.calibration import NAMES
from forensics.models import weights
from forensics.models.registry import registry

pytestmark = pytest.mark.usefixtures("toy")

SETTINGS = {"set": {"q": [40]}, "patch": 64, "limit": 10}


def save(folder, tops):
    folder.mkdir(parents=True, exist_ok=True)
    for number, top in enumerate(tops):
        whole = (pictures.astronaut(), pictures.coffee())[number % 2]
        part = np.ascontiguousarray(whole[top : top + 208, 60 : 60 + 208])
        Image.fromarray(part).save(folder / f"{number}.png")


@pytest.fixture
def split(tmp_path):
    """A folder with the splits calib and test: four photographs each, none in both."""
    save(tmp_path / "data" / "calib", (0, 10, 120, 130))
    save(tmp_path / "data" / "test", (40, 50, 160, 170))
    return tmp_path / "data"


def run(folder, model="toy-grain", **more):
    options = {"trace": "jpeg"} | SETTINGS | more
    matrix = forensics.run(detectors=model, data=folder, **options)
    return matrix.cells[0].to_dict()["metrics"], matrix.protocol["models"][model]["calibrated"]


def calibrate(folder, model="toy-grain", **more):
    return forensics.calibrate(model, folder, **({"trace": "jpeg"} | SETTINGS | more))


@pytest.mark.parametrize("method", ["logistic", "isotonic"])
def test_a_calibration_is_applied_to_the_cells_of_another_split(split, home, method):
    zeros = {"model": "toy-zeros", "trace": "djpeg", "set": {"q1": [40], "q2": [95]}}
    metrics, which = run(split, **zeros)
    assert {metrics[name]["na"] for name in NAMES} == {"uncalibrated"}
    assert which == {}
    made = calibrate(split, **zeros, method=method)
    assert made.path == home / "calibrations" / "toy-zeros.json"
    assert made.card["data"]["photographs"] == 4
    assert made.card["data"]["split"] == "calib"
    assert made.card["n"] == {"pristine": 10, "altered": 10, "na": 0}
    assert {name: set(v) for name, v in made.card["figures"].items()} == {
        name: {"value", "low", "high"} for name in NAMES
    }
    rows = sum(1 for _ in (default_out() / "rows").iterdir())
    metrics, which = run(split, **zeros)
    # No score is computed again: a calibration is applied to those that are stored.
    assert sum(1 for _ in (default_out() / "rows").iterdir()) == rows
    assert which["djpeg"]["method"] == method
    assert which["djpeg"]["beyond"] == []
    assert metrics["cllr"]["value"] == pytest.approx(
        metrics["cllr_min"]["value"] + metrics["cllr_cal"]["value"]
    )
    # What a first compression at quality 40 took stays away: many more zeros.
    assert metrics["accuracy"]["value"] > 0.8
    assert 0 <= metrics["cllr_min"]["value"] <= metrics["cllr"]["value"] < 0.9
    assert metrics["accuracy"]["low"] <= metrics["accuracy"]["value"]
    _, which = run(split, **zeros, patch=48)
    assert which["djpeg"]["beyond"] == ["48 x 48 pixels, not patches of 64 x 64"]


def test_the_bench_alone_knows_of_no_calibration(split):
    """Who runs it hands it the cards; all other figures are the same with them."""
    calibrate(split)
    options = {"detectors": "toy-grain", "trace": "jpeg", "data": str(split)} | SETTINGS
    plan = bench.make(bench.Settings.of(options))
    (bare,) = bench.execute(plan, default_out()).cells
    (cell,) = bench.execute(plan, default_out(), calibrations=StoredCards()).cells
    assert {*cell.metrics} - {*bare.metrics} == {*NAMES}
    assert {name: cell.metrics[name] for name in bare.metrics} == bare.metrics
    assert cell.metrics["cllr"].value is not None


def test_the_ratio_of_a_score_is_what_the_card_says(split, command):
    made = calibrate(split)
    photograph = next((split / "test").iterdir())
    line = ("analyze", photograph, "--detectors", "toy-grain", "--detectors", "toy-logs")
    code, out, _ = command(*line, "--json")
    content = json.loads(out)
    (row,) = content["files"]
    found = row["scores"]["toy-grain"]
    scale = made.card["scale"]
    expected = np.interp(found["score"], scale["scores"], scale["log10_lr"])
    answer = found["calibrated"]["jpeg"]
    assert (code, answer["log10_lr"]) == (0, pytest.approx(expected))
    above = found["score"] >= scale["threshold"]
    assert answer["verdict"] == ("altered" if above == scale["higher"] else "pristine")
    assert answer["beyond"] == ["208 x 208 pixels, not patches of 64 x 64", "RGB, not gray"]
    assert "calibrated" not in row["scores"]["toy-logs"]
    assert set(content["calibrated"]) == {"toy-grain"}
    code, out, _ = command(*line)
    assert code == 0
    assert f"{answer['log10_lr']:+.2f}" in out
    said = {"altered": "yes", "pristine": "no"}[answer["verdict"]]
    question = "was it JPEG-compressed before it was saved without loss?"
    ratio = f"log10 LR {answer['log10_lr']:+.2f}, outside what it was calibrated for: "
    assert f"{question} {said} ({ratio}208 x 208 pixels" in " ".join(out.split())
    assert "not patches of 64 x 64; RGB, not gray" in out
    assert "Uncalibrated, toy-logs:" in out


def test_another_model_is_not_calibrated_by_it(split, monkeypatch):
    calibrate(split)
    metrics, _ = run(split, model="toy-grain:scale=2.0")
    assert metrics["cllr"]["na"].startswith("uncalibrated: ")
    calibrate(split, model="toy-grain:scale=2.0")
    assert run(split, model="toy-grain:scale=2.0")[0]["cllr"]["value"] is not None
    assert run(split)[0]["cllr"]["value"] is not None
    # The source has changed.
    monkeypatch.setattr(sources, "of_module", functools.cache(lambda name: "edited"))
    assert run(split)[0]["cllr"]["na"].startswith("uncalibrated: the calibration that is there")


def put_weights(value):

    folder = weights.user_folder(registry().get("toy-trained", "detector").entry)
    folder.mkdir(parents=True, exist_ok=True)
    content = safetensors.torch.save({"w": torch.tensor([value])})
    (folder / "toy-trained.safetensors").write_bytes(content)
    card = {"sha256": hashlib.sha256(content).hexdigest()}
    (folder / "toy-trained.json").write_text(json.dumps(card))
    return folder / "toy-trained.json"


def test_other_weights_are_uncalibrated_until_they_are_back(split, command):
    put_weights(1.0)
    calibrate(split, model="toy-trained")
    assert run(split, model="toy-trained")[0]["cllr"]["value"] is not None
    put_weights(2.0)
    said = run(split, model="toy-trained")[0]["cllr"]["na"]
    assert said.endswith(
        "other weights, options or sources; run `forensics calibrate toy-trained` again"
    )
    file = next(Path(split).rglob("*.png"))
    _, out, _ = command("analyze", file, "--detectors", "toy-trained")
    assert "toy-trained on jpeg is uncalibrated: the calibration that is there" in " ".join(
        out.split()
    )
    put_weights(1.0)
    _, out, _ = command("analyze", file, "--detectors", "toy-trained")
    assert "uncalibrated:" not in out
    assert run(split, model="toy-trained")[0]["cllr"]["value"] is not None


def test_photographs_of_a_training_are_refused(split):
    path = put_weights(1.0)

    names = sorted(hashlib.sha256(p.read_bytes()).hexdigest() for p in (split / "calib").iterdir())
    pool = {"train": {"sha256": hashlib.sha256("\n".join(names).encode()).hexdigest()}}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"data": pool}))
    with pytest.raises(ForensicsError, match="are the split train of the training of toy-trained"):
        calibrate(split, model="toy-trained")


def test_figures_on_the_calibrations_own_photographs_are_not_given(split):
    calibrate(split / "test", unseen=True)
    metrics, _ = run(split)
    assert {metrics[name]["na"] for name in NAMES} == {"calibrated on 4 of these photographs"}


def test_the_word_of_the_user_stands_in_the_card(split, tmp_path):
    save(tmp_path / "plain", (5, 15, 25))
    made = calibrate(tmp_path / "plain", unseen=True)
    assert made.card["data"]["split"] == "none, unseen by the word of the user"


def test_a_detector_that_goes_the_wrong_way(split, command):
    line = [
        "calibrate",
        "toy-grain:scale=-1.0",
        "--data",
        split,
        "--trace",
        "jpeg",
        "--set",
        "q=40",
    ]
    code, out, err = command(*line, "--patch", 64, "--limit", 10)
    assert (code, err) == (0, "")
    assert "lower scores mean altered" in out
    right, wrong = calibrate(split), calibrate(split, model="toy-grain:scale=-1.0")
    assert (right.card["scale"]["higher"], wrong.card["scale"]["higher"]) == (True, False)
    for name in NAMES:
        expected = pytest.approx(right.card["figures"][name]["value"], abs=1e-4)
        assert wrong.card["figures"][name]["value"] == expected


def test_attacked_patches_belong_to_the_altered_side_when_asked(split):
    made = calibrate(split, attack="toy-median")
    assert made.card["attacks"] == ["toy-median"]
    assert made.card["n"] == {"pristine": 20, "altered": 20, "na": 0}


def test_json_and_tippett_data(split, command, tmp_path):
    line = ["calibrate", "toy-grain", "--data", split, "--trace", "jpeg", "--set", "q=40"]
    line += ["--patch", 64, "--limit", 10, "--tippett", tmp_path / "t.csv", "--json"]
    code, out, _ = command(*line)
    content = json.loads(out)
    assert code == 0
    assert set(content) == {"card", "tippett", "path"}
    assert json.loads((tmp_path / "home" / "calibrations" / "toy-grain.json").read_text()) == [
        content["card"]
    ]
    rows = list(csv.DictReader((tmp_path / "t.csv").open()))
    for name, values in content["tippett"].items():
        assert [float(row[name]) for row in rows] == values
    assert (values[0], sorted(values, reverse=True)) == (1.0, values)
    code, out, _ = command("models", "toy-grain")
    assert "\n  calibrated  (user) toy-grain on jpeg at q=40" in out
    listed = {m["name"]: m for m in json.loads(command("models", "--json")[1])["models"]}
    assert [c["trace"] for c in listed["toy-grain"]["calibrated"]] == ["jpeg"]
    assert listed["toy-logs"]["calibrated"] == []


def test_what_is_not_in_a_calibration_is_said(split, command):
    whole = (split / "calib" / "0.png").read_bytes()
    (split / "calib" / "8.png").write_bytes(b"no picture")  # seen when the folder is listed
    (split / "calib" / "9.png").write_bytes(whole[: len(whole) // 2])  # when it is decoded
    line = ["calibrate", "toy-picky", "--data", split, "--trace", "jpeg", "--set", "q=40"]
    code, out, err = command(*line, "--patch", 64, "--limit", 20)
    assert code == 3
    assert [text.count(name) for text in err.splitlines() for name in ("8.png", "9.png")] == [
        *(1, 0),
        *(0, 1),
    ]
    run_of = forensics.calibrate("toy-picky", split, trace="jpeg", **SETTINGS | {"limit": 20}).run
    (cell,) = run_of.cells
    assert 0 < cell.n_na < 40
    assert cell.n + cell.n_pristine + cell.n_na == 2 * 16  # of 9.png there are no scores
    assert f"{cell.n_na} patches of both sides have no answer and are left out" in out


def test_publishing_into_an_editable_plugin(split, tmp_path, monkeypatch):
    (tmp_path / "source" / "forensics_toy").mkdir(parents=True)
    package = tmp_path / "source" / "forensics_toy"
    for module in (cards, making):
        monkeypatch.setattr(module, "package_folder", lambda name: package)
    made = calibrate(split, publish=True)
    assert made.published == package / "calibrations" / "toy-grain.json"
    assert made.published.read_text() == made.path.read_text()
    made.path.unlink()
    assert run(split)[1]["jpeg"]["origin"] == "shipped"
    info = tmp_path / "source" / "forensics_toy-0.1.dist-info"
    info.mkdir()
    (info / "RECORD").write_text("forensics_toy/plugin.py,,\n")
    with pytest.raises(ForensicsError, match="an installed copy"):
        calibrate(split, publish=True)


@pytest.mark.parametrize(
    ("model", "more", "words"),
    [
        ("toy-grian", {}, "did you mean 'toy-grain'"),
        ("toy-grain", {"trace": None}, "judges jpeg, djpeg, djpeg-shifted: choose one"),
        ("toy-grain", {"trace": "median"}, "no trace that toy-grain judges is called 'median'"),
        ("toy-grain", {"method": "platt"}, "logistic or isotonic, not platt"),
        ("toy-grain", {"split": "test"}, "no split"),
        ("toy-grain", {"set": {"q2": [40]}}, "parameter of the chosen traces"),
        ("toy-grain", {"unseen": True}, "leave --unseen out"),
        ("toy-keeps", {}, "all its scores are equal"),
        ("toy-raises", {}, "out of luck"),
        ("toy-trained", {}, "toy-trained has no weights: run `forensics train toy-trained`"),
        ("toy-narrow", {"trace": "djpeg", "set": {"q2": [95]}}, "judges q2=70..80 only"),
    ],
)
def test_a_request_that_makes_no_sense(split, home, model, more, words):
    with pytest.raises(ForensicsError) as error:
        calibrate(split, model=model, **more)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert not (home / "calibrations").exists()


def test_folders_that_cannot_calibrate(split, tmp_path, command):
    save(tmp_path / "plain", (5,))
    save(tmp_path / "trained" / "train", (5, 15))
    for folder, more, words in (
        ("plain", (), "give your word with --unseen"),
        ("plain", ("--unseen",), "needs 2 photographs"),
        ("trained", (), "has the splits train and no calib"),
        ("nowhere", (), "is not a folder"),
    ):
        line = ("calibrate", "toy-grain", "--trace", "jpeg", "--data", tmp_path / folder)
        code, out, err = command(*line, "--patch", 64, *more)
        assert (code, out) == (1, "")
        assert words in err
        assert err.count("\n") == 1


def test_a_stop_leaves_the_former_calibration(split, monkeypatch, command):
    made = calibrate(split)
    before = made.path.read_bytes()

    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("forensics.bench.executor.work", stop)
    line = ("calibrate", "toy-grain", "--data", split, "--trace", "jpeg", "--patch", 64)
    code, _, err = command(*line, "--limit", 12)
    assert code == 1
    assert "stopped" in err
    assert made.path.read_bytes() == before
