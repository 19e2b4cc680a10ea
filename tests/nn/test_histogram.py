"""The soft histogram against the sum over all thresholds; both against numpy's."""

import numpy as np
import pytest
import torch

from forensics.nn import hard_histogram, soft_histogram


def plain(values, gamma, low, high):
    """Eqs. 6-8 of Kim, Ahn and Lee (2021), every threshold for every value."""
    thresholds = np.arange(low, high + 1)
    with np.errstate(over="ignore"):
        passed = 1 / (1 + np.exp(-gamma * (values[..., None] - thresholds)))
    cumulative = passed.mean(-2)
    return cumulative[..., :-1] - cumulative[..., 1:]


@pytest.mark.parametrize("gamma", [50.0, 100.0, 1e6])
def test_equals_the_sum_over_all_thresholds(gamma):
    values = np.random.default_rng(0).normal(0, 30, (2, 3, 500))
    values[0, 0, :4] = (-200, 200, 60.004, -60.003)
    found = soft_histogram(torch.from_numpy(values), gamma)
    np.testing.assert_allclose(found.numpy(), plain(values, gamma, -60, 60), atol=1e-10)


def test_a_steep_one_is_numpys():
    values = np.random.default_rng(1).normal(0, 2, 1000)
    found = soft_histogram(torch.from_numpy(values), 1e6, -4, 4)
    counts, _ = np.histogram(values, np.arange(-4, 5))
    np.testing.assert_allclose(found.numpy() * 1000, counts, atol=1e-6)


def test_the_gradient_is_that_of_the_sigmoids():
    values = torch.tensor([0.03, 0.98, 2.5], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: soft_histogram(v, 100.0, -2, 4), values)
    soft_histogram(values, 100.0, -2, 4)[2].backward()
    assert values.grad is not None
    assert values.grad[0] > 0  # further into the bin (0, 1)
    assert values.grad[1] < 0  # on its way out of it
    assert abs(values.grad[2]) < 1e-12


def test_a_flat_sigmoid_is_refused():
    with pytest.raises(ValueError, match="take 50 or more"):
        soft_histogram(torch.zeros(4), 10.0)


def test_the_hard_one_is_numpys_to_the_bit():
    values = np.random.default_rng(2).normal(0, 3, (2, 1000))
    values[0, :6] = (-4, -3.5, 0, 3, 3.999, 4)  # the upper end belongs to no bin
    found = hard_histogram(torch.from_numpy(values), -4, 4)
    for row, one in zip(found.numpy(), values, strict=True):
        counts, _ = np.histogram(one[one < 4], np.arange(-4, 5))
        np.testing.assert_array_equal(row, counts / 1000)


def shared(values, low, high):
    """Each value shared between the two nearest bin centres, by their distance."""
    centres = np.arange(low, high) + 0.5
    return np.maximum(1 - np.abs(values[:, None] - centres), 0).mean(0)


def test_the_hard_ones_gradient_is_that_of_shared_values():
    # Away from bin centres, where sharing has a kink; some beyond the ends.
    values = np.array([-3.2, -2.7, -1.4, -0.9, 0.1, 0.2, 1.7, 1.9, 2.2, 2.4, 2.6, 40.0])
    wanted = np.random.default_rng(3).normal(size=4)
    given = torch.from_numpy(values).requires_grad_()
    (hard_histogram(given, -2, 2) * torch.from_numpy(wanted)).sum().backward()
    step = 1e-6
    slopes = [
        (shared(values + d, -2, 2) - shared(values - d, -2, 2)) @ wanted / (2 * step)
        for d in step * np.eye(len(values))
    ]
    assert given.grad is not None
    np.testing.assert_allclose(given.grad.numpy(), slopes, atol=1e-8)
    assert np.count_nonzero(given.grad.numpy()) == 8  # those within half a bin of the range
