"""Histories: what a text says, that it parses back, and what is no history."""

import pytest
import torch

from forensics.batch import Batch
from forensics.errors import ForensicsError, UnknownName
from forensics.histories.history import History, Parameter, Step

pytestmark = pytest.mark.usefixtures("toy")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "jpeg(75)",
        "jpeg(60) crop(3,5) jpeg(90)",
        "jpeg({q1}) ATTACK crop({r},{c}) jpeg({q2})",
        "jpeg(75,sampling=4:2:2)",
        "jpeg(quality={q},sampling=4:4:4) toy-median crop(top=1,left=2)",
        "jpeg(60) toy-median jpeg(90)",
        "resize({f},kernel=bicubic,antialias=true) rotate(-2.5) shear(0.1)",
        "median(3) gaussian(0.5,size=5) awgn({s})",
        "jpeg(60) toy-median:passes=2 jpeg(90)",
        "maybe(0.5,median(3))",
        "maybe({p},jpeg({q0}) toy-median:passes=2) jpeg(90)",
        "splice(jpeg({qd}) crop(3,5))",
        "splice(resize(0.8,kernel=bicubic) jpeg(60,sampling=4:2:2),donor=1)",
        "splice(history=gaussian(1.1),donor=self) splice(donor=copy)",
        "splice(maybe(0.5,splice(rotate(5),donor=2)),0)",
    ],
)
def test_the_text_parses_back(text):
    history = History.parse(text)
    assert str(history) == text
    assert History.parse(str(history)) == history


def test_spaces_do_not_matter():
    assert History.parse("  jpeg( 60 )\n crop(3 , 5)\t") == History.parse("jpeg(60) crop(3,5)")


def test_parts():
    history = History.parse("jpeg({q1}) ATTACK crop({r},{c}) jpeg({q1},sampling=4:2:2)")
    assert history.parameters == ("q1", "r", "c")
    assert history.has_slot
    assert history.steps[3].arguments == (("", Parameter("q1")), ("sampling", "4:2:2"))
    assert history.text({"q1": 60, "c": 7}) == (
        "jpeg(60) ATTACK crop({r},7) jpeg(60,sampling=4:2:2)"
    )
    assert str(history.fill(None)) == "jpeg({q1}) crop({r},{c}) jpeg({q1},sampling=4:2:2)"
    assert str(history.fill(Step("toy-median"))).split()[1] == "toy-median"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("jpeg(60", "cannot read 'jpeg(60'"),
        ("jpeg(60)crop(3,5)", "cannot read 'jpeg(60)crop(3,5)'"),
        ("60", "cannot read '60'"),
        ("jpeg(60) -> jpeg(90)", "cannot read '->'"),
        ("jpge(60)", "did you mean 'jpeg'"),
        ("jpeg([)", "cannot read '['"),
        ("jpeg:sampling=gray(60)", "in parentheses"),
        ("ATTACK(60)", "ATTACK"),
        ("jpeg(90) maybe(0.5,median(3)", "never closed, at character 15"),
        ("maybe(0.5,median(3)))", "cannot read 'maybe(0.5,median(3)))', at character 21"),
        ("maybe(0.5,)", "an argument missing, at character 11"),
        ("splice(,donor=1)", "an argument missing, at character 8"),
        ("splice(jpeg(60) ATTACK)", "ATTACK has no place inside splice(...), at character 8"),
        ("splice(crop(1,2) jpge(60))", "did you mean 'jpeg'"),
        ("maybe(0.5,median(3) 60)", "cannot read '60', at character 21"),
        ("jpeg(median(3))", "'median(3)' stands where a value is wanted, at character 6"),
        ("maybe(median(3),0.5)", "'median(3)' stands where a value is wanted"),
    ],
)
def test_what_is_no_history(text, words):
    with pytest.raises(ForensicsError) as error:
        History.parse(text)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_step_is_an_unknown_name():
    with pytest.raises(UnknownName):
        History.parse("soften(3)")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("jpeg", "jpeg(quality, sampling)"),
        ("jpeg(60,4:2:0,3)", "too many"),
        ("jpeg(q=60)", "missing a required argument: 'quality'; write jpeg(quality, sampling)"),
        ("jpeg({q})", "needs a value for {q}"),
        ("jpeg(0)", "1 to 100"),
        ("jpeg(101)", "1 to 100"),
        ("jpeg(60.5)", "whole number"),
        ("jpeg(true)", "whole number"),
        ("jpeg(high)", "whole number"),
        ("jpeg(60,4:1:0)", "4:2:0"),
        ("crop(-1,0)", "not -1"),
        ("crop(1.5,0)", "not 1.5"),
        ("crop(100,0)", "leaves nothing"),
        ("toy-median(3)", "toy-median:key=value"),
        ("toy-median:size=5", "option of toy-median"),
        ("maybe(0.5)", "maybe holds no step"),
        ("maybe(1.5,median(3))", "from 0 to 1, not 1.5"),
        ("maybe(0.5,crop(3,5))", "maybe(0.5,crop(3,5)) would change the size"),
        ("maybe(0.5,resize(0.5))", "maybe(0.5,resize(0.5)) would change the size"),
        ("maybe(0.5,jpeg({q}))", "maybe(0.5,jpeg({q})) needs a value for {q}"),
        ("splice(jpeg(60),donor=you)", "donor=self or donor=copy, not donor=you"),
        ("splice(jpeg(60),donor=-1)", "not donor=-1"),
        ("splice(jpeg(60))", "no other photograph for a splice with donor=0"),
    ],
)
def test_arguments_that_a_step_cannot_take(text, words):
    batch = Batch.of(torch.zeros(1, 1, 32, 32, dtype=torch.uint8))
    with pytest.raises(ForensicsError) as error:
        History.parse(text).apply(batch)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_what_a_step_holds_counts():
    history = History.parse(
        "jpeg({q}) maybe({p},jpeg({q0})) splice(maybe(0.5,splice(jpeg({qx}),3)),donor=1)"
    )
    assert history.parameters == ("q", "p", "q0", "qx")
    assert [step.donors for step in history.steps] == [0, 0, 4]
    assert history.donors == 4
    assert History.parse("jpeg(60) ATTACK splice(donor=copy) jpeg(90)").donors == 0
    assert History.parse("splice(jpeg(60))").donors == 1
    assert [s.geometric for s in History.parse("maybe(1,jpeg(9)) maybe(1,shear(1))").steps] == [
        False,
        True,
    ]
    assert history.text({"q0": 96, "p": 0.25}) == (
        "jpeg({q}) maybe(0.25,jpeg(96)) splice(maybe(0.5,splice(jpeg({qx}),3)),donor=1)"
    )


def test_equal_steps_of_a_history_are_told_apart():
    first, second, other = History.parse("maybe(0.5,median(3)) " * 2 + "maybe(0.5,median(5))").steps
    assert (first.turn, second.turn, other.turn) == (0, 1, 0)
    assert first != second
    assert first.text() == second.text()


def test_a_history_is_its_steps_in_order():
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (3, 1, 40, 48), dtype=torch.uint8, generator=generator)
    batch = Batch.of(pixels)
    steps = ("jpeg(60)", "toy-median", "crop(3,5)", "jpeg({q})")
    one_by_one = batch
    for step in steps:
        one_by_one = History.parse(step).apply(one_by_one, {"q": 90})
    at_once = History.parse(" ".join(steps)).apply(batch, {"q": 90})
    assert torch.equal(one_by_one.pixels, at_once.pixels)
    assert at_once.size == (37, 43)
    assert torch.equal(batch.pixels, pixels)
    assert History.parse("").apply(batch) is batch


def test_an_attacker_takes_its_options():
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (2, 3, 24, 32), dtype=torch.uint8, generator=generator)
    batch = Batch.of(pixels)
    twice = History.parse("toy-median toy-median").apply(batch)
    assert torch.equal(History.parse("toy-median:passes=2").apply(batch).pixels, twice.pixels)
    assert not torch.equal(History.parse("toy-median").apply(batch).pixels, twice.pixels)


def test_simulate_is_the_same_in_one_call():
    import forensics

    batch = Batch.of(torch.arange(0, 256, dtype=torch.uint8).reshape(1, 1, 16, 16))
    expected = History.parse("jpeg(60) crop(1,2)").apply(batch)
    assert torch.equal(forensics.simulate("jpeg(60) crop(1,2)", batch).pixels, expected.pixels)
