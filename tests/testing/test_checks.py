"""The contract suite finds every way of breaking it, and nothing where it is kept."""

import subprocess
import sys
from dataclasses import dataclass

import pytest
import torch
from torch.nn.functional import avg_pool2d

from forensics import testing
from forensics.batch import Batch
from forensics.errors import UnknownName
from forensics.jpeg import standard_tables
from forensics.models.entries import ModelEntry, Needs
from forensics.models.interfaces import Belief, Estimate, Heatmap, Layer, Region, Scores
from forensics.testing import answers, inputs
from forensics.testing.__main__ import main
from forensics.testing.checks import _covers, _says_something


def broken(plugin):
    """What is wrong, by the model's name: the kinds of checks that fail."""
    found = {}
    for check in testing.checks(plugin):
        try:
            check()
        except Exception:
            about, _, which = str(check).partition(": ")
            found.setdefault(about, set()).add(which.partition(",")[0])
    return found


def test_the_toys_break_it_in_their_ways(toy):
    forms = {"answers", "repeats", "one by one", "leaves input", "extremes"}
    # The cramped ones run out of memory, which is no matter of the contract.
    found = {about: which for about, which in broken("toy").items() if "cramped" not in about}
    assert found == {
        "detector toy-raises": forms | {"answers something"},
        "detector toy-writes": {"leaves input"},
        "detector toy-picky": {"one by one"},  # its threshold is the median of the batch
        "estimator toy-table": {"names"},  # it is registered for a trace that has no truth
        "attacker toy-writing": {"leaves input"},
    }


def test_estimators_and_localizers_are_tried(toy):
    """Every form of every kind that a model is registered as."""
    ran = {str(check) for check in testing.checks("toy")}
    for kind in ("detector", "estimator", "localizer"):
        for which in ("answers", "repeats", "one by one", "leaves input", "extremes"):
            assert f"{kind} toy-everything: {which}, gray 8x8 cpu" in ran
    assert "estimator toy-quality: names" in ran
    assert "localizer toy-everything: names" not in ran


def test_the_core_keeps_it():
    assert broken("builtin") == {}


def test_the_report_counts(toy, capsys):
    assert testing.report("toy") == 1
    out = capsys.readouterr().out
    assert f"toy: {len(testing.checks('toy'))} checks ran, " in out
    assert "FAILED detector toy-raises: answers, gray 8x8 cpu: RuntimeError: out of luck" in out
    assert "n/a detector toy-trained: weights toy-trained: no weights for toy-trained" in out


def test_from_the_command_line():
    line = [sys.executable, "-m", "forensics.testing", "builtin"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert "checks ran, 0 failed, 0 n/a" in done.stdout


def test_a_plugin_that_is_not_there():
    with pytest.raises(UnknownName, match="no plugin is called 'nobody'"):
        testing.checks("nobody")


def test_forms_are_what_is_claimed():
    forms = inputs.forms(Needs(channels=(3,), smallest=9, multiple_of=8, jpeg=True))
    sizes = {(f.channels, f.height, f.width) for f in forms}
    assert sizes == {(3, 16, 16), (3, 40, 56)}
    batch = forms[0].photographs()
    assert batch.jpeg is not None
    assert len({table.sum().item() for table in batch.jpeg.tables}) == 3
    assert len({image.float().mean().item() for image in batch.pixels}) == 3
    gray = inputs.forms(Needs())[0]
    assert gray.photographs().jpeg is None
    assert [name for name, _ in gray.extremes()][-1] == "noise of 0 and 255"
    assert torch.equal(list(gray.extremes())[-1][1].pixels.unique(), torch.tensor([0, 255]))


BATCH = Batch.of(torch.arange(2 * 64, dtype=torch.uint8).view(2, 1, 8, 8))
NAN = float("nan")


@dataclass(frozen=True)
class Says:
    """A model of every kind that gives what it was made with."""

    answer: object

    def score(self, batch):
        return self.answer

    estimate = localize = attack = score


def shares(*rows):
    shares = torch.tensor(rows)
    return {"q": Belief(torch.arange(1.0, shares.shape[1] + 1), shares)}


def layered(regions, **layers):
    """A map with layers of these values and so many regions an image."""
    given = {name: Layer(torch.full(shape, value)) for name, (shape, value) in layers.items()}
    parts = tuple((Region(9, {}),) * n for n in regions)
    return Heatmap(torch.zeros(2, 3, 3), 4, 0, torch.zeros(2), None, given, parts)


CELLS = (2, 3, 3)
GOOD = [
    ("detector", Scores(torch.tensor([1.0, NAN]), (None, "flat"))),
    ("estimator", Estimate(("q",), torch.zeros(2, 1), shares((0.5, 0.5), (0.1, 0.9)))),
    ("localizer", Heatmap(torch.zeros(2, 3, 3), 4, 0, torch.zeros(2))),
    ("localizer", layered((2, 2), region=(CELLS, 1.0), bits=(CELLS, 7.5))),
    ("attacker", BATCH.pixels.clone()),
]
BAD = [
    ("localizer", Heatmap(torch.full(CELLS, NAN), 4, 0, torch.zeros(2)), "NaN everywhere"),
    ("detector", Scores(torch.zeros(3)), "3 rows for 2 patches"),
    ("detector", Scores(torch.zeros(2, 1)), "2 axes, not 1"),
    ("detector", Scores(torch.zeros(2, dtype=torch.float64)), "float64, not float32"),
    ("detector", Scores(torch.tensor([0.0, NAN])), "nan with the reason None"),
    ("detector", Scores(torch.zeros(2), (None, "flat")), "0.0 with the reason flat"),
    ("detector", Scores(torch.tensor([NAN, 0]), (" ", None)), "a reason is empty"),
    ("detector", Scores(torch.tensor([NAN, 0]), ("flat",)), "1 reasons for 2 patches"),
    ("detector", Scores(torch.tensor([0, float("inf")])), "infinite"),
    ("estimator", Estimate(("q", "k"), torch.zeros(2, 1)), "not a value for each name"),
    ("estimator", Estimate(("k",), torch.zeros(2, 1), shares((1.0,), (1.0,))), "unknown name"),
    ("estimator", Estimate(("q",), torch.zeros(2, 1), shares((0.5, 0.2), (1.0, 0.0))), "close"),
    ("localizer", Heatmap(torch.zeros(2, 3, 3), 0, 0, torch.zeros(2)), "a stride of 0"),
    ("localizer", Heatmap(torch.zeros(2, 3, 3), 8, 0, torch.zeros(2, 1)), "2 axes, not 1"),
    ("localizer", layered((), bits=((2, 3, 4), 1.0)), "the layer bits is"),
    ("localizer", layered((1,), region=(CELLS, 0.0)), "regions of 1 images for 2"),
    ("localizer", layered((1, 1), bits=(CELLS, 0.0)), "no layer that says where"),
    ("localizer", layered((2, 1), region=(CELLS, 1.0)), "1 regions, and a cell of another"),
    ("attacker", BATCH.pixels.float(), "not uint8"),
    ("attacker", BATCH.pixels[:, :, 1:], "became"),
]


@pytest.mark.parametrize(("kind", "answer"), GOOD)
def test_good_answers(kind, answer):
    found = answers.ask(kind, Says(answer), BATCH)
    assert all(len(tensor) == 2 for tensor in found.tensors.values())
    answers.assert_same(found, found)


@pytest.mark.parametrize(("kind", "answer", "complaint"), BAD)
def test_bad_answers(kind, answer, complaint):
    with pytest.raises(AssertionError, match=complaint):
        answers.ask(kind, Says(answer), BATCH)


def test_answers_that_differ():
    same = answers.Answer({"pixels": BATCH.pixels}, (None, None))
    off = answers.Answer({"pixels": BATCH.pixels + 2}, (None, None))
    with pytest.raises(AssertionError, match="differ by 2"):
        answers.assert_same(off, same)
    with pytest.raises(AssertionError, match="many"):
        answers.assert_same(answers.Answer({"pixels": BATCH.pixels + 1}, (None, None)), same)
    with pytest.raises(AssertionError, match="flat"):
        answers.assert_same(answers.Answer({"pixels": BATCH.pixels}, (None, "flat")), same)


@dataclass(frozen=True)
class Map:
    """Cells of 8 x 8 pixels, or said to be others."""

    stride: int = 8
    offset: int = 4

    def localize(self, batch):
        values = avg_pool2d(batch.pixels.float(), 8)[:, 0]
        return Heatmap(values, self.stride, self.offset, values.amax((1, 2)))


@pytest.mark.parametrize("smallest", [8, 64])
@pytest.mark.parametrize("multiple", [1, 8])
def test_a_map_that_ends_elsewhere_than_the_image(smallest, multiple):
    form = inputs.wide(Needs(smallest=smallest, multiple_of=multiple))
    for right in (Map(), Map(offset=3)):
        _covers("localizer", right, form)
    for wrong in (Map(stride=16), Map(stride=4), Map(offset=12), Map(stride=7, offset=0)):
        with pytest.raises(AssertionError, match=f"stride {wrong.stride} the last of"):
            _covers("localizer", wrong, form)


@dataclass(frozen=True)
class Silent:
    """Answers patches of which `most` columns are brighter than 200, and no other."""

    most: int

    def score(self, batch):
        counts = (batch.pixels.amax((1, 2)) > 200).sum(1)
        blank = counts <= self.most
        reasons = tuple("dark" if dark else None for dark in blank.tolist())
        return Scores(counts.float().masked_fill(blank, NAN), reasons)


def test_a_model_that_answers_nothing():
    entry = ModelEntry("silent", "nowhere:X", "", traces=("djpeg[q1=70]",))
    form = inputs.forms(Needs())[0]
    _says_something(entry, "detector", Silent(0), form)
    with pytest.raises(AssertionError, match="it answers no photograph: dark"):
        _says_something(entry, "detector", Silent(10**6), form)


def test_photographs_are_made_as_a_trace_makes_them():
    needs = Needs(jpeg=True)
    entry = ModelEntry("x", "nowhere:X", "", traces=("djpeg[q1=70, q2=80]",), needs=needs)
    first, second = inputs.traced(entry)
    assert torch.equal(first.jpeg.tables, standard_tables(80, 1).expand(3, -1, -1, -1))
    assert first.size == second.size
    assert not torch.equal(first.pixels, second.pixels)


def test_the_command_takes_names_of_plugins(capsys, toy):
    assert main(["toy"]) == 1
    out = capsys.readouterr().out.splitlines()
    assert len(out) > len(testing.checks("toy"))
    assert {line.split()[0] for line in out[:-1]} >= {"ok", "FAILED", "n/a"}
    for given, code, said in (([], 2, "usage"), (["-h"], 2, "builtin"), (["x"], 1, "no plugin")):
        assert main(given) == code
        assert said in capsys.readouterr().err
