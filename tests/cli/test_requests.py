"""Requests to `forensics run` that make no sense: one sentence each, and the exit code."""

import pytest

pytestmark = pytest.mark.usefixtures("toy")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--attack", "toy-medain"], "did you mean 'toy-median'"),
        (["--detectors", "toy-grian"], "did you mean 'toy-grain'"),
        (["--detectors", "toy-grain:scael=2"], "did you mean 'scale'"),
        (["--detectors", "toy-grain:scale=wide"], "takes float"),
        (["--trace", "jpgg"], "did you mean 'jpeg'"),
        (["--set", "q"], "--set takes q=60,70"),
        (["--set", "q=sixty"], "--set takes q=60,70"),
        (["--set", "q=60,inf"], "--set takes q=60,70"),
        (["--set", "z=60"], "'z'"),
        (["--set", "q=60", "--set", "q=70"], "write --set q=60,70"),
        (["--set", "q=0"], "1 to 100"),
        (["--set", "q=60,101"], "1 to 100, not 101"),
        (["--trace", "q1"], "for estimators"),
        (["--patch", 60], "multiple of 8"),
        (["--patch", 0], "patch takes a whole number"),
        (["--patch", 72, "--color"], "multiple of 16"),
        (["--patch", 512], "room for a patch of 512"),
        (["--limit", 0], "limit"),
        (["--batch", 0], "batch"),
        (["--seed", -1], "seed"),
        (["--split", "test"], "no splits"),
        (["--device", "cuda:99"], "cuda:99"),
        (["--device", "abacus"], "abacus"),
        (["--data", "nowhere"], "not a folder"),
        (["--config", "nowhere.yaml"], "nowhere.yaml"),
        (["--plan", "--device", "abacus"], "abacus"),
    ],
)
def test_a_request_that_makes_no_sense(run, more, words, tmp_path):
    code, out, err = run(*more)
    assert (code, out) == (1, "")
    assert words in err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert not list((tmp_path / "out").rglob("*.parquet"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("patch: [", "not YAML"),
        ("- 3", "options such as"),
        ("pach: 64", "did you mean 'patch'"),
        ("patch: wide", "patch takes"),
        ("attack: 3", "attack takes names"),
        ("detectors: [3]", "detectors takes names"),
        ("set: 3", "set takes"),
        ("set: {q: []}", "--set takes"),
        ("set: {q: [60.5]}", "whole number as quality, not 60.5"),
        ("set: {q: [.nan]}", "--set takes"),
        ("data: 3", "data takes"),
        ("color: maybe", "color takes true or false"),
        ("device: 3", "device takes"),
        ("split: [test]", "split takes"),
        ("\x00", "not YAML"),
    ],
)
def test_a_config_that_makes_no_sense(command, tmp_path, photographs, text, words):
    config = tmp_path / "c.yaml"
    config.write_text(text)
    code, out, err = command("run", "--config", config, "--out", tmp_path / "out")
    assert (code, out) == (1, "")
    assert words in err
    assert err.count("\n") == 1


def test_a_config_that_is_no_text(command, tmp_path):
    config = tmp_path / "c.yaml"
    config.write_bytes(b"\xff\xfe\x00")
    code, _, err = command("run", "--config", config)
    assert code == 1
    assert "cannot read" in err


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--limit", 4, "--limit", 5], "--limit is given twice"),
        (["--json", "--json"], "--json is given twice"),
        (["--color", "--gray"], "--color or --gray is given twice"),
    ],
)
def test_an_option_given_twice(run, more, words):
    code, out, err = run(*more)
    assert (code, out) == (2, "")
    assert words in err


def test_a_run_that_asks_nobody(run):
    code, out, err = run(detectors=["none"])
    assert (code, out) == (1, "")
    assert "nothing to run: no model is asked, and no attacker is named" in err


def test_an_empty_folder(run, tmp_path):
    (tmp_path / "empty").mkdir()
    code, _, err = run(data=tmp_path / "empty")
    assert code == 1
    assert "holds no image files" in err


def test_results_that_cannot_be_written(run, command, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = run("--out", tmp_path / "file" / "out")
    assert code == 1
    assert "choose another --out" in err
    code, _, err = command("report", tmp_path / "nowhere")
    assert code == 1
    assert "no finished run" in err


@pytest.mark.parametrize(
    "line", [["run", "--pach", "64"], ["run", "--patch", "wide"], ["rnu"], ["analyze"], ["attack"]]
)
def test_usage_errors_are_exit_code_2(command, line):
    code, out, err = command(*line)
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    assert "Usage" in err


def test_an_unknown_command_says_what_was_meant(command):
    assert "did you mean 'run'" in command("rnu")[2]


def test_debug_shows_the_traceback(run):
    code, _, err = run("--trace", "jpgg", "--debug")
    assert code == 1
    assert "Traceback" in err
