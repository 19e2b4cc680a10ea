"""Estimators with beliefs are detectors: their odds by hand, and as they are listed and run."""

import math
from dataclasses import replace

import pytest
import torch

import forensics
from forensics.bench import identity
from forensics.errors import NotApplicable
from forensics.models import selection
from forensics.models.beliefs import log_odds
from forensics.models.entries import BeliefEntry, Entry, ModelEntry, TraceEntry
from forensics.models.interfaces import Belief, Estimate
from forensics.models.registry import registry

FACTORS = torch.tensor([0.8, 1.0, 1.25])


def estimate(*rows, **more):
    return Estimate.of({"f": Belief(FACTORS, torch.tensor(rows))}, **more)


def test_odds_of_something_by_hand():
    found = log_odds(estimate((0.25, 0.5, 0.25), (0.75, 0.1, 0.15), (0.0, 1.0, 0.0)), {"f": 1})
    assert found.values[:2].tolist() == pytest.approx([0, math.log(9)], abs=1e-5)
    assert found.values[2] < -80
    assert found.values.isfinite().all()
    sure = log_odds(estimate((1.0, 0.0, 0.0)), {"f": 1}).values
    assert float(sure) == pytest.approx(-float(found.values[2]), rel=1e-4)


def test_of_several_targets_the_largest_odds_count():
    beliefs = {
        "f": Belief(FACTORS, torch.tensor([[0.1, 0.8, 0.1], [0.4, 0.2, 0.4]])),
        "d": Belief(torch.tensor([0.0, 5.0]), torch.tensor([[0.1, 0.9], [0.5, 0.5]])),
        "h": Belief(torch.tensor([1.0, 2.0]), torch.tensor([[0.0, 1.0], [0.0, 1.0]])),
    }
    # Of h nobody can say that it is 0; of k nothing is said.
    found = log_odds(Estimate.of(beliefs), {"f": 1, "d": 0, "h": 0, "k": 1})
    assert found.values.tolist() == pytest.approx([math.log(9), math.log(4)], abs=1e-5)


def test_the_likeliest_value_is_the_answer_and_a_reason_has_none():
    found = estimate((0.2, 0.3, 0.5), (0.4, 0.4, 0.2), reasons=(None, "flat"))
    assert found.names == ("f",)
    assert found.values[0, 0] == 1.25
    assert found.values[1, 0].isnan()
    belief = found.beliefs["f"]
    assert belief.most_probable().tolist() == pytest.approx([1.25, 0.8])
    assert belief.mean().tolist() == pytest.approx([1.085, 0.97])
    scores = log_odds(found, {"f": 1})
    assert scores.reasons == (None, "flat")
    assert scores.values.isnan().tolist() == [False, True]


def test_who_states_nothing_of_none_is_no_detector():
    silent = Estimate(("f",), torch.ones(2, 1))
    for said, none in ((silent, 1), (estimate((0.2, 0.3, 0.5)), 7)):
        with pytest.raises(NotApplicable, match="it states no probabilities"):
            log_odds(said, {"f": none})


def test_on_which_traces_it_is_one():
    traces = {name: TraceEntry(name, "nowhere:X", "") for name in ("median", "awgn")}
    entry = ModelEntry("x", "nowhere:X", "", traces=("jpeg", "median[k=3..5]"), seconds=2)
    found = BeliefEntry.of(entry, traces)
    assert found.traces == ("median[k=3..5]",)
    assert (found.name, found.seconds, found.judged) == ("x", 2, (traces["median"],))
    assert BeliefEntry.of(replace(entry, beliefs=False), traces) is None
    assert BeliefEntry.of(replace(entry, traces=("jpeg",)), traces) is None


@pytest.mark.parametrize("name", registry().all("trace"))
def test_traces_say_whether_they_know_none(name):
    entry = registry().get(name, "trace").entry
    trace = entry.load()
    known = "pristine" in trace.sides and any(t.none is not None for t in trace.targets)
    assert type(entry) is (TraceEntry if known else Entry)


def test_it_is_listed_as_both(toy):
    found = registry()
    assert found.get("toy-classes", "detector").kinds == ("detector", "estimator")
    assert found.get("toy-classes", "estimator").kinds == ("detector", "estimator")
    assert "toy-classes" in [str(m) for m in selection.models(["all"], "detector")]
    # No quality means 'none', and it scores on its own.
    assert "toy-quality" not in found.all("detector")
    assert type(found.get("toy-everything", "detector").entry) is ModelEntry
    both = [selection.model("toy-classes:silent=true", kind) for kind in ("detector", "estimator")]
    assert identity.model(both[0]) == identity.model(both[1])
    # By its name alone it is the estimator.
    assert hasattr(forensics.load("toy-classes"), "estimate")
