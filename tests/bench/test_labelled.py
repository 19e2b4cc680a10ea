"""Runs over real files with labels, against loops by hand; and what cannot be had."""

import json

import jpeglib
import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import roc_auc_score

import forensics
from forensics import bench
from forensics.errors import ForensicsError

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture
def folders(tmp_path, astronaut):
    """Four altered JPEG files with masks, one of them with a side that is no multiple of 8, and
    three untouched ones."""
    for name in ("positive", "negative", "masks"):
        (tmp_path / name).mkdir()
    generator = np.random.default_rng(0)
    for n in range(7):
        side = 100 if n == 0 else 96
        whole = astronaut[40 * n : 40 * n + 112, 50 * n : 50 * n + side].copy()
        if n < 4:
            where = slice(16 + 8 * n, 48 + 8 * n), slice(24, 64)
            whole[where] = generator.integers(90, 160, (32, 40, 1))
            mask = np.zeros(whole.shape[:2], np.uint8)
            mask[where] = 255
            Image.fromarray(mask).save(tmp_path / "masks" / f"{n}.png")
        name = "positive" if n < 4 else "negative"
        Image.fromarray(whole).convert("L").save(tmp_path / name / f"{n}.jpg", quality=90)
    return tmp_path / "positive", tmp_path / "negative", tmp_path / "masks"


@pytest.fixture
def run(folders, tmp_path):
    counter = iter(range(100))

    def call(**options):
        options = {"positive": folders[0], "negative": folders[1], **options}
        return forensics.run(tmp_path / f"out{next(counter)}", **options)

    return call


def opened(folder):
    return [forensics.open(path).batch() for path in sorted(folder.iterdir())]


def value(cell, name):
    return cell.metrics[name].value


def test_whole_files_against_the_loop_by_hand(run, folders):
    """A file is scored as it is: a JPEG has its coefficients, until it is attacked."""
    matrix = run(detectors=["toy-grain", "toy-zeros"], attack="toy-median")
    clean, attacked = (
        {c.model: c for c in matrix.cells if c.attack == a} for a in (None, "toy-median")
    )
    positive, negative = map(opened, folders[:2])
    grain, median = forensics.load("toy-grain"), forensics.load("toy-median")
    scores = [grain.score(b).values.item() for b in (*negative, *positive)]
    labels = [0] * 3 + [1] * 4
    assert value(clean["toy-grain"], "auc") == roc_auc_score(labels, scores)
    zeros = [
        (jpeglib.read_dct(str(path)).Y == 0).mean()
        for folder in (folders[1], folders[0])
        for path in sorted(folder.iterdir())
    ]
    assert value(clean["toy-zeros"], "auc") == roc_auc_score(labels, zeros)
    scores[3:] = [grain.score(median.apply(b)).values.item() for b in positive]
    assert value(attacked["toy-grain"], "auc") == roc_auc_score(labels, scores)
    assert attacked["toy-zeros"].na == "not a JPEG, and its pixels show no quantisation table"
    assert attacked["toy-grain"].cost.against == "the attacker's input"
    for cell in (*clean.values(), attacked["toy-grain"]):
        assert (cell.trace, cell.n, cell.photographs) == ("files", 4, 4)
    assert matrix.protocol["photographs"] == 7


@pytest.mark.parametrize("attack", [None, "toy-median"])
def test_maps_against_masks(run, folders, attack):
    matrix = run(localizers="toy-everything", masks=folders[2], attack=attack or "none")
    cell = next(c for c in matrix.cells if c.attack == attack)
    model, median = forensics.load("toy-everything"), forensics.load("toy-median")
    areas, heats, marks = [], [], []
    for path, batch in zip(sorted(folders[0].iterdir()), opened(folders[0]), strict=True):
        batch = median.apply(batch) if attack else batch
        # The first is 100 pixels wide: the last four are not shown.
        heat = model.heat(batch.with_pixels(batch.pixels[..., :96]))[0].to(torch.bfloat16)
        heats.append(np.kron(heat.double().numpy(), np.ones((8, 8))))
        marks.append(np.array(Image.open(folders[2] / f"{path.stem}.png"))[:, :96] > 0)
        areas.append(roc_auc_score(marks[-1].ravel(), heats[-1].ravel()))
    assert value(cell, "pixel_auc_mean") == pytest.approx(np.mean(areas), abs=1e-12)
    pooled = roc_auc_score(np.ravel(marks), np.ravel(heats))
    assert value(cell, "pixel_auc") == pytest.approx(pooled, abs=1e-12)
    assert value(cell, "auc") is not None


def test_patches_of_files(run, folders):
    """Of the grid of 48 from the corner on; the attack acts on the whole file, then it is cut."""
    matrix = run(detectors=["toy-grain", "toy-zeros"], patch=48, attack="toy-median", limit=5)
    clean, attacked = (
        next(c for c in matrix.cells if (c.model, c.attack) == ("toy-grain", a))
        for a in (None, "toy-median")
    )
    assert (clean.n, clean.photographs) == (5, 4)
    whole = run(detectors="toy-grain", patch=48)
    assert whole.cells[0].n == 4 * 4
    grain, median = forensics.load("toy-grain"), forensics.load("toy-median")

    def scores(folder, attack):
        for batch in opened(folder):
            pixels = median.apply(batch).pixels if attack else batch.pixels
            for y in (0, 48):
                for x in (0, 48):
                    part = pixels[:, :, y : y + 48, x : x + 48]
                    yield grain.score(batch.with_pixels(part)).values.item()

    labels = [0] * 12 + [1] * 16
    negative, positive = (list(scores(folder, False)) for folder in folders[1::-1])
    assert value(whole.cells[0], "auc") == pytest.approx(roc_auc_score(labels, negative + positive))
    attacked = run(detectors="toy-grain", patch=48, attack="toy-median").cells[1]
    positive = list(scores(folders[0], True))
    assert value(attacked, "auc") == pytest.approx(roc_auc_score(labels, negative + positive))


def test_maps_of_patches_against_their_parts_of_the_masks(run, folders):
    matrix = run(localizers="toy-everything", masks=folders[2], patch=48)
    model = forensics.load("toy-everything")
    heats, marks = [], []
    for path, batch in zip(sorted(folders[0].iterdir()), opened(folders[0]), strict=True):
        mask = np.array(Image.open(folders[2] / f"{path.stem}.png")) > 0
        for y in (0, 48):
            for x in (0, 48):
                part = batch.with_pixels(batch.pixels[:, :, y : y + 48, x : x + 48])
                heat = model.heat(part)[0].to(torch.bfloat16).double().numpy()
                heats.append(np.kron(heat, np.ones((8, 8))))
                marks.append(mask[y : y + 48, x : x + 48])
    pooled = roc_auc_score(np.ravel(marks), np.ravel(heats))
    assert value(matrix.cells[0], "pixel_auc") == pytest.approx(pooled, abs=1e-12)


def test_what_is_asked_without_names(folders):
    def kinds(**options):
        plan = bench.make(bench.Settings.of({"positive": folders[0], **options}))
        return {c.kind for c in plan.cells if c.reason is None}

    assert kinds(negative=folders[1]) == {"detector", "localizer"}
    assert kinds(masks=folders[2]) == {"localizer"}
    assert kinds(masks=folders[2], detectors="toy-grain") == set()


def test_a_run_is_stored_and_runs_again_from_its_settings(folders, tmp_path, monkeypatch):
    from forensics_toy import models

    options = {"positive": folders[0], "masks": folders[2], "localizers": "toy-everything"}
    first = forensics.run(tmp_path / "out", **options)
    again = bench.read_config((tmp_path / "out" / "run.yaml").read_text(), "run.yaml")
    monkeypatch.setattr(models.Grain, "score", lambda self, batch: 1 / 0)
    assert forensics.run(tmp_path / "out", **again).cells == first.cells
    # Another mask is another measurement.
    mask = np.array(Image.open(folders[2] / "1.png"))
    Image.fromarray(255 - mask).save(folders[2] / "1.png")
    assert forensics.run(tmp_path / "out", **options).cells != first.cells


def test_color_is_asked_for(run, folders, astronaut):
    Image.fromarray(astronaut[:96, :96]).save(folders[0] / "4.png")
    Image.fromarray(astronaut[96:192, :96]).save(folders[1] / "7.png")
    matrix = run(detectors="toy-grain", color=True)
    assert (matrix.cells[0].n, matrix.protocol["skipped"]) == (1, 7)


@pytest.mark.parametrize("size", [(112, 96), (50, 50)])
def test_a_mask_of_another_size_loses_its_file(run, folders, size):
    Image.new("L", size).save(folders[2] / "1.png")
    (folders[2] / "2.png").unlink()
    matrix = run(localizers="toy-everything", masks=folders[2])
    assert matrix.cells[0].n == 2
    wrong, missing = matrix.skipped
    assert f"has {size[0]} x {size[1]} pixels, not 96 x 112" in wrong
    assert "holds no mask of its name" in missing
    assert matrix.protocol["lost"] == 2


def test_where_the_kind_of_file_gives_the_label_away(run, folders):
    for path in folders[1].iterdir():
        Image.open(path).save(path.with_suffix(".png"))
        path.unlink()
    (warning,) = run(detectors="toy-grain").protocol["warnings"]
    assert warning.startswith("the altered files are 4 JPEG, the untouched 3 lossless")


@pytest.fixture
def refused(folders, command, tmp_path):
    """What `forensics run` says of a request about files that makes no sense, one sentence."""

    def call(*more):
        code, out, err = command("run", "--out", tmp_path / "out", *more)
        assert (code, out) == (1, "")
        assert err.count("\n") == 1
        return err

    return call


def test_requests_that_make_no_sense(refused, folders, tmp_path):
    positive, negative, masks = folders
    (tmp_path / "empty").mkdir()
    files = ("--positive", positive)
    assert "altered files alone measure nothing" in refused(*files)
    assert "goes with positive" in refused("--negative", negative)
    assert "goes with positive" in refused("--masks", masks)
    assert "holds no image files" in refused(*files, "--negative", tmp_path / "empty")
    assert "not a folder" in refused(*files, "--negative", tmp_path / "nowhere")
    assert "not a folder" in refused(*files, "--masks", tmp_path / "nowhere")
    assert "has the name of an altered file; it is empty" in refused(
        *files, "--masks", tmp_path / "empty"
    )
    assert "is also" in refused(*files, "--negative", positive)
    both = (*files, "--negative", negative)
    assert "as they are: leave trace out" in refused(*both, "--trace", "jpeg")
    assert "as they are: leave data out" in refused(*both, "--data", positive)
    assert "as they are: leave set out" in refused(*both, "--set", "q=60")
    assert "as they are: leave reduce out" in refused(*both, "--reduce", 2)
    assert "no truth to estimate" in refused(*both, "--estimators", "toy-quality")
    assert "choose a smaller --patch" in refused(*both, "--patch", 200)
    assert "choose a smaller --patch, or --gray" in refused(*both, "--color")
    assert "patch takes a whole number from 16" in refused(*both, "--patch", 8)


def test_one_label_is_none(folders):
    with pytest.raises(ForensicsError, match="untouched ones"):
        bench.Settings.of({"positive": folders[0]})


def test_the_table_says_what_was_scored(command, folders, tmp_path):
    positive, negative, masks = folders
    line = ["run", "--positive", positive, "--negative", negative, "--masks", masks]
    line += ["--localizers", "toy-everything", "--detectors", "toy-grain", "--out", tmp_path / "o"]
    code, out, err = command(*line, "--attack", "toy-median")
    assert (code, err) == (0, "")
    said = "".join(out.split())  # lines end within paths too
    assert f"alteredfilesin{positive}withmasksin{masks}" in said
    assert f"untouchedfilesin{negative}" in said
    assert "4wholefilesasidefrom7photographs" in said
    assert "(untouched)against" not in said
    code, out, _ = command(*line, "--json")
    protocol = json.loads(out)["protocol"]
    assert (protocol["positive"], protocol["patch"]) == (str(positive), 0)
    code, out, _ = command(*line, "--plan")
    assert "expected time" in out
