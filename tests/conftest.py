"""What the core's tests share: a home of their own, the toy plugin, small photographs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

# Before anything imports torch: the work here is small, and threads only get in its way.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from PIL import Image
from skimage import data as pictures

PLUGIN = Path(__file__).parent / "plugin"


def forget():
    """Drop what this process remembers of plugins."""
    from forensics.bench import inference, sources
    from forensics.models.registry import registry
    from forensics.traces import trace as traces

    for remembered in (registry, traces.get, sources.of_module, inference.model):
        remembered.cache_clear()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """The user's own folder for weights and scores, empty."""
    monkeypatch.setenv("FORENSICS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """The toy plugin, found through its entry point here and in child processes."""
    monkeypatch.syspath_prepend(str(PLUGIN))
    monkeypatch.setenv("PYTHONPATH", str(PLUGIN), prepend=os.pathsep)
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "toy.log"))
    forget()
    yield tmp_path / "toy.log"
    forget()


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A copy of the toy plugin that may be written to; the folder of its package."""
    folder = tmp_path / "plugin"
    shutil.copytree(PLUGIN, folder, ignore=shutil.ignore_patterns("__pycache__"))

    def unload():
        for name in [m for m in sys.modules if m.partition(".")[0] == "forensics_toy"]:
            del sys.modules[name]
        forget()

    unload()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "toy.log"))
    yield folder / "forensics_toy"
    unload()


@pytest.fixture(scope="session")
def astronaut():
    return pictures.astronaut()


def save_photographs(folder, count=4):
    """Colour photographs of 272 x 320, different parts of the same pictures."""
    folder.mkdir(exist_ok=True)
    for number in range(count):
        whole = (pictures.astronaut(), pictures.coffee())[number % 2]
        top, left = 30 * number, 40 * (number // 2)
        part = whole[top : top + 272, left : left + 320]
        Image.fromarray(np.ascontiguousarray(part)).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="session")
def shared_photographs(tmp_path_factory):
    """The same for all tests, to be left as they are."""
    return save_photographs(tmp_path_factory.mktemp("shared") / "photographs")


@pytest.fixture
def photographs(tmp_path):
    """A folder of four photographs."""
    return save_photographs(tmp_path / "photographs")


@pytest.fixture
def command(capsys):
    """Call the command line in this process: exit code, standard output, standard error."""
    from forensics.cli import main

    def call(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        return stop.value.code, out, err

    return call


@pytest.fixture
def child():
    """Call the command line in a process of its own."""

    def call(*arguments, **options):
        line = [sys.executable, "-m", "forensics.cli", *map(str, arguments)]
        return subprocess.run(line, capture_output=True, text=True, timeout=120, **options)

    return call
