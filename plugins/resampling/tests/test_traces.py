"""Mixed histories: what was drawn is what the labels say, and no side gives itself away."""

import numpy as np
import pytest
import torch

from forensics.traces.trace import get
from forensics_resampling import traces
from forensics_resampling.traces import TASKS, labels, mixture, widest


def values(trace, count=4000):
    return trace.drawn(torch.arange(count))


def test_characteristics_of_the_mixture_are_as_often_as_the_loss_takes_them_to_be():
    shares = labels(values(mixture())).double().mean(0)
    np.testing.assert_allclose(shares, [0.5, 1 / 3, 1 / 3, 1 / 3, 1 / 3, 0.5], atol=0.04)


@pytest.mark.parametrize("task", TASKS)
def test_one_side_has_it_and_the_other_everything_but_it(task):
    trace = get(f"resampling-{task}")
    drawn = values(trace)
    lacking = {**drawn}
    for name in ("f", "d", "h"):
        if f"{name}n" in drawn:
            lacking[name] = drawn[f"{name}n"]
    if task == "jpegquality":
        lacking["q2"] = drawn["qn"]
        assert trace.input == "pixels"
    place = TASKS.index(task)
    has, lacks = labels(drawn), labels(lacking)
    assert has[:, place].all()
    assert not lacks[:, place].any()
    shares = lacks.double().mean(0)
    assert (shares[[k for k in range(6) if k != place]] > 0.2).all()


@pytest.mark.parametrize("task", TASKS[1:])
def test_alone_there_is_one_step_or_none(task):
    drawn = values(get(f"resampling-{task}-alone"))
    moved = (drawn["f"] != 1).int() + (drawn["d"] != 0).int() + (drawn["h"] != 0).int()
    assert (moved == 1).all()


def test_widest_is_how_far_the_corners_of_a_patch_come_from():
    f, d, h = 0.7, np.deg2rad(30), 0.3
    turn = np.array([[np.cos(d), np.sin(d)], [-np.sin(d), np.cos(d)]])
    back = np.linalg.inv(f * turn @ np.array([[1, h], [0, 1]]))
    corners = back @ np.array([[-1, -1, 1, 1], [-1, 1, -1, 1]])
    found = widest(np.array(f), np.array(30.0), np.array(h))
    assert found == pytest.approx(np.abs(corners).max())


def test_tiles_fit_into_photographs():
    assert mixture().margin(False, 64, slot=False) == 96
    assert traces.RESAMPLING_UP.margin(False, 64) * 2 + 64 <= 448
