"""What identities cover: of a condition the plugins of all its steps, of the core all that rows
are made by."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from forensics.bench import environment, identity, plan, sources
from forensics.bench.settings import Settings
from forensics.models import selection
from forensics.traces.trace import Trace

pytestmark = pytest.mark.usefixtures("toy")

# Of each history, whether a step of it is the toy plugin's.
STEPS = {
    "jpeg(60) median3 maybe(0.5,gaussian(1))": False,
    "jpeg(60) toy-paste(24)": True,
    "jpeg(60) toy-median": True,
    "jpeg(60) maybe(0.5,crop(8,8) toy-paste(24))": True,
    "jpeg(60) splice(jpeg(75) toy-median,donor=self)": True,
}


def condition(history):
    trace = Trace("made", (("pristine", ""), ("altered", history)), ((),), "pixels")
    return plan._condition(trace, "altered", (), None, Settings(), ())


@pytest.mark.parametrize("history", STEPS)
def test_rows_depend_on_the_plugins_of_all_steps(history, monkeypatch):
    before = condition(history).digest
    assert condition(history).digest == before
    with monkeypatch.context() as edited:
        edited.setattr(sources, "of_module", lambda name: f"{name}, edited")
        assert (condition(history).digest != before) == STEPS[history]


@pytest.mark.parametrize("history", STEPS)
def test_workers_must_have_the_plugins_of_all_steps(history):
    made = SimpleNamespace(cells=(), conditions={"": condition(history)})
    things = dict(environment.Environment.of(made).items)
    assert any("toy" in thing for thing in things) == STEPS[history]
    assert "nowhere" not in things.values()


# What a photograph's work imports and its rows do not depend on: which files there are, what was
# asked for and who answers to which name (all in the plan), where rows lie, and errors.
ASIDE = (
    *("", "atomic", "errors", "models"),
    *(f"models.{part}" for part in ("entries", "hookspecs", "registry", "selection", "weights")),
    *(f"data{part}" for part in ("", ".folder", ".labelled", ".lattice", ".leaves", ".samples")),
    *(
        f"bench{part}"
        for part in ("", ".identity", ".sources", ".choice", ".conditions", ".settings")
    ),
    *("bench.store", "device", "metrics", "metrics.intervals", "progress"),
)


def test_rows_depend_on_every_module_that_makes_them():
    """Of what the unit of work imports, all is hashed or known to be beside the point."""
    script = (
        "import forensics.bench.evaluate, sys\n"
        "for name, module in sys.modules.items():\n"
        "    if name.partition('.')[0] == 'forensics':\n"
        "        print(name, module.__file__)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    modules = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert "forensics.bench.evaluate" in modules
    hashed = [Path(identity.__file__).parents[1] / name for name in identity._CORE]
    assert all(path.exists() for path in hashed)
    for name, file in modules.items():
        covered = any(Path(file).is_relative_to(path) for path in hashed)
        assert covered != (name.partition(".")[2] in ASIDE), f"{name}: rows depend on it, or not?"


def test_rows_depend_on_the_file_that_an_option_names(tmp_path):
    (tmp_path / "list.json").write_text("[1]")
    chosen = SimpleNamespace(
        registered=selection.model("toy-grain", "detector").registered,
        entry=selection.model("toy-grain", "detector").entry,
        options=(("list", str(tmp_path / "list.json")),),
    )
    before = identity.model(chosen)
    assert identity.model(chosen) == before
    (tmp_path / "list.json").write_text("[2]")
    assert identity.model(chosen) != before
