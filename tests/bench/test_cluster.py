"""Many machines: a real scheduler and worker processes on loopback, one of them killed at work."""

import dataclasses
import hashlib
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time

import dask
import pytest

import forensics
from forensics import bench
from forensics.bench import Settings, cluster, environment, make
from forensics.errors import ForensicsError

pytestmark = pytest.mark.usefixtures("toy")
OPTIONS = {"patch": 64, "limit": 1000, "trace": "djpeg", "attack": "toy-median"}


@pytest.fixture
def start(tmp_path):
    """Start `dask ...`; what is left of it is killed afterwards."""
    started = []
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def call(*line, **more):
        command = [sys.executable, "-m", "dask", *map(str, line), "--no-dashboard"]
        log = (tmp_path / f"dask{len(started)}.log").open("w")
        quiet = {"stdout": log, "stderr": log, "cwd": elsewhere}
        started.append(subprocess.Popen(command, env=os.environ | more, **quiet))
        return started[-1]

    call.started = started
    yield call
    for process in started:
        process.kill()
        process.wait()


def wait_for(found):
    until = time.monotonic() + 60
    while not (value := found()):
        assert time.monotonic() < until, "it took more than a minute"
        time.sleep(0.02)
    return value


@pytest.fixture
def address(start, tmp_path):
    """A scheduler without workers."""
    file = tmp_path / "scheduler.json"
    start("scheduler", "--host", "127.0.0.1", "--port", 0, "--scheduler-file", file)
    wait_for(file.exists)
    return json.loads(wait_for(file.read_text))["address"]


def worker(start, address, log):
    line = ("worker", address, "--nthreads", 1, "--no-nanny", "--host", "127.0.0.1")
    return start(*line, TOY_LOG=str(log))


def lines(log):
    return log.read_text().splitlines() if log.exists() else []


def test_a_worker_killed_at_work_changes_no_bit(start, address, photographs, tmp_path, monkeypatch):
    # Paths that depend on this process's folder are not those of the workers.
    monkeypatch.chdir(photographs.parent)
    options = OPTIONS | {"data": photographs.name, "detectors": ["toy-grain", "toy-logs"]}
    logs = [tmp_path / "0.log", tmp_path / "1.log"]
    slow = "toy-logs:seconds=0.03"
    workers = [worker(start, address, log) for log in logs]
    told = []

    def kill():
        # The second, as soon as it is at a photograph: toy-logs is asked several times for one.
        wait_for(lambda: lines(logs[1]))
        workers[1].send_signal(signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    spread = forensics.run(
        tmp_path / "spread",
        lambda done, of: told.append((done, of)),
        dask=address,
        **options | {"detectors": ["toy-grain", slow], "batch": 4},
    )
    killer.join()
    assert workers[1].wait(10) == -signal.SIGKILL
    # What the killed one was at was done by the other, from the beginning.
    begun = {line.split()[0] for line in lines(logs[1])}
    assert begun & {line.split()[0] for line in lines(logs[0])}
    assert told[-4:] == [(n, 4) for n in range(1, 5)]
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    here = forensics.run(tmp_path / "here", **options | {"detectors": ["toy-grain", slow]})
    assert spread.cells == here.cells
    assert spread.failures == here.failures == {}
    assert spread.protocol["threads"] == 1
    # The worker wrote nothing: all rows were written here.
    assert len(list((tmp_path / "spread" / "rows").glob("*.parquet"))) == 4

    # What the workers do not have, or have otherwise, ends the run.
    with monkeypatch.context() as patch:
        elsewhere = {"path": tmp_path / "elsewhere.png"}
        patch.setattr(cluster, "_absolute", lambda p: dataclasses.replace(p, **elsewhere))
        with pytest.raises(ForensicsError, match=r"^worker tcp://.* sees no .*elsewhere\.png: put"):
            forensics.run(tmp_path / "unseen", dask=address, **options)
    monkeypatch.setattr(environment, "version", lambda name: "1.0")
    with pytest.raises(
        ForensicsError, match=r"^worker tcp://.* has image-forensics .*, not 1\.0: "
    ):
        forensics.run(tmp_path / "other", dask=address, **options)


def test_workers_on_this_machine(photographs, tmp_path, command):
    line = ["run", "--data", photographs, "--patch", 64, "--detectors", "toy-grain", "--json"]
    code, here, err = command(*line, "--out", tmp_path / "here")
    assert (code, err) == (0, "")
    code, spread, err = command(*line, "--detectors", "toy-raises", "--workers", 2)
    assert code == 3
    assert "the cells of toy-raises are n/a:\nTraceback" in err
    cells = [c for c in json.loads(spread)["cells"] if c["model"] == "toy-grain"]
    assert cells == json.loads(here)["cells"]


@pytest.mark.parametrize("address", ["127.0.0.1:9", "nowhere", "http://127.0.0.1:9"])
def test_a_cluster_that_is_not_there(command, photographs, address):
    code, out, err = command("run", "--data", photographs, "--dask", address)
    assert (code, out) == (1, "")
    assert err.startswith(f"error: there is no scheduler at {address} (")
    assert err.count("\n") == 1


def test_a_cluster_of_its_own_workers_takes_no_others(command, photographs):
    code, _, err = command("run", "--data", photographs, "--dask", "127.0.0.1:9", "--workers", 2)
    assert (code, err.count("\n")) == (1, 1)
    assert "leave --workers out" in err


def test_a_cluster_without_workers(address, photographs, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "_ALONE", 0.3)
    with pytest.raises(ForensicsError, match="has no workers: start some with `dask worker tcp"):
        forensics.run(tmp_path / "out", data=photographs, patch=64, dask=address)


@pytest.mark.slow
def test_a_photograph_that_kills_its_workers_is_lost(photographs, tmp_path):
    sha256 = hashlib.sha256((photographs / "2.png").read_bytes()).hexdigest()
    options = {"data": photographs, "patch": 64, "detectors": f"toy-dies:at=h{sha256}"}
    with dask.config.set({"distributed.scheduler.allowed-failures": 1}):
        matrix = forensics.run(tmp_path / "out", workers=2, **options)
    assert matrix.protocol["photographs"] == 3
    assert matrix.protocol["lost"] == 1
    (sentence,) = matrix.skipped
    assert sentence.startswith("2.png: 2 workers were lost while they worked on it: they may need")


@pytest.mark.slow
def test_a_scheduler_that_is_gone_is_one_sentence(start, address, photographs, tmp_path, toy):
    worker(start, address, toy)
    out = tmp_path / "out"
    line = ["run", "--data", photographs, "--patch", 64, "--trace", "djpeg", "--dask", address]
    line += ["--detectors", "toy-logs:seconds=0.5", "--batch", 8, "--out", out]
    run = subprocess.Popen(
        [sys.executable, "-m", "forensics.cli", *map(str, line)], stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: list(out.glob("rows/*.parquet")))
    start.started[0].kill()
    _, err = run.communicate(timeout=60)
    assert (run.returncode, err) == (
        1,
        f"error: {address} is gone; what was finished is stored: start it and the same command "
        "goes on\n",
    )


@pytest.mark.slow
def test_ctrl_c_stops_workers_too(photographs, tmp_path):
    line = ["run", "--data", photographs, "--patch", 64, "--trace", "djpeg", "--workers", 2]
    line += ["--detectors", "toy-logs:seconds=0.7", "--out", tmp_path / "out"]
    run = subprocess.Popen(
        [sys.executable, "-m", "forensics.cli", *map(str, line)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A suite that runs in the background hands its children an ignored SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    wait_for(lambda: list(tmp_path.glob("out/rows/*.parquet")))
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does
    _, err = run.communicate(timeout=60)
    assert run.returncode == 1
    assert err.strip() == "stopped; what was finished is stored: the same command goes on"
    # Nobody goes on without the process that was stopped.
    wait_for(lambda: not processes(run.pid))


def processes(group):
    """Those of a group that have not ended."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_without_the_extra_it_says_what_to_install(monkeypatch, photographs, tmp_path):
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "forensics.bench.cluster", raising=False)
    monkeypatch.delattr(bench, "cluster")
    with pytest.raises(ForensicsError, match=r"^distributed is not installed: pip install 'image-"):
        forensics.run(tmp_path / "out", data=photographs, patch=64, workers=2)


def test_plans_travel(photographs):
    plan = make(Settings.of(OPTIONS | {"data": photographs, "color": True, "trace": "all"}))
    travelled = pickle.loads(pickle.dumps(plan))
    assert travelled == plan
    assert dataclasses.asdict(travelled.settings) == dataclasses.asdict(plan.settings)


@pytest.mark.parametrize("thing", ["core", "Python", "torch", "toy-grain", "toy-median"])
def test_what_is_another_is_seen(photographs, thing):
    plan = make(Settings.of(OPTIONS | {"data": photographs}))
    here = environment.Environment.of(plan)
    assert environment.difference_here(here) is None
    changed = tuple((k, v if k != thing else f"{v} other") for k, v in here.items)
    found = environment.difference_here(environment.Environment(changed))
    assert found.startswith(f"has {thing} ")
    assert found.endswith(" other")
