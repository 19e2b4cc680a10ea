"""Keyed random numbers: against SplitMix64 in Python's integers, and what they promise."""

import math

import pytest
import torch

from forensics import random

WORD = (1 << 64) - 1


def splitmix(x):
    """The finalizer of SplitMix64 (Steele, Lea and Flood, 2014)."""
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & WORD
    return x ^ (x >> 31)


def reference(key, name, count):
    start = splitmix((key ^ random.key(name)) & WORD)
    return [splitmix((start + n * 0x9E3779B97F4A7C15) & WORD) for n in range(1, count + 1)]


def test_the_finalizer_is_that_of_the_published_generator():
    # The first outputs of SplitMix64 seeded with 1234567, as the Rosetta Code task gives them.
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    states = [(1234567 + n * 0x9E3779B97F4A7C15) & WORD for n in (1, 2, 3)]
    assert [splitmix(s) for s in states] == published


@pytest.mark.parametrize("key", [0, 1, -1, 2**63 - 1, -(2**63), 123456789123456789])
def test_bits_equal_splitmix64_in_whole_numbers(key):
    found = random.bits(torch.tensor([key]), "noise", (5,))[0].tolist()
    assert [f & WORD for f in found] == reference(key, "noise", 5)


def test_integers_and_uniform_are_the_top_bits():
    keys = torch.tensor([3, 4])
    words = [reference(k, "x", 4) for k in (3, 4)]
    integers = [[(w >> 2) % 63 for w in row] for row in words]
    assert random.integers(keys, "x", 63, (4,)).tolist() == integers
    shares = [[(w >> 40) / 2**24 for w in row] for row in words]
    assert random.uniform(keys, "x", (4,)).tolist() == shares


def test_normal_is_box_and_muller():
    word = reference(9, "n", 1)[0]
    radius = math.sqrt(-2 * math.log(((word >> 32) + 1) / 2**32))
    expected = radius * math.cos(2 * math.pi * (word & 0x7FFFFFFF) / 2**31)
    assert random.normal(torch.tensor([9]), "n").item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("draw", [random.bits, random.uniform, random.normal])
def test_a_patch_has_its_numbers_in_every_batch(draw):
    keys = torch.tensor([5, -7, 11])
    together = draw(keys, "name", (3, 4))
    for number in range(3):
        assert torch.equal(draw(keys[number : number + 1], "name", (3, 4))[0], together[number])
    assert torch.equal(draw(keys.flip(0), "name", (3, 4)).flip(0), together)
    # More numbers go on where fewer ended.
    assert torch.equal(draw(keys, "name", (20,))[:, :12], together.reshape(3, 12))


def test_moments():
    keys = torch.arange(200)
    normal = random.normal(keys, "n", (1000,)).double()
    assert abs(normal.mean()) < 5 / math.sqrt(2e5)
    assert normal.var().item() == pytest.approx(1, abs=5 * math.sqrt(2 / 2e5))
    assert (normal**4).mean().item() == pytest.approx(3, abs=5 * math.sqrt(96 / 2e5))
    uniform = random.uniform(keys, "u", (1000,)).double()
    assert uniform.min() >= 0
    assert uniform.max() < 1
    assert uniform.mean().item() == pytest.approx(0.5, abs=5 * math.sqrt(1 / 12 / 2e5))
    counts = torch.bincount(random.integers(keys, "i", 7, (1000,)).flatten(), minlength=7)
    expected = 2e5 / 7
    assert ((counts - expected) ** 2 / expected).sum() < 30  # chi-squared, 6 degrees: p < 1e-4
    assert len(counts) == 7


def test_names_and_neighbouring_keys_are_independent():
    keys = torch.arange(200)
    a, b = (random.normal(keys, name, (1000,)).double().flatten() for name in ("a", "b"))
    bound = 5 / math.sqrt(2e5)
    assert abs((a * b).mean()) < bound
    rows = a.view(200, 1000)
    assert abs((rows[1:] * rows[:-1]).mean()) < bound
    assert abs((rows[:, 1:] * rows[:, :-1]).mean()) < bound


def test_key_separates_its_parts():
    assert random.key("a", "bc") != random.key("ab", "c")
    assert random.key(1, 2) == random.key("1", "2")
    assert -(2**63) <= random.key("x") < 2**63
