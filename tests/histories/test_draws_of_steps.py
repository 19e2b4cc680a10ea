"""Steps that draw: independent of one another, equal where they are the same step of a trace."""

import itertools

import pytest
import torch

from forensics.batch import Batch
from forensics.histories.history import History

STEPS = {
    "awgn(4)": 4,
    "awgn(3)": 3,
    "noise": 2,
    "maybe(1,awgn(4))": 4,
    "maybe(1,awgn(3) awgn(4))": 5,
    "maybe(1,maybe(1,awgn(4)))": 4,
    "maybe(1,noise)": 2,
}


def noise(history, values=None):
    """What a history adds to 2 x 256 x 256 pixels of middle gray."""
    flat = Batch.of(torch.full((2, 1, 256, 256), 128, dtype=torch.uint8))
    return History.parse(history).apply(flat, values).pixels.double() - 128


@pytest.mark.parametrize("pair", list(itertools.product(STEPS, STEPS)), ids="-".join)
def test_variances_add(pair):
    """Each rounding to whole levels adds 1/12."""
    found = noise(" ".join(pair)).var().item()
    rounded = sum(1 + step.count(" ") for step in pair) / 12
    expected = sum(STEPS[step] ** 2 for step in pair) + rounded
    assert found == pytest.approx(expected, rel=0.025)


def test_noise_of_a_region_is_not_that_around_it():
    """`splice` takes its region through steps of its own."""
    donors = torch.full((1, 1, 1, 128, 128), 128, dtype=torch.uint8)
    flat = torch.full((1, 1, 128, 128), 128, dtype=torch.uint8)
    batch = Batch(
        flat,
        torch.tensor([7]),
        ("p",),
        torch.zeros(1, 2, dtype=torch.int64),
        donors=donors,
        window=(0, 128),
    )
    state = History.parse("awgn(6) splice(awgn(6))").apply(batch)
    alone = History.parse("awgn(6)").apply(batch).pixels
    inside = state.mask[0]
    assert 0.02 < inside.double().mean() < 0.98
    assert torch.equal(state.pixels[0, 0][~inside], alone[0, 0][~inside])
    ours, theirs = (each[0, 0][inside].double() - 128 for each in (state.pixels, alone))
    assert ((ours * theirs).mean() / 36).abs() < 0.1


def test_the_same_step_of_both_sides_draws_the_same():
    pristine = noise("jpeg({q}) awgn({s})", {"q": 100, "s": 5.0})
    altered = noise("jpeg({q}) median(1) awgn({s})", {"q": 100, "s": 5.0})
    assert torch.equal(pristine, altered)


def test_a_slot_is_a_place_like_any_other():
    """An attacker that stands in a history already draws anew in the slot."""
    history = History.parse("noise ATTACK")
    (attacker,) = History.parse("noise").steps
    flat = Batch.of(torch.full((2, 1, 256, 256), 128, dtype=torch.uint8))
    twice = history.fill(attacker).apply(flat).pixels.double() - 128
    assert twice.var().item() == pytest.approx(8 + 2 / 12, rel=0.025)
