"""Traces: points, draws, and how much of the photograph around a patch they ask for."""

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from forensics.batch import Batch
from forensics.errors import ForensicsError, UnknownName
from forensics.histories.history import History
from forensics.models import registry
from forensics.models.entries import parse_trace
from forensics.traces import trace as traces
from forensics.traces.draws import Draw, Uniform
from forensics.traces.trace import Trace

CORE = ("jpeg", "djpeg", "djpeg-shifted")
SINGLE = (
    "median",
    "gaussian",
    "gaussian-kernel",
    "awgn",
    "resize-bilinear",
    "resize-bicubic",
    "rotate",
    "shear",
)
KINDS = ("", "-camera", "-jpeg", "-resaved")
MANIPULATIONS = tuple(name + kind for name in SINGLE for kind in KINDS)
OPERATION = ("operation", "operation-jpeg", "operation-resaved")
SPLICES = ("q1", "two", "resize", "rotate", "blur", "noise", "copy")
SPLICES += ("blur-camera", "enlarge", "enlarge-camera")
SPLICED = tuple("splice-" + name for name in SPLICES)
ALL = (*CORE, *MANIPULATIONS, "jpeg-camera", "q1", "q1-aligned", "q1-shifted", *OPERATION, *SPLICED)


def test_the_registered_traces_are_there_with_their_histories():
    assert tuple(registry.registry().all("trace"))[: len(ALL)] == ALL
    altered = {name: str(traces.get(name).history("altered")) for name in CORE}
    assert altered == {
        "jpeg": "jpeg({q}) ATTACK",
        "djpeg": "jpeg({q1}) ATTACK jpeg({q2})",
        "djpeg-shifted": "jpeg({q1}) ATTACK crop({r},{c}) jpeg({q2})",
    }
    assert str(traces.get("jpeg").history("pristine")) == ""
    assert str(traces.get("djpeg-shifted").history("pristine")) == "crop({r},{c}) jpeg({q2})"
    with pytest.raises(UnknownName, match="did you mean 'djpeg'"):
        traces.get("djpg")


@pytest.mark.parametrize("name", [*CORE, *MANIPULATIONS, *OPERATION, *SPLICED])
def test_every_side_ends_alike(name):
    """What a model is handed must not say by its form which side it is."""
    trace = traces.get(name)
    ends = {"".join(s.text() for s in trace.history(side).steps[-1:]) for side in trace.sides}
    assert (len(ends) == 1) == (trace.input == "jpeg")
    # What is drawn is drawn on all sides alike, but for what only a spliced region goes through.
    drawn = {n for draw in trace.draws for n in draw.names}
    for side in trace.sides:
        left = drawn - set(trace.history(side).parameters)
        assert not left or (name in ("splice-q1", "splice-two") and side == "pristine")
        assert left <= {"rd", "cd", "re", "ce"}


@pytest.mark.parametrize("name", ALL)
def test_points(name):
    trace = traces.get(name)
    points = trace.points()
    assert 1 <= len(points) <= 3
    assert all(set(p) == set(trace.parameters) for p in points)
    assert len({tuple(p.items()) for p in points}) == len(points)


def test_set_replaces_the_values_of_one_parameter():
    djpeg = traces.get("djpeg")
    assert djpeg.parameters == ("q1", "q2")
    # The grid has q2 = 75 and 95; every one of them meets both new values once.
    points = djpeg.points(settings={"q1": (55, 65)})
    assert sorted((p["q1"], p["q2"]) for p in points) == [(55, 75), (55, 95), (65, 75), (65, 95)]
    assert djpeg.points(settings={"q1": (55,), "q2": (90,)}) == [{"q1": 55, "q2": 90}]
    # Another trace's parameter changes nothing here.
    assert djpeg.points(settings={"q": (1,)}) == djpeg.points()


def test_drawn_parameters_are_no_part_of_the_point():
    shifted = traces.get("djpeg-shifted")
    assert shifted.parameters == ("q1", "q2")
    keys = torch.arange(-3000, 3000)
    drawn = shifted.drawn(keys)
    pairs = set(zip(drawn["r"].tolist(), drawn["c"].tolist(), strict=True))
    # All 63 shifts of the grid but none that leaves it where it was.
    assert pairs == {(r, c) for r in range(8) for c in range(8)} - {(0, 0)}
    counts = torch.bincount(drawn["r"] * 8 + drawn["c"], minlength=64)[1:]
    expected = len(keys) / 63
    assert ((counts - expected) ** 2 / expected).sum() < 110  # chi-squared, 62 degrees: p < 1e-3


def test_draws_depend_on_keys_and_names_only():
    shifted = traces.get("djpeg-shifted")
    keys = torch.tensor([4, -9, 2**60, 17])
    drawn = shifted.drawn(keys)
    for order in ([3, 2, 1, 0], [1], [0, 0, 2]):
        again = shifted.drawn(keys[order])
        assert all(torch.equal(again[name], drawn[name][order]) for name in ("r", "c"))
    other = Trace("other", (("pristine", ""),), (), "pixels", draws=shifted.draws)
    assert torch.equal(other.drawn(keys)["r"], drawn["r"])
    renamed = Draw(("a", "b"), shifted.draws[0].choices).values(torch.arange(100))["a"]
    assert not torch.equal(renamed, shifted.drawn(torch.arange(100))["r"])


def test_lists_of_other_lengths_are_all_met_with_one_another():
    """The widest tile is that of the widest Gaussian, whatever its s.d. and its place in the list:
    a size of 31 reaches 15 pixels, and 16 more is what the grid leaves."""
    trace = traces.get("gaussian-kernel")
    alone = trace.margin(False, 64, {"k": [31]}, slot=False)
    assert alone == 16
    for k, s in (([31, 3, 5], [0.5]), ([3, 31], [0.5, 1, 2, 0.7]), ([], [0.5]), ([31], [])):
        assert trace.margin(False, 64, {"k": k, "s": s}, slot=False) == alone
    wide = trace.margin(False, 64, {"k": [3, 5, 121], "s": [0.5]}, slot=False)
    assert wide == 64
    drawn = (Draw(("k",), ((3,), (121,), (5,))), Draw(("s",), Uniform(0.5, 2)))
    assert trace.redrawn(drawn).margin(False, 64, slot=False) == wide


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("name", CORE)
def test_lead(name, color):
    """Room for what the border rules reach and 32 pixels for an attacker, up to 16 of which later
    steps may need, on the grid of 4:2:0."""
    crop = {"jpeg": 0, "djpeg": 0, "djpeg-shifted": 8}[name]
    last = 16 if color and name != "jpeg" else 0
    first = 16 if color else 0
    slot = max(32, -(-(crop + last) // 16) * 16 + 16)
    margin = traces.get(name).margin(color, 128)
    assert margin == slot + first
    without = traces.get(name).margin(color, 128, slot=False)
    assert without % 16 == 0
    assert crop + last + first <= without < crop + last + first + 16


@pytest.mark.parametrize(
    ("text", "trace", "values"),
    [
        ("djpeg", "djpeg", {}),
        ("djpeg[q2=90]", "djpeg", {"q2": (90, 90)}),
        ("djpeg-shifted[q1=60..75, q2=90]", "djpeg-shifted", {"q1": (60, 75), "q2": (90, 90)}),
    ],
)
def test_restrictions(text, trace, values):
    assert parse_trace(text) == (trace, values)


@pytest.mark.parametrize(
    "text", ["djpeg[q2=90", "djpeg q2", "djpeg[q2]", "djpeg[q2=high]", "djpeg[q2=88..]"]
)
def test_what_is_no_restriction(text):
    with pytest.raises(ForensicsError, match=r"djpeg\[q2=90\]"):
        parse_trace(text)


def test_a_range_that_is_none():
    assert parse_trace("djpeg[q2=70..80]") == ("djpeg", {"q2": (70, 80)})
    with pytest.raises(ForensicsError, match="end lies before its beginning"):
        parse_trace("djpeg[q2=80..70]")


def test_the_three_traces_of_a_manipulation():
    histories = {n: dict(traces.get(n).histories) for n in MANIPULATIONS}
    assert histories["median"] == {"pristine": "", "altered": "median({k}) ATTACK"}
    assert histories["rotate-jpeg"] == {
        "pristine": "jpeg({q0}) jpeg({q2})",
        "altered": "jpeg({q0}) rotate({d}) ATTACK jpeg({q2})",
    }
    # Where an attacker acts on a JPEG, it acts on both sides.
    assert histories["resize-bicubic-resaved"] == {
        "pristine": "jpeg({q0}) jpeg({q2}) ATTACK jpeg({q3})",
        "altered": "jpeg({q0}) resize({f},kernel=bicubic) jpeg({q2}) ATTACK jpeg({q3})",
    }
    drawn = traces.get("awgn-jpeg").drawn(torch.arange(300))["q0"]
    assert drawn.unique().tolist() == [95, 96, 97]


def test_the_kernels_of_a_size_are_those_of_opencv():
    """The s.d. is what OpenCV gives to a size; the kernel ends where the size says."""
    for point in traces.get("gaussian-kernel").points():
        line = torch.zeros(1, 1, 41, 41, dtype=torch.uint8)
        line[..., 20] = 255
        blurred = History.parse("gaussian({s},size={k})").apply(Batch.of(line), point).pixels[0, 0]
        assert point["s"] == pytest.approx(0.3 * ((point["k"] - 1) / 2 - 1) + 0.8)
        size = (point["k"], point["k"])
        assert np.array_equal(blurred, cv2.GaussianBlur(line[0, 0].numpy(), size, point["s"]))
        assert int((blurred[20] > 0).sum()) == point["k"]


def test_the_points_of_splices_and_the_shifts_of_their_grids():
    # Figure 12: background 75, donors 95 and 85, or 65 and 95, last 90.
    two = [tuple(p[n] for n in ("q1", "qd", "qe", "q2")) for p in traces.get("splice-two").points()]
    assert two == [(75, 95, 85, 90), (75, 65, 95, 90)]
    drawn = traces.get("splice-two").drawn(torch.arange(5000))
    grids = (
        [(0, 0)] * 5000,
        *(
            zip(drawn[a].tolist(), drawn[b].tolist(), strict=True)
            for a, b in (("r", "c"), ("rd", "cd"), ("re", "ce"))
        ),
    )
    assert all(len(set(four)) == 4 for four in zip(*grids, strict=True))


def test_which_operation_it_was():
    trace = traces.get("operation-jpeg")
    assert trace.sides == (
        "pristine",
        "median",
        "gaussian",
        "awgn",
        "resize",
        "rotate",
        "shear",
    )
    assert str(trace.history("resize")) == "jpeg({q0}) resize({f}) ATTACK jpeg({q2})"
    target = trace.targets[0]
    for number, side in enumerate(trace.sides):
        answers = trace.answers(side, {}, 3)["operation"]
        assert answers.tolist() == [number] * 3
        assert target.classes[number] == ("none" if side == "pristine" else side)


def test_the_histories_of_splices():
    histories = {n: str(traces.get(n).history("altered")) for n in SPLICED}
    assert histories["splice-q1"] == (
        "jpeg({q1}) crop({r},{c}) splice(jpeg({qd}) crop({rd},{cd})) ATTACK jpeg({q2})"
    )
    assert histories["splice-blur"] == (
        "jpeg({q0}) splice(gaussian({s}),donor=self) ATTACK jpeg({q2})"
    )
    assert histories["splice-enlarge-camera"] == (
        "jpeg({q0}) splice(resize({f},kernel=bicubic),donor=copy) ATTACK"
    )
    for name in SPLICED:
        trace = traces.get(name)
        # Without the splice and its attack it is the pristine side.
        kept = [s for s in trace.history("altered").steps if s.name not in ("splice", "ATTACK")]
        assert History(tuple(kept)) == trace.history("pristine")
    assert {n: traces.get(n).donors for n in SPLICED} == dict(
        zip(SPLICED, (1, 2, 1, 1, 0, 0, 0, 0, 0, 0), strict=True)
    )


def test_a_tile_has_room_for_what_is_set_beyond_the_grid():
    resize = traces.get("resize-bilinear")
    assert resize.margin(False, 128, {"f": (0.3,)}) > resize.margin(False, 128, {"f": (0.6,)})
    assert resize.margin(False, 128, {"f": (0.9,)}) == resize.margin(False, 128)
    with pytest.raises(ForensicsError, match="resize takes a factor"):
        resize.margin(False, 128, {"f": (0.01,)})
    with pytest.raises(ForensicsError, match="median takes an odd size"):
        traces.get("median").points(settings={"k": (4,)})


def test_real_numbers_restrict_and_draw():
    assert parse_trace("rotate[d=-15]") == ("rotate", {"d": (-15, -15)})
    assert parse_trace("resize-bicubic-jpeg[f=0.8..1.2, q2=90]")[1] == {
        "f": (0.8, 1.2),
        "q2": (90, 90),
    }
    drawn = Draw(("f", "k"), ((0.8, 3), (1.2, 5))).values(torch.arange(100))
    assert drawn["f"].dtype == torch.float64
    assert drawn["k"].dtype == torch.int64
    assert set(drawn["f"].tolist()) == {0.8, 1.2}
    assert torch.equal(drawn["k"], torch.where(drawn["f"] == 0.8, 3, 5))


def test_the_answers_of_q1_are_the_tables_that_pillow_writes(tmp_path):
    qualities = torch.tensor([60, 83, 98])
    values = {"q1": qualities, "q2": 90, "r": torch.tensor([0, 3, 7]), "c": torch.tensor([5, 0, 1])}
    answers = traces.get("q1").answers("altered", values, 3)
    for number, quality in enumerate(qualities.tolist()):
        path = tmp_path / f"{quality}.jpg"
        Image.new("L", (16, 16)).save(path, quality=quality)
        with Image.open(path) as opened:
            # Pillow gives tables in natural order; the paper counts in zig-zag order.
            table = opened.quantization[0]
        places = (0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4)
        assert [answers[f"step{i}"][number] for i in range(1, 16)] == [table[p] for p in places]
    assert answers["r"].tolist() == [0, 3, 7]
    assert answers["c"].tolist() == [5, 0, 1]


def test_the_pristine_side_answers_none():
    median = traces.get("median")
    assert median.answers("pristine", {}, 2)["k"].tolist() == [1, 1]
    assert median.answers("altered", {"k": 5}, 2)["k"].tolist() == [5, 5]
    assert traces.get("jpeg").answers("pristine", {}, 2) == {}


def test_a_real_value_is_its_own_truth():
    # In float32, 0.05 would be another number than the one that was drawn.
    shear = traces.get("shear")
    assert shear.answers("altered", {"h": 0.05}, 2)["h"].tolist() == [0.05, 0.05]


def test_after_a_camera_both_sides_were_its_jpeg():
    found = {name: dict(traces.get(name).histories) for name in ("median-camera", "jpeg-camera")}
    assert found == {
        "median-camera": {"pristine": "jpeg({q0})", "altered": "jpeg({q0}) median({k}) ATTACK"},
        "jpeg-camera": {"pristine": "jpeg({q0})", "altered": "jpeg({q0}) jpeg({q}) ATTACK"},
    }
    assert traces.get("median-camera").input == "pixels"
    drawn = traces.get("jpeg-camera").drawn(torch.arange(500))["q0"]
    assert sorted(drawn.unique().tolist()) == [93, 94, 95, 96, 97]
