"""`maybe`: who takes a step, and what can be seen of it."""

from dataclasses import replace

import pytest
import torch

from forensics.batch import Batch
from forensics.histories.history import History


def tiles(count, side=48, first=0):
    generator = torch.Generator().manual_seed(first)
    pixels = torch.randint(0, 256, (count, 1, side, side), dtype=torch.uint8, generator=generator)
    origins = 32 * torch.arange(2 * count).view(count, 2)
    return replace(Batch.of(pixels, first_key=first), origins=origins)


def taken(text, batch, **values):
    """Which patches took it, by their pixels."""
    after = History.parse(text).apply(batch, values)
    return (after.pixels != batch.pixels).flatten(1).any(1)


def test_each_patch_is_as_it_was_or_went_through():
    batch = tiles(40)
    after = History.parse("maybe(0.5,median(3) jpeg(60))").apply(batch)
    through = History.parse("median(3) jpeg(60)").apply(batch)
    chosen = (after.pixels == through.pixels).flatten(1).all(1)
    kept = (after.pixels == batch.pixels).flatten(1).all(1)
    assert torch.equal(chosen, ~kept)
    assert 8 < chosen.sum() < 32
    # Nothing but the pixels says who was compressed, be it before or inside.
    assert after.jpeg is None
    assert History.parse("jpeg(60) maybe(0,jpeg(90))").apply(batch).jpeg is None


def test_the_choice_is_by_key_whatever_the_batch_and_the_point():
    batch = tiles(64)
    whole = taken("maybe(0.5,gaussian({s}))", batch, s=0.5)
    apart = torch.cat([taken("maybe(0.5,gaussian({s}))", batch[i : i + 1], s=2) for i in range(64)])
    assert torch.equal(whole, apart)
    # After other steps it is the same choice, as on the other side of a trace.
    before = History.parse("median(3)").apply(batch)
    assert torch.equal(taken("maybe(0.5,gaussian({s}))", before, s=1.1), whole)
    # Another text, or another turn, is another choice.
    assert not torch.equal(taken("maybe(0.5,gaussian(0.5))", batch), whole)
    once = History.parse("maybe(0.5,awgn(9))").apply(batch)
    twice = History.parse("maybe(0.5,awgn(9)) maybe(0.5,awgn(9))").apply(batch)
    again = (twice.pixels != once.pixels).flatten(1).any(1)
    first = (once.pixels != batch.pixels).flatten(1).any(1)
    assert (again & first).any()
    assert (again & ~first).any()
    assert (~again & first).any()


@pytest.mark.parametrize("chance", [0.0, 0.2, 0.9, 1.0])
def test_the_chance_is_the_chance(chance):
    batch = tiles(2000, side=8)
    share = float(taken("maybe({p},awgn(20))", batch, p=chance).double().mean())
    assert abs(share - chance) <= 4 * (chance * (1 - chance) / 2000) ** 0.5


def test_a_chance_for_each_patch():
    batch = tiles(10)
    chances = torch.tensor([0.0, 1.0]).repeat(5)
    assert torch.equal(taken("maybe({p},median(3))", batch, p=chances), chances > 0)


def test_who_is_moved_lies_elsewhere():
    batch = tiles(30)
    after = History.parse("maybe(0.5,resize(2))").apply(batch)
    moved = History.parse("resize(2)").apply(batch)
    took = (after.pixels == moved.pixels).flatten(1).all(1)
    assert 0 < took.sum() < 30
    assert torch.equal(after.origins, torch.where(took[:, None], moved.origins, batch.origins))
    # The step after it works on the place where each tile lies now.
    twice = History.parse("rotate(5)").apply(after)
    one = History.parse("rotate(5)").apply(moved)
    assert torch.equal(twice.pixels[took], one.pixels[took])


@pytest.mark.parametrize("inner", ["median(5)", "resize(0.5)", "jpeg(60)", "gaussian(1) rotate(9)"])
def test_it_needs_the_room_of_what_it_holds(inner):
    bound = History.parse(f"maybe(0.5,{inner})").steps[0].bind({})
    steps = [step.bind({}) for step in History.parse(inner).steps]
    assert bound.margin(True) == sum(step.margin(True) for step in steps)
    assert bound.align(True) == max(step.align(True) for step in steps)
    side = 64
    for step in reversed(steps):
        side = step.side_before(side, True)
    assert bound.side_before(64, True) >= side


def test_marks_move_with_those_who_are_moved():
    batch = tiles(30)
    marks = torch.zeros(30, 48, 48, dtype=torch.bool)
    marks[:, 20:30, 20:26] = True
    batch = replace(batch, mask=marks)
    after = History.parse("maybe(0.5,rotate(90))").apply(batch)
    moved = History.parse("rotate(90)").apply(batch)
    took = (after.pixels == moved.pixels).flatten(1).all(1)
    assert 0 < took.sum() < 30
    assert torch.equal(after.mask, torch.where(took[:, None, None], moved.mask, marks))
    # What is pasted by chance is marked by chance, where nothing was before.
    chance = History.parse("maybe(0.5,splice(donor=copy))").apply(replace(batch, mask=None))
    pasted = chance.mask.any(2).any(1)
    assert torch.equal(pasted, (chance.pixels != batch.pixels).flatten(1).any(1))
    assert 0 < pasted.sum() < 30
