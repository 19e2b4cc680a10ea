"""The losses against hand computations, and which way they push."""

import math

import pytest
import torch

from forensics_q1cnn.dense import decoding, losses
from forensics_q1cnn.tables import CAPS

FIRST = [0, *torch.tensor(CAPS).cumsum(0).tolist()]


def certain(steps):
    """Outputs that are all but certain of these steps."""
    outputs = torch.zeros(1, sum(CAPS))
    for start, step in zip(FIRST, steps, strict=False):
        outputs[0, start + step - 1] = 50.0
    return outputs


def two_blocks():
    """Certain of step 1 in all blocks but the first two, where steps 2 and 3 have the
    probabilities .75 and .25, and steps 4 and 5 .5 each."""
    outputs = certain([1] * 15)
    outputs[0, : FIRST[2]] = -50.0
    outputs[0, 1], outputs[0, 2] = math.log(3), 0.0
    outputs[0, FIRST[1] + 3] = outputs[0, FIRST[1] + 4] = 0.0
    return outputs, torch.tensor([[2, 6] + [1] * 13])


def test_classes_are_the_steps_of_quality_50():
    assert CAPS == (16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24)
    assert sum(CAPS) == 226


def test_blocks_sum_to_one():
    torch.manual_seed(0)
    found = decoding.blocks(torch.randn(3, 226) * 5)
    assert tuple(block.shape[1] for block in found) == CAPS
    for block in found:
        torch.testing.assert_close(block.exp().sum(1), torch.ones(3))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # -log .75 of the first block; the second has no probability left for step 6, only e^-50.
        ("none", -math.log(0.75) + 50 + math.log(2)),
        # Squares: .25 * 1 in the first, .5 * 4 + .5 * 1 in the second.
        ("squared", 0.8 * (-math.log(0.75) + 50 + math.log(2)) + 0.2 * (0.25 + 2.5)),
        # Distances: .25 and 1.5; the cross-entropy is a mean over 15.
        ("absolute", 0.8 * (-math.log(0.75) + 50 + math.log(2)) / 15 + 0.2 * (0.25 + 1.5)),
    ],
)
def test_losses_of_two_blocks_by_hand(name, expected):
    outputs, true = two_blocks()
    found = losses.CLASSIFICATION[name](outputs, true)
    torch.testing.assert_close(found, torch.tensor([expected]), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", losses.CLASSIFICATION)
def test_descent_makes_the_truth_more_probable(name):
    torch.manual_seed(1)
    outputs = torch.randn(4, 226, requires_grad=True)
    true = torch.stack([torch.randint(1, cap + 1, (4,)) for cap in CAPS], 1)
    before = losses.entropy(outputs, true)
    losses.CLASSIFICATION[name](outputs, true).sum().backward()
    after = losses.entropy(outputs - 0.01 * outputs.grad, true)
    assert (after < before).all()


def test_distance_prefers_a_near_miss_and_entropy_does_not_care():
    true = torch.full((1, 15), 5)
    near, far = certain([6] * 15), certain([9] * 15)
    assert losses.entropy(near, true) == pytest.approx(float(losses.entropy(far, true)))
    for name in ("squared", "absolute"):
        loss = losses.CLASSIFICATION[name]
        assert loss(near, true) < loss(far, true)


def test_regression_losses_by_hand():
    outputs = torch.full((1, 15), 7.0)
    true = torch.full((1, 15), 7)
    true[0, :2] = torch.tensor([5, 10])
    assert float(losses.square(outputs, true)) == pytest.approx(4 + 9)
    expected = math.log(math.cosh(2)) + math.log(math.cosh(3))
    assert float(losses.logcosh(outputs, true)) == pytest.approx(expected, rel=1e-5)


def test_decodings():
    outputs, _ = two_blocks()
    found = decoding.blocks(outputs)
    assert decoding.most_probable(found)[0, 0] == 2
    mean = decoding.expected(found)[0]
    torch.testing.assert_close(mean[:3], torch.tensor([2.25, 4.5, 1.0]))


def test_regression_is_rounded_and_kept_within_the_classes():
    outputs = torch.tensor([[-3.0, 0.2, 1.4, 1.6, 99.0] + [9.6] * 10])
    steps = decoding.rounded(outputs)[0]
    assert steps[:5].tolist() == [1, 1, 1, 2, CAPS[4]]
    assert (steps[5:] == 10).all()
