"""Budgets, steps and phases."""

import pytest

from forensics.errors import ForensicsError
from forensics.training import Phase
from forensics.training.budget import Budget

THREE = (Phase(1, 64, 8, 1e-3), Phase(2, 64, 8, 1e-3), Phase(1, 64, 8, 1e-3))


@pytest.mark.parametrize(
    ("text", "seconds"), [("25m", 1500), ("90s", 90), ("1h30m", 5400), ("1.5m", 90), (12, 12)]
)
def test_a_budget_is_read_in_seconds(text, seconds):
    assert Budget.of(text, None).seconds == seconds


@pytest.mark.parametrize("text", ["25", "", " ", "m", "10m1h", "-5m", "0s", 0, -1, float("nan")])
def test_a_budget_that_is_none_is_refused_in_one_sentence(text):
    if text == "":  # not given: the default
        assert Budget.of(None, None).seconds == 25 * 60
        return
    with pytest.raises(ForensicsError, match="25m"):
        Budget.of(text, None)


def test_budget_and_steps_exclude_each_other():
    with pytest.raises(ForensicsError, match="not both"):
        Budget.of("1m", 5)
    with pytest.raises(ForensicsError, match="one step"):
        Budget.of(None, 0)


def test_phases_take_their_shares_of_the_steps():
    budget = Budget(steps=10)
    phases = [budget.progress(step, 0.0, THREE).phase for step in range(10)]
    # 2.5 and 7.5 steps: whole ones, and every step in exactly one phase.
    assert phases == [0] * 2 + [1] * 6 + [2] * 2


def test_progress_runs_from_0_to_1_in_all_and_in_each_phase():
    budget = Budget(seconds=80.0)
    middle = budget.progress(7, 40.0, THREE)
    assert (middle.step, middle.phase, middle.total, middle.within) == (7, 1, 0.5, 0.5)
    assert budget.progress(0, 20.0, THREE).within == 0.0
    end = budget.progress(9, 95.0, THREE)
    assert (end.phase, end.total, end.within) == (2, 1.0, 1.0)
