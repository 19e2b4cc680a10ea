"""Regions of made-up evidence, where it is known what is right."""

import math

import pytest
import torch

from forensics_q1cnn.localization.regions import disjoint, partition, price, united

CHANCE = -8.0


def evidence(places, noise=0.0, size=(30, 40), hypotheses=5, strength=12.0):
    """Hypothesis 0 everywhere but at the places, (rows, columns, hypothesis)."""
    torch.manual_seed(7)
    made = torch.full((*size, hypotheses), -strength)
    made[..., 0] = 0
    for rows, columns, which in places:
        made[rows, columns] = -strength
        if which is not None:
            made[rows, columns, which] = 0
    return made - noise * torch.rand(made.shape)


def test_regions_are_where_they_were_put():
    first = slice(3, 15), slice(4, 18)
    second = slice(18, 27), slice(24, 36)
    found = partition(evidence([(*first, 2), (*second, 4)], noise=2.0), CHANCE)
    expected = torch.zeros(30, 40, dtype=torch.int64)
    expected[first], expected[second] = 1, 2  # by size
    wrong = found.labels != expected
    assert int(wrong.sum()) <= 12  # corners, which neighbours outvote
    assert not bool(wrong[5:13, 6:16].any())
    # 12 x 14 windows of 12 nats, each for the 64th of its pixels that is its own; the outermost
    # have neighbours that say otherwise.
    assert 10 * 12 * 12 / 64 < found.gain < 12 * 14 * 12 / 64
    assert bool((found.rival >= 0).all())


def test_a_region_that_no_hypothesis_fits():
    place = slice(8, 22), slice(10, 26)
    found = partition(evidence([(*place, None)], strength=20.0), CHANCE)
    assert found.labels[10:20, 12:24].eq(1).all()
    assert found.labels.max() == 1
    assert 12 * 14 * 12 / 64 < found.gain < 14 * 16 * 12 / 64


def test_none_where_there_is_none():
    found = partition(evidence([], noise=6.0), CHANCE)
    assert int(found.labels.max()) == 0
    assert 0 <= found.gain < price(30 * 40)
    alone = partition(torch.zeros(1, 1, 1), CHANCE)
    assert (alone.labels.tolist(), alone.gain) == ([[0]], 0.0)


def test_the_price_grows_with_the_places():
    assert price(64 * 100) - price(64) == pytest.approx(math.log(100))


def test_the_main_region_has_the_border():
    """A region may be larger than what is left around it."""
    inside = slice(3, 27), slice(3, 37)
    found = partition(evidence([(*inside, 1)]), CHANCE)
    assert int((found.labels == 1).sum()) > 30 * 40 / 2
    assert found.labels[0].eq(0).all()


def test_parts_too_small_to_pay_are_the_main_regions():
    found = partition(
        evidence([(slice(3, 15), slice(4, 18), 2), (slice(20, 23), slice(30, 33), 2)]), CHANCE
    )
    assert found.labels[8, 10] == 1
    assert found.labels[18:].max() == 0


def test_regions_that_say_the_same_are_one():
    """Two interlocked ones, which together are larger than the third."""
    labels = torch.zeros(20, 30, dtype=torch.int64)
    labels[2:8, 2:12] = 1
    labels[10:18, 3:9:2] = 2
    labels[10:18, 4:9:2] = 3
    found, made = united(labels, ["main", "one", "two", "two"])
    expected = torch.zeros_like(labels)
    expected[2:8, 2:12] = 1
    expected[10:18, 3:9] = 2
    assert torch.equal(found, expected)
    assert made == [[0], [1], [2, 3]]
    labels[2:8, 6:12] = 0
    found, made = united(labels, ["main", "one", "two", "two"])
    assert found[12, 3] == found[12, 4] == 1
    assert made == [[0], [2, 3], [1]]


def test_regions_that_say_different_things_remain():
    labels = torch.tensor([[0, 0, 1], [0, 2, 1]])
    found, made = united(labels, [(1.0,), (2.0,), (3.0,)])
    assert torch.equal(found, labels)
    assert made == [[0], [1], [2]]
    alone = torch.zeros(2, 2, dtype=torch.int64)
    assert united(alone, ["main"])[1] == [[0]]


def test_disjoint_windows_share_no_pixel_and_lie_inside():
    inside = torch.zeros(40, 50, dtype=torch.bool)
    inside[5:30, 8:40] = True
    found = disjoint(inside, 8, 64)
    assert len(found) >= 6
    for n, (y, x) in enumerate(found):
        assert inside[y, x]
        for other_y, other_x in found[:n]:
            assert abs(y - other_y) >= 8 or abs(x - other_x) >= 8
    assert len(disjoint(inside, 8, 3)) == 3
    assert len(disjoint(inside[:1, :1] | True, 8, 9)) == 1
