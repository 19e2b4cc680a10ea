"""Stored rows: the same run again, more of it, killed in the middle; to the bit every time."""

import signal
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest

import forensics
from forensics.bench import Matrix
from forensics.errors import ForensicsError

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture
def run(photographs, tmp_path):
    def call(out="out", **options):
        options = {"data": str(photographs), "patch": 64, "limit": 1000, "trace": "djpeg"} | options
        return forensics.run(tmp_path / out, **({"detectors": "toy-logs"} | options))

    return call


def log(toy):
    lines = toy.read_text().splitlines() if toy.exists() else []
    toy.unlink(missing_ok=True)
    return lines


def test_runs_are_reproducible_to_the_bit(run):
    options = {"detectors": ["toy-grain", "toy-zeros"], "attack": "toy-median", "limit": 12}
    first = run("a", **options)
    assert run("b", **options).cells == first.cells
    # Batches are no part of the result.
    assert run("c", batch=3, **options).cells == first.cells
    assert run("d", seed=1, **options).cells != first.cells


def test_a_second_run_computes_nothing(run, toy):
    first = run()
    assert log(toy)
    again = run()
    assert again.cells == first.cells
    assert log(toy) == []


def test_a_photograph_added_computes_that_photograph_only(run, toy, photographs):
    last = photographs / "3.png"
    content = last.read_bytes()
    last.unlink()
    run()
    known = {line.split()[0] for line in log(toy)}
    assert len(known) == 3
    last.write_bytes(content)
    grown = run()
    added = {line.split()[0] for line in log(toy)}
    assert len(added) == 1
    assert not added & known
    assert grown.cells == run("fresh").cells


def test_more_patches_compute_what_is_missing(run, toy):
    run(limit=5)
    few = log(toy)
    more = run(limit=12)
    added = log(toy)
    assert not set(added) & set(few)
    # 3 points make q2 = 75 and 95 pristine and 3 altered: 5 conditions.
    assert (len(few), len(added)) == (5 * 5, 5 * 7)
    assert more.cells == run("fresh", limit=12).cells


def test_another_detector_or_attack_computes_what_is_missing(run, toy):
    run()
    first = len(log(toy))
    run(detectors=["toy-logs", "toy-grain"])
    assert log(toy) == []
    options = {"detectors": ["toy-logs", "toy-grain"], "attack": "toy-median"}
    attacked = run(**options)
    # 3 attacked conditions beside the 5 that are there.
    assert len(log(toy)) == first * 3 // 5
    assert (
        attacked.cells == run("a", detectors=["toy-logs", "toy-grain"], attack="toy-median").cells
    )


def test_what_a_row_depends_on_makes_new_rows(run, toy):
    run(limit=4)
    log(toy)
    for change in ({"seed": 1}, {"set": {"q1": 55}}, {"patch": 48}, {"color": True}):
        run(limit=4, **change)
        assert log(toy), change
    run(limit=4, detectors="toy-logs:seconds=0.001")
    assert log(toy), "an option"
    run(limit=4, batch=2, device="cpu")
    assert log(toy) == []


def test_rows_say_what_they_are(run, tmp_path):
    run(limit=4, detectors=["toy-grain"], attack="toy-median")
    tables = [pq.read_table(p) for p in (tmp_path / "out" / "rows").glob("*.parquet")]
    rows = [row for table in tables for row in table.to_pylist()]
    names = [row["name"] for row in rows]
    # 2 pristine, 3 clean and 3 attacked conditions; the cost of the 3 attacked.
    assert names.count("score") == 4 * 8
    assert names.count("psnr") == names.count("ssim_input") == 4 * 3
    assert set(rows[0]) >= {"condition", "model", "photograph", "y", "x", "value", "reason"}
    assert not list((tmp_path / "out" / "rows").glob(".partial-*"))


@pytest.mark.parametrize("content", [b"", b"PAR1 nothing of the kind PAR1", None])
def test_a_damaged_part_is_told_and_computed_again(run, tmp_path, content):
    first = run(limit=4)
    part = min((tmp_path / "out" / "rows").glob("*.parquet"))
    part.write_bytes(part.read_bytes()[:-9] if content is None else content)
    with pytest.raises(ForensicsError, match="delete it") as error:
        run(limit=4)
    assert part.name in str(error.value)
    part.unlink()
    assert run(limit=4).cells == first.cells


def begin(photographs, out, *more):
    line = [sys.executable, "-m", "forensics.cli", "run", "--data", photographs, "--patch", 64]
    line += ["--limit", 1000, "--trace", "djpeg", "--attack", "toy-median", "--out", out]
    line += ["--detectors", "toy-grain", "--detectors", "toy-logs:seconds=0.7", *more]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # A suite that runs in the background hands its children an ignored SIGINT.
    return subprocess.Popen([str(part) for part in line], preexec_fn=_interruptible, **pipes)


def _interruptible():
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_for_a_part(folder, process):
    until = time.monotonic() + 60
    while not list(folder.glob("rows/[!.]*.parquet")):
        assert process.poll() is None, "it ended before a part was there"
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_killed_run_goes_on_to_the_same_matrix(run, photographs, tmp_path, toy, monkeypatch):
    out = tmp_path / "killed"
    process = begin(photographs, out)
    wait_for_a_part(out, process)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    parts = list(out.glob("rows/[!.]*.parquet"))
    assert 1 <= len(parts) < 4
    assert not (out / "matrix.json").exists()
    assert log(toy)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    options = {"attack": "toy-median", "detectors": ["toy-grain", "toy-logs:seconds=0.7"]}
    resumed = run("killed", **options)
    assert len({line.split()[0] for line in log(toy)}) == 4 - len(parts)
    whole = run("whole", **options)
    assert len({line.split()[0] for line in log(toy)}) == 4
    assert resumed.cells == whole.cells


def test_ctrl_c_keeps_the_rows(photographs, tmp_path):
    process = begin(photographs, tmp_path / "stopped")
    wait_for_a_part(tmp_path / "stopped", process)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 1
    assert stdout == ""
    (sentence,) = stderr.strip().splitlines()  # click ends the line with ^C first
    assert "stored" in sentence
    assert list((tmp_path / "stopped").glob("rows/[!.]*.parquet"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"protocol": {}, "cells": [], "failures": {}, "skipped": []}', "another version"),
        ("[]", "is damaged"),
        ("{", "is damaged"),
    ],
)
def test_a_matrix_that_cannot_be_read_is_one_sentence(tmp_path, content, said):
    (tmp_path / "matrix.json").write_text(content)
    with pytest.raises(ForensicsError, match=said):
        Matrix.load(tmp_path)
