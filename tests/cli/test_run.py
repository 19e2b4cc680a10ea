"""`forensics run` and `report`: output in every format, plans, and what is warned about."""

import csv
import hashlib
import io
import json
from collections import Counter

import pytest
import safetensors.torch
import torch
import yaml
from PIL import Image

pytestmark = pytest.mark.usefixtures("toy")


VALUE = {"value", "low", "high"}
METRICS = {"auc", "pe", "pe_any", "pe_cv", "tpr_at_fpr_1", "tpr_at_fpr_5"}
METRICS |= {"accuracy", "cllr", "cllr_min", "cllr_cal"}
CELL = {"trace", "point", "attack", "model", "kind", "n", "n_pristine", "n_na", "reasons"}
CELL |= {"photographs", "skipped", "trained", "metrics", "names", "confusion", "reliability"}
CELL |= {"cost", "na"}


def test_json_is_one_object_and_nothing_else(child, photographs, tmp_path):
    line = ["run", "--data", photographs, "--out", tmp_path / "out", "--patch", 64, "--limit", 12]
    line += ["--trace", "jpeg", "--trace", "djpeg", "--attack", "toy-median", "--json"]
    line += ["--detectors", "toy-grain", "--detectors", "toy-narrow", "--detectors", "toy-raises"]
    done = child(*line)
    assert done.returncode == 3
    assert "out of luck" in done.stderr
    assert "Traceback" in done.stderr
    content = json.loads(done.stdout)
    assert set(content) == {"protocol", "cells"}
    # 3 points, clean and attacked; toy-grain twice, toy-raises on jpeg, toy-narrow on djpeg.
    assert len(content["cells"]) == 3 * 2 * 4
    for cell in content["cells"]:
        assert set(cell) == CELL
        attacked = cell["attack"] is not None
        assert cell["kind"] == "detector"
        if cell["na"] is not None:
            assert isinstance(cell["na"], str)
            continue
        assert set(cell["metrics"]) == (METRICS | {"asr"} if attacked else METRICS)
        assert all(VALUE <= set(v) <= VALUE | {"na"} for v in cell["metrics"].values())
        assert (cell["cost"] is not None) == attacked
        if attacked:
            assert {"psnr", "ssim", "psnr_input", "ssim_input"} <= set(cell["cost"])
    reasons = {c["na"] for c in content["cells"]}
    assert "judges q2=70..80 only" in reasons
    protocol = content["protocol"]
    assert protocol["photographs"] == 4
    assert protocol["traces"]["djpeg"]["altered"] == "jpeg({q1}) ATTACK jpeg({q2})"
    assert protocol["seed"] == 0
    assert set(protocol["models"]) == {"toy-grain", "toy-narrow", "toy-raises", "toy-median"}


def test_the_table(run):
    code, out, err = run("--attack", "toy-median", "--attack", "toy-jpeg-only")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 100
    assert "clean" in out
    # Names of attacks may wrap, never be cut.
    assert "toy-median" in out.replace("\n", " ")
    assert "toy-grain" in out
    assert "PSNR" in out
    assert "SSIM" in out
    assert "12 patches of 64 x 64 a side from 4 photographs" in " ".join(out.split())
    assert "(untouched) against jpeg({q}) ATTACK" in " ".join(out.split())
    assert "and attacked, against the image before the JPEG." in " ".join(out.split())


def test_the_table_says_what_a_cost_is_against(run):
    more = ("--trace", "median", "--trace", "rotate", "--patch", 32, "--limit", 2)
    code, out, err = run("--attack", "toy-median", *more, detectors=["none"])
    assert (code, err) == (0, "")
    said = "against the image before the JPEG or the image before median or the attacker's input."
    assert said in " ".join(out.split())


def test_the_table_shows_what_the_cells_hold(run, tmp_path):
    code, out, _ = run("--set", "q=60")
    cell = json.loads((tmp_path / "out" / "matrix.json").read_text())["cells"][0]
    auc = cell["metrics"]["auc"]["value"]
    shown = "1.0" if auc >= 0.995 else f"{auc:.2f}"[1:]
    (row,) = (line for line in out.splitlines() if "toy-grain" in line)
    assert row.split()[:3] == ["toy-grain", "jpeg", shown]
    assert code == 0


def test_the_table_says_of_which_patches_there_is_no_answer(run, tmp_path):
    more = ("--set", "q=60,80", "--attack", "toy-median")
    code, out, _ = run(*more, detectors=["toy-picky", "toy-grain"])
    assert code == 0
    cells = json.loads((tmp_path / "out" / "matrix.json").read_text())["cells"]
    blank = Counter()
    for cell in cells:
        blank[cell["attack"]] += cell["n_na"]
    fewest, most = min(blank.values()), max(blank.values())
    n = f"{fewest}-{most}" if fewest < most else most
    said = f"No answer, of the patches of all sides: toy-picky (jpeg) {n} of 48: too dark"
    assert said in " ".join(out.split())  # 2 points, 2 sides
    assert "toy-grain (jpeg)" not in out


def test_a_file_for_scores_that_cannot_be_is_said_before_the_work(run, tmp_path, monkeypatch):
    def work(*arguments):
        raise AssertionError("no work yet")

    with monkeypatch.context() as patched:
        patched.setattr("forensics.cli.run.make", work)
        for path, words in (
            (tmp_path, "it is a folder"),
            (tmp_path / "missing" / "scores.csv", "No such file or directory"),
        ):
            code, out, err = run("--scores", path)
            assert (code, out, err) == (1, "", f"error: cannot write {path}: {words}\n")
    code, _, err = run("--scores", tmp_path / "scores.csv")
    assert (code, err) == (0, "")
    assert "toy-grain" in (tmp_path / "scores.csv").read_text()


ASKED = ("--estimators", "toy-quality", "--localizers", "toy-everything")
ASKED += ("--estimators", "toy-everything", "--trace", "toy-pasted", "--attack", "toy-median")


def test_every_kind_has_its_table(run, command, tmp_path):
    code, out, err = run(*ASKED)
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 100
    cells = json.loads((tmp_path / "out" / "matrix.json").read_text())["cells"]
    assert {c["kind"] for c in cells} == {"detector", "estimator", "localizer"}
    lines = [line.split() for line in out.splitlines()]
    # The lattice of a decoded JPEG gives its quality away; an error of 0, nothing untouched.
    assert ["toy-quality", "jpeg", "q", "1.0", "±.00", "0", "-"] in [row[:7] for row in lines]
    (located,) = (c for c in cells if c["kind"] == "localizer" and not c["attack"])
    area = located["metrics"]["pixel_auc"]["value"]
    starts = [row[:3] for row in lines if len(row) > 4]
    assert ["toy-everything", "toy-pasted", f"{area:.2f}"[1:]] in starts
    # Of the patches of each class the share that was taken for which: rows add up.
    (clean,) = (
        c for c in cells if c["confusion"] and c["trace"] == "toy-pasted" and not c["attack"]
    )
    blurred = {given: n for true, given, n in clean["confusion"]["which"] if true == "blurred"}
    shown = next(row for row in lines if row[:1] == ["blurred"])
    assert [int(share) for share in shown[1:] if share != "%"] == [
        round(100 * n / sum(blurred.values())) for n in blurred.values()
    ]
    assert "PSNR" in out
    assert out.count("toy-pasted") >= 4
    assert command("report", tmp_path / "out")[1] == out


def test_naming_one_kind_asks_that_kind_only(command, photographs, tmp_path):
    line = ["run", "--data", photographs, "--out", tmp_path / "out", "--patch", 64, "--limit", 4]
    code, out, _ = command(*line, "--localizers", "all", "--json")
    assert code == 0
    assert {c["kind"] for c in json.loads(out)["cells"]} == {"localizer"}
    code, out, _ = command(*line, "--estimators", "toy-table", "--set", "q1=60", "--format", "csv")
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(out)))
    assert {r["trace"] for r in rows} == {"q1"}
    first = next(r for r in rows if r["trace"] == "q1")
    assert first["names"] == "step1 step2"
    assert float(first["mse"]) == (float(first["mse:step1"]) + float(first["mse:step2"])) / 2
    assert {n for *_, n in json.loads(first["confusion"])["r"]} <= {1, 2, 3, 4}


def test_many_points_are_not_all_listed(run):
    qualities = ",".join(map(str, range(50, 90)))
    code, out, _ = run("--set", f"q={qualities}", "--limit", 1)
    assert code == 0
    assert "at q=50, q=51, q=52, ..., q=89 (40 points)." in " ".join(out.split())


@pytest.mark.parametrize("style", ["csv", "markdown", "latex"])
def test_formats(run, style):
    code, out, err = run("--attack", "toy-median", "--format", style)
    assert (code, err) == (0, "")
    if style == "csv":
        rows = list(csv.DictReader(io.StringIO(out)))
        assert len(rows) == 6
        assert {r["attack"] for r in rows} == {"clean", "toy-median"}
        assert all(0 <= float(r["auc_low"]) <= float(r["auc"]) <= 1 for r in rows)
        assert [r["q"] for r in rows] == ["60", "60", "80", "80", "90", "90"]
    if style == "markdown":
        lines = [line for line in out.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in lines}) == 1
        assert set(lines[1]) == set("| -")
    if style != "csv":
        several = run(*ASKED, "--format", style)[1]
        tables = several.count("| --- |\n" if style == "markdown" else "\\begin{tabular}")
        assert tables == 5  # of each kind, and the classes, clean and attacked
    if style == "latex":
        assert out.startswith("\\begin{tabular}")
        body = [line for line in out.splitlines() if line.endswith("\\\\")]
        assert len({line.count("&") for line in body}) == 1
        assert "\\end{tabular}" in out


def test_report_prints_it_again(run, command, tmp_path):
    for style in ("table", "csv", "markdown", "latex"):
        code, out, _ = run("--attack", "toy-median", "--format", style)
        assert command("report", tmp_path / "out", "--format", style)[:2] == (code, out)
    _, out, _ = run("--json")
    assert command("report", tmp_path / "out", "--json")[1] == out


def test_a_run_saves_a_config_that_runs_again(run, command, tmp_path):
    options = ["--attack", "toy-median", "--set", "q=55,65", "--seed", 3, "--color", "--json"]
    _, first, _ = run(*options)
    config = tmp_path / "out" / "run.yaml"
    saved = yaml.safe_load(config.read_text())
    assert saved["set"] == {"q": [55, 65]}
    assert (saved["color"], saved["seed"]) == (True, 3)
    code, second, _ = command("run", "--config", config, "--out", tmp_path / "again", "--json")
    assert code == 0
    assert json.loads(second)["cells"] == json.loads(first)["cells"]
    assert yaml.safe_load((tmp_path / "again" / "run.yaml").read_text()) == saved
    # What is given on the command line wins.
    changed = ["--config", config, "--out", tmp_path / "b", "--set", "q=70", "--gray", "--json"]
    content = json.loads(command("run", *changed)[1])
    assert {c["point"]["q"] for c in content["cells"]} == {70}
    assert content["protocol"]["color"] == "gray"


def test_a_plan_runs_nothing(run, toy, tmp_path):
    logs = ("toy-grain", "toy-logs")
    code, out, _ = run("--attack", "toy-median", "--plan", detectors=logs)
    assert code == 0
    # 3 points x clean and attacked x 2 detectors; untouched, 3 clean and 3 attacked conditions.
    assert "12 cells" in out
    assert "84 patches in 7 conditions" in out
    assert "expected time" in out
    # 2 scores a patch, and what the attack costs.
    assert f"{84 * 2 + 36} numbers to compute, 0 stored" in out
    assert not toy.exists()
    assert not list((tmp_path / "out").rglob("*.parquet"))
    run("--attack", "toy-median", detectors=logs)
    _, after, _ = run("--attack", "toy-median", "--plan", detectors=logs)
    assert f"0 numbers to compute, {84 * 2 + 36} stored" in after


def test_a_plan_in_json_is_one_object(run):
    code, out, _ = run("--plan", "--json")
    content = json.loads(out)
    assert code == 0
    assert (content["cells"], content["patches"], content["scores"]) == (3, 48, 48)
    assert content["seconds"] > 0


@pytest.mark.parametrize("group", ["all", "toy-s*", "trace:jpeg", "plugin:toy"])
def test_a_slow_model_runs_when_it_is_named(run, group):
    plan = json.loads(run("--plan", "--json", detectors=[group, "toy-grain"])[1])
    words = "toy-slow: slower than half a second a patch: name it to run it"
    assert plan["unasked"] == [words]
    assert f"skipped: {words}" in run("--plan", detectors=[group, "toy-grain"])[1]
    plan = json.loads(run("--plan", "--json", detectors=[group, "toy-slow:scale=2"])[1])
    assert plan["unasked"] == []


def test_a_slow_model_is_listed_as_skipped(run):
    grain = ("toy-grain", "toy-s*")
    code, out, err = run(detectors=grain)
    assert (code, err) == (0, "")
    words = "skipped: toy-slow: slower than half a second a patch: name it to run it"
    assert words in " ".join(out.split())
    content = json.loads(run("--json", detectors=grain)[1])
    assert {c["model"] for c in content["cells"]} == {"toy-grain"}
    assert content["protocol"]["unasked"] == [words.removeprefix("skipped: ")]
    content = json.loads(run("--json", detectors=("toy-grain", "toy-slow"))[1])
    assert {c["model"] for c in content["cells"]} == {"toy-grain", "toy-slow"}
    assert content["protocol"]["unasked"] == []


def test_no_detectors(run):
    code, out, err = run("--attack", "toy-median", detectors=["none"])
    assert (code, err) == (0, "")
    assert "PSNR" in out


def test_losses_are_exit_code_3(run, photographs, tmp_path, command):
    path = photographs / "0.png"
    path.write_bytes(path.read_bytes()[:9000])
    code, _, err = run()
    assert code == 3
    assert "0.png" in err
    assert command("report", tmp_path / "out")[0] == 3


def test_costs_alone_are_called_costs(run):
    code, out, err = run("--attack", "toy-median", detectors=["none"])
    assert (code, err) == (0, "")
    assert out.splitlines()[1].split() == ["cost", "trace", "clean", "toy-median"]
    assert "AUC" not in out


def test_an_attacked_file_is_measured_against_itself_and_an_unattacked_one_is_not(
    command, photographs, tmp_path
):
    other = tmp_path / "other"
    other.mkdir()
    Image.new("RGB", (96, 96), "gray").save(other / "flat.png")
    line = ["run", "--positive", photographs, "--negative", other, "--attack", "toy-median"]
    code, out, _ = command(*line, "--detectors", "toy-grain", "--out", tmp_path / "out")
    assert code == 0
    clean = [line.split()[-2] for line in out.splitlines() if line.startswith((" PSNR", " SSIM"))]
    assert clean == ["-", "-"]
    words = " ".join(out.split())
    assert "of the image at the slot, attacked, against the attacker's input." in words
    assert "pe_cv n/a for toy-grain: other photographs do not have both sides" in words


def test_a_folder_of_jpegs_is_warned_about(run, photographs):
    for path in photographs.glob("*.png"):
        Image.open(path).save(path.with_suffix(".jpg"), quality=90)
        path.unlink()
    code, out, _ = run()
    assert code == 0
    assert "warning: 4 of 4 photographs are stored as JPEG" in " ".join(out.split())
    assert len(json.loads(run("--json")[1])["protocol"]["warnings"]) == 1


def test_the_users_own_weights_are_marked(run, home):
    folder = home / "weights" / "toy-trained"
    folder.mkdir(parents=True)
    content = safetensors.torch.save({"w": torch.ones(1)})
    (folder / "toy-trained.safetensors").write_bytes(content)
    card = {"sha256": hashlib.sha256(content).hexdigest()}
    (folder / "toy-trained.json").write_text(json.dumps(card))
    for style in ("table", "markdown", "latex"):
        out = run("--format", style, detectors=["toy-trained", "toy-grain"])[1]
        assert "toy-trained (user)" in out
        assert "toy-grain (user)" not in out
