"""The parts of `q1galvan` on values computed by hand."""

import torch

from forensics_q1cnn.baselines import galvan


def test_small_bins_go_into_a_large_neighbour():
    # 20 of level 6, split: 3 at 7; 2 at 9 with no neighbour; 4 at level 1, beside a large 0.
    levels = torch.tensor([[0] * 40 + [1] * 4 + [6] * 20 + [7] * 3 + [9] * 2])
    expected = torch.tensor([[0] * 40 + [1] * 4 + [6] * 23 + [9] * 2])
    assert torch.equal(galvan.cleaned(levels), expected)
    even = torch.tensor([[3] * 5 + [4] * 6])
    assert torch.equal(galvan.cleaned(even), even)


def test_the_error_is_zero_for_what_the_step_left():
    """Multiples of 10, quantised by 3: 9, 21, 30, 39. By 10 and 3 these are themselves; by 7 and 3
    they are 6 (7), 21 (21), 27 (28), 42 (42), 3 + 0 + 3 + 3 off in all."""
    c = torch.tensor([[9.0, 21.0, 30.0, 39.0]])
    found = galvan.error(c, torch.tensor([10.0, 7.0]), torch.tensor([[3.0]]))
    assert found.tolist() == [[0.0, 9 / 4]]
    # A first step up to the second explains everything.
    below = galvan.error(c, torch.tensor([1.0, 2.0, 3.0]), torch.tensor([[3.0]]))
    assert not below.any()


def test_a_histogram():
    found = galvan.histogram(torch.tensor([[0, 2, 2, 3], [1, 1, 1, 1]]), 5)
    assert found.tolist() == [[0.25, 0, 0.5, 0.25, 0], [0, 1, 0, 0, 0]]
