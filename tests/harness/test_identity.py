"""What the identity of a population covers: the plugins of every step, those within steps too."""

from types import SimpleNamespace

import pytest

from forensics.harness import identity, plan, sameness
from forensics.harness.settings import Settings
from forensics.traces import Trace

pytestmark = pytest.mark.usefixtures("toy")

# Of each history, whether a step of it is the toy plugin's.
STEPS = {
    "jpeg(60) median3 maybe(0.5,gaussian(1))": False,
    "jpeg(60) toy-paste(24)": True,
    "jpeg(60) toy-median": True,
    "jpeg(60) maybe(0.5,crop(8,8) toy-paste(24))": True,
    "jpeg(60) splice(jpeg(75) toy-median,donor=self)": True,
}


def population(history):
    trace = Trace("made", (("pristine", ""), ("altered", history)), (("q", ((),)),), "pixels")
    return plan._population(trace, "altered", (), None, Settings(), ())


@pytest.mark.parametrize("history", STEPS)
def test_rows_depend_on_the_plugins_of_all_steps(history, monkeypatch):
    before = population(history).digest
    assert population(history).digest == before
    with monkeypatch.context() as edited:
        edited.setattr(identity, "package", lambda name: f"{name}, edited")
        assert (population(history).digest != before) == STEPS[history]


@pytest.mark.parametrize("history", STEPS)
def test_workers_must_have_the_plugins_of_all_steps(history):
    made = SimpleNamespace(cells=(), populations={"": population(history)})
    things = dict(sameness.Sameness.of(made).items)
    assert any("toy" in thing for thing in things) == STEPS[history]
    assert "nowhere" not in things.values()
