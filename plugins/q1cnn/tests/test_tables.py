"""Tables by number, against the files that Pillow writes."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.JpegPresets import presets
from skimage import data

from forensics import jpeg
from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.jpeg import ZIGZAG
from forensics.traces import trace as traces
from forensics_q1cnn import tables
from forensics_q1cnn.tables import TableCompression

COLOUR = np.ascontiguousarray(data.astronaut()[64:160, 96:224])


def batch(count=1, color=True):
    pixels = torch.from_numpy(COLOUR).permute(2, 0, 1)
    if not color:
        pixels = torch.from_numpy(np.array(Image.fromarray(COLOUR).convert("L")))[None]
    return Batch.of(pixels.expand(count, -1, -1, -1).contiguous())


def by_pillow(quality):
    """quality: a number, or the name of a preset, whose tables are taken."""
    options = {"quality": quality}
    if isinstance(quality, str):
        options = {"qtables": presets[quality]["quantization"]}
    file = io.BytesIO()
    Image.fromarray(COLOUR).save(file, "jpeg", subsampling="4:2:0", **options)
    return Image.open(file)


@pytest.mark.parametrize(
    ("number", "quality"),
    [(75, 75), (98, 98), *zip(range(101, 104), tables.NAMED.values(), strict=True)],
)
def test_a_number_is_the_table_that_pillow_writes(number, quality):
    with by_pillow(quality) as opened:
        written = torch.tensor(opened.quantization[0])
        decoded = torch.from_numpy(np.array(opened)).permute(2, 0, 1)
    assert torch.equal(tables.tables(torch.tensor([number]), 1)[0, 0].flatten(), written)
    assert torch.equal(TableCompression(number).apply(batch()).pixels[0], decoded)


def test_cameras_that_are_held_out_are_of_other_makers_than_those_that_train():
    cameras = json.loads((Path(tables.__file__).parent / "cameras.json").read_text())
    kinds = {"trained": tables.FIRST_CAMERA, "held_out": tables.FIRST_HELD_OUT}
    makers = {kind: {one["camera"].split()[0].lower() for one in cameras[kind]} for kind in kinds}
    assert not makers["trained"] & makers["held_out"]
    every = []
    for kind, first in kinds.items():
        numbers = torch.tensor(tables.numbers_from(first))
        made = tables.tables(numbers, 3)
        assert made[:, 0].flatten(1).tolist() == [one["luma"] for one in cameras[kind]]
        assert made[:, 2].flatten(1).tolist() == [one["chroma"] for one in cameras[kind]]
        every += [tuple(one["luma"]) for one in cameras[kind]]
    every += [tuple(t) for t in jpeg.standard_tables(torch.arange(1, 101), 1).flatten(1).tolist()]
    every += [tuple(t) for t in tables.tables(torch.arange(101, 104), 1).flatten(1).tolist()]
    assert len(set(every)) == len(every)  # no table twice, none of libjpeg's or Photoshop's
    first = {
        kind: {tuple(torch.tensor(one["luma"])[ZIGZAG[:15]].tolist()) for one in cameras[kind]}
        for kind in kinds
    }
    assert not first["trained"] & first["held_out"]


def test_a_batch_of_several_tables_is_each_alone():
    numbers = torch.tensor([60, 0, 102, 1234])
    together = TableCompression(numbers).apply(batch(4, color=False))
    assert together.jpeg is None  # one of them is no JPEG
    for place, number in enumerate(numbers.tolist()):
        alone = TableCompression(number).apply(batch(color=False))
        assert torch.equal(together.pixels[place], alone.pixels[0])
    assert torch.equal(together.pixels[1], batch(color=False).pixels[0])


def test_invented_tables_are_near_libjpegs_and_no_two_equal():
    numbers = 51 * torch.arange(20, 420) + 25  # of quality 50 + 25
    made = tables.tables(numbers, 1)[:, 0].double()
    base = jpeg.standard_tables(75, 1)[0].double()
    assert len(made.flatten(1).unique(dim=0)) == 400
    assert made.min() >= 1
    assert bool((made <= jpeg.standard_tables(50, 1)[0]).all())
    # The mean of the factors' logarithms over steps that neither rounding nor the cap touches.
    large = (base > 30) & (base < 45)
    logs = (made / base).log()[:, large]
    assert abs(float(logs.mean())) < 0.04
    assert 0.2 < float(logs.mean(1).std()) < 0.3


@pytest.mark.parametrize("number", [-1, 104, 999])
def test_there_is_no_such_table(number):
    with pytest.raises(ForensicsError, match=f"there is no table {number}"):
        TableCompression(number)


def test_the_truth_of_the_trace_is_the_named_table():
    trace = traces.get("q1-tables")
    values = {"t": torch.tensor([101, 102, 103]), "u": 90, "r": 0, "c": 0}
    answers = trace.answers("altered", values, 3)
    # Photoshop's 12, 10 and 8 in zig-zag order, by the published digests of its tables.
    assert [int(answers[f"step{i}"][2]) for i in range(1, 16)] == [
        *(6, 4, 4, 4, 5, 4, 6, 5, 5, 6, 9, 6, 5, 6, 9)
    ]
    assert [int(answers[f"step{i}"][1]) for i in range(1, 16)] == [2] * 10 + [3, 2, 2, 2, 3]
    assert [int(answers[f"step{i}"][0]) for i in range(1, 16)] == [1] * 15
