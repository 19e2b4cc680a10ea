"""`q1phase` on JPEGs that Pillow wrote: what it says is what was done."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

import forensics
from forensics import images
from forensics.errors import ForensicsError
from forensics_q1cnn.phase.model import NAMES, Q1Phase, posterior

PICTURES = {
    "astronaut": np.ascontiguousarray(data.astronaut()[40:240, 140:340]),
    "cat": np.ascontiguousarray(data.chelsea()[20:220, 100:300]),
    "coffee": np.ascontiguousarray(data.coffee()[100:300, 200:400]),
}


def twice(picture, first, second, shift, side):
    """A JPEG file of `second`, whose picture was one of `first` before a crop by `shift`."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "jpeg", quality=first, subsampling="4:2:0")
    with Image.open(file) as opened:
        table = opened.quantization[0]
        top, left = (16 + s for s in shift)
        cut = opened.crop((left, top, left + side, top + side))
    file = io.BytesIO()
    cut.save(file, "jpeg", quality=second, subsampling="4:2:0")
    return file.getvalue(), table


def opened(content, tmp_path):
    path = tmp_path / "twice.jpg"
    path.write_bytes(content)
    return images.open(path).batch()


# Zig-zag order of the first 15 frequencies, as places in natural order (T.81, figure 5).
FIRST = (0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4)


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize(("first", "shift"), [(75, (3, 5)), (70, (0, 0)), (65, (7, 0))])
def test_it_names_the_table_that_pillow_wrote_and_the_shift(name, first, shift, tmp_path):
    content, table = twice(PICTURES[name], first, 90, shift, 128)
    found = Q1Phase().estimate(opened(content, tmp_path))
    said = dict(zip(found.names, found.values[0].tolist(), strict=True))
    right = [said[f"step{i + 1}"] == table[place] for i, place in enumerate(FIRST)]
    assert sum(right) >= 14
    assert (said["r"], said["c"]) == shift


def test_more_pixels_say_more(tmp_path):
    """The mean probability of the true steps grows with the side, over pictures and qualities."""
    means = []
    for side in (32, 64, 128):
        sure = []
        for picture in PICTURES.values():
            for first in (68, 80, 88):
                content, table = twice(picture, first, 90, (2, 6), side)
                found = posterior(opened(content, tmp_path).jpeg)
                sure += [float(found.steps(i)[0, table[p]]) for i, p in enumerate(FIRST)]
        means.append(np.mean(sure))
    assert means[0] < means[1] < means[2]
    assert means[2] > 0.9


def test_probabilities_are_those_of_the_values(tmp_path):
    content, _ = twice(PICTURES["cat"], 72, 92, (1, 4), 64)
    batch = opened(content, tmp_path)
    found = Q1Phase().estimate(batch)
    assert found.names == NAMES
    assert set(found.probabilities) == set(NAMES)
    for place, name in enumerate(NAMES):
        torch.testing.assert_close(found.probabilities[name].sum(1), torch.ones(1))
        if name not in ("r", "c"):
            assert found.probabilities[name].argmax(1) == found.values[0, place]
    by_mean = Q1Phase("expectation").estimate(batch)
    steps = found.probabilities["step3"] @ torch.arange(found.probabilities["step3"].shape[1] * 1.0)
    torch.testing.assert_close(by_mean.values[:, 2], steps)


def test_an_option_that_there_is_not():
    with pytest.raises(ForensicsError, match="argmax, expectation or table, not best"):
        forensics.load("q1phase:decode=best")
