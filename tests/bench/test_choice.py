"""Which traces a run takes."""

import pytest

from forensics import bench
from forensics.bench import choice
from forensics.builtin import forensics_traces
from forensics.cli.tables.notes import notes
from forensics.models import selection
from forensics.models.entries import ModelEntry
from forensics.models.registry import Registered
from forensics.traces import trace as traces

RESAVED = "median-resaved"
KINDS = ("detector", "estimator", "localizer")


def model(*declared):
    entry = ModelEntry("one", "nowhere:One", "made up", traces=declared)
    return selection.Model(Registered(entry, ("detector",), "made-up", "made-up", "0"))


def asked(kind, declared, attack=(), trace=()):
    judges = {k: [model(*declared)] if k == kind else [] for k in KINDS}
    attackers = [selection.model(name, "attacker") for name in attack]
    found = choice.chosen(bench.Settings(trace=trace), judges, attackers)
    return [name for name, models in found.items() if models[kind]]


@pytest.mark.parametrize(
    ("kind", "declared", "attack", "expected"),
    [
        ("detector", ("median", "jpeg", "median-resaved"), (), "median"),
        ("detector", ("median", "jpeg"), ("watch-pixels",), "median"),
        ("detector", ("median[k=3]", "median-jpeg", "median-resaved"), ("watch-jpeg",), RESAVED),
        ("detector", ("median", "jpeg"), ("watch-pixels", "watch-jpeg"), "jpeg"),
        ("detector", ("median", "median-jpeg"), ("watch-jpeg",), "median"),
        ("detector", ("q1", "djpeg"), (), "djpeg"),
        ("estimator", ("q1", "djpeg"), (), "q1"),
    ],
)
def test_each_model_is_asked_on_one_trace(watch, kind, declared, attack, expected):
    """The first on which all attackers can act; else its first. Detectors need a pristine side."""
    (found,) = asked(kind, declared, attack)
    assert found == expected


def test_all_traces_are_those_that_the_models_judge(watch):
    declared = ("median-resaved", "jpeg", "djpeg[q2=90]")
    assert asked("detector", declared, trace=("all",)) == ["jpeg", "djpeg", "median-resaved"]
    assert asked("detector", declared, trace=("djpeg",)) == ["djpeg"]
    assert asked("detector", declared, trace=("median",)) == []


def test_an_attacker_of_jpegs_acts_where_its_traces_say(watch, squares, tmp_path):
    """What the histories say of their slots is what a run finds there."""
    names = [e.name for e in forensics_traces() if "pristine" in traces.get(e.name).sides]
    attacker = selection.model("watch-jpeg", "attacker")
    options = {"data": str(squares), "patch": 32, "limit": 1, "trace": names}
    settings = bench.Settings.of(options | {"detectors": "watch", "attack": "watch-jpeg"})
    matrix = bench.execute(bench.make(settings), tmp_path)
    acted = {c.trace: c.n > 0 for c in matrix.cells if c.attack is not None}
    assert acted == {name: choice._acts(attacker, traces.get(name)) for name in names}
    assert 0 < sum(acted.values()) < len(names)


def test_a_note_says_that_a_model_is_asked_on_one_trace(watch, squares, tmp_path):
    options = {"data": str(squares), "patch": 32, "limit": 2, "detectors": "watch"}
    for name, trace in ("one", []), ("named", ["jpeg"]):
        matrix = bench.execute(bench.make(bench.Settings.of(options | {"trace": trace})), tmp_path)
        assert {cell.trace for cell in matrix.cells} == {"jpeg"}
        assert (choice.ONE_TRACE in " ".join(notes(matrix, False))) == (name == "one")
