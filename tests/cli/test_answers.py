"""What estimators say, in words: against Pillow's tables."""

import io

import pytest
import torch
from PIL import Image

from forensics.cli import wording
from forensics.jpeg import ZIGZAG
from forensics.models.entries import ModelEntry


def steps_of(quality):
    """The first 15 luma steps that Pillow writes, in zig-zag order."""
    file = io.BytesIO()
    Image.new("L", (8, 8)).save(file, "jpeg", quality=quality)
    with Image.open(file) as written:
        table = written.quantization[0]
    # Pillow gives tables in the order of the block's rows.
    return {f"step{n + 1}": float(table[ZIGZAG[n]]) for n in range(15)}


def said(values, **shares):
    beliefs = {name: {"values": [1, 2], "shares": [1 - s, s]} for name, s in shares.items()}
    return wording.estimate({"values": values, "beliefs": beliefs}, {})


@pytest.mark.parametrize("quality", [50, 75, 90, 95])
def test_libjpegs_tables_are_named_by_quality(quality):
    """Neighbouring qualities may share these steps."""
    alike = [q for q in range(1, 101) if steps_of(q) == steps_of(quality)]
    assert quality in alike
    words = f"{alike[0]} to {alike[-1]}" if len(alike) > 2 else " or ".join(map(str, alike))
    text = f"compressed before, as by libjpeg at quality {words}, on the same grid"
    assert said(steps_of(quality) | {"r": 0.0, "c": 0.0}) == text


def test_a_moved_grid_and_how_sure():
    whole = steps_of(75) | {"r": 5.0, "c": 3.0}
    text = said(whole, step1=0.999, r=1.0)
    assert "moved by 5 rows and 3" in text
    assert "91 %" in said(whole, step1=0.999, r=0.91)


def test_other_tables_are_given_by_their_steps():
    values = steps_of(75) | {"step3": 99.0}
    assert "libjpeg" not in said(values)
    assert "by steps 8 6 99 7 6 5 8 7" in said(values)


def test_anything_else_as_value_and_share():
    assert said({"k": 5.0}, k=0.91) == "k 5 (91 %)"


def test_none_and_classes_in_words():
    """As the traces define what is estimated: k = 1 is no median; operation 2 is the third word."""
    of = wording.targets(ModelEntry("m", "x:Y", "", traces=("median-jpeg", "operation")))
    answer = {"values": {"k": 1.0, "operation": 2.0}, "beliefs": {}}
    assert wording.estimate(answer, of) == "k: none, operation: gaussian"
    assert not wording.nothing(answer, of)
    assert wording.nothing({"values": {"k": 1.0}, "beliefs": {}}, of)
    assert wording.estimate({"values": {"k": 5.0}, "beliefs": {}}, of) == "k 5 pixels"


@pytest.mark.parametrize(
    ("other", "share", "traces", "expected"),
    [
        (3.0, 0.95, "median-jpeg", 1),
        (5.0, 0.95, "median-jpeg", 0),
        (3.0, 0.8, "median-jpeg", 0),
        (3.0, 0.95, "gaussian-kernel-jpeg", 0),
    ],
)
def test_sure_answers_that_contradict_each_other(other, share, traces, expected):
    """Only of the same thing: k is another filter's there."""
    entries = {
        "one": ModelEntry("one", "x:Y", "", traces=("median-jpeg",)),
        "other": ModelEntry("other", "x:Y", "", traces=(traces,)),
    }

    def says(value, share):
        return {"values": {"k": value}, "beliefs": {"k": {"values": [value], "shares": [share]}}}

    found = list(
        wording.contradictions({"one": says(5.0, 0.95), "other": says(other, share)}, entries)
    )
    assert len(found) == expected


def test_how_a_jpeg_was_saved():
    file = io.BytesIO()
    Image.new("L", (8, 8)).save(file, "jpeg", quality=77)
    with Image.open(file) as written:
        table = torch.tensor(written.quantization[0]).reshape(8, 8)
    assert wording.saved(table) == "saved as by libjpeg at quality 77"
    table[0, 0] += 1
    assert wording.saved(table) == "saved by a table of its own"
