"""`q1phase` on JPEGs that Pillow wrote: what it says is what was done."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

import forensics
from forensics import images
from forensics.errors import ForensicsError, NotApplicable
from forensics.models import weights
from forensics_q1cnn.phase.model import Q1Phase
from forensics_q1cnn.phase.posterior import ALIKE
from forensics_q1cnn.phase.trained import once_or_twice
from forensics_q1cnn.plugin import Q1PHASE
from forensics_q1cnn.tables import NAMES

PICTURES = {
    "astronaut": np.ascontiguousarray(data.astronaut()[40:240, 140:340]),
    "cat": np.ascontiguousarray(data.chelsea()[20:220, 100:300]),
    "coffee": np.ascontiguousarray(data.coffee()[100:300, 200:400]),
}


def saved(picture, first):
    """A JPEG file. first: its quality, or its tables."""
    options = {"quality": first} if isinstance(first, int) else {"qtables": first}
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "jpeg", subsampling="4:2:0", **options)
    return file


def twice(picture, first, second, shift, side):
    """A JPEG file of `second`, whose picture was one of `first` before a crop by `shift`."""
    file = saved(picture, first)
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
    found = Q1Phase(given="double").estimate(opened(content, tmp_path))
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
                found = Q1Phase(given="double").estimate(opened(content, tmp_path)).beliefs
                sure += [
                    float(found[f"step{i + 1}"].shares[0, table[p] - 1])
                    for i, p in enumerate(FIRST)
                ]
        means.append(np.mean(sure))
    assert means[0] < means[1] < means[2]
    assert means[2] > 0.9


def right(model, shift, tmp_path):
    """How many of the steps of some pictures' first tables it names, of small patches whose second
    quality is 80: what is left of the first JPEG is doubtful between grids."""
    total = 0
    for picture in PICTURES.values():
        for first in (60, 65, 72, 78, 82, 85, 88, 92):
            content, table = twice(picture, first, 80, shift, 48)
            said = model.estimate(opened(content, tmp_path)).values[0].tolist()
            total += sum(said[i] == table[place] for i, place in enumerate(FIRST))
    return total


def test_files_that_were_not_cropped_are_told_better_and_others_as_well(tmp_path):
    default = Q1Phase(given="double")
    models = [replace(default, aligned=ALIKE), default, replace(default, aligned=1)]
    alike, usual, told = (right(model, (0, 0), tmp_path) for model in models)
    assert alike + 20 < usual < told
    alike, usual, told = (right(model, (3, 6), tmp_path) for model in models)
    assert abs(usual - alike) <= 5
    assert told < usual / 4


def test_who_knows_the_grid_may_say_so(tmp_path):
    """Of a file that was not cropped, whose first JPEG left little."""
    content, _ = twice(PICTURES["coffee"], 95, 90, (0, 0), 64)
    batch = opened(content, tmp_path)
    models = [Q1Phase(given="double", aligned=aligned) for aligned in (0, ALIKE, 0.1, 0.5, 1)]
    rows = [float(model.estimate(batch).beliefs["r"].shares[0, 0]) for model in models]
    assert rows[0] < rows[1] < rows[2] < rows[3] < rows[4] == 1
    crops = [model.estimate(batch).values[0, 15:].tolist() for model in models]
    assert crops[0] != [0, 0] == crops[4]
    # Of no matter to whether it was compressed twice.
    scores = [float(model.score(batch).values) for model in models]
    assert len(set(scores)) == 1


def test_probabilities_are_those_of_the_values(tmp_path):
    content, _ = twice(PICTURES["cat"], 72, 92, (1, 4), 64)
    batch = opened(content, tmp_path)
    found = Q1Phase(given="double").estimate(batch)
    assert found.names == (*NAMES, "r", "c")
    assert set(found.beliefs) == set(found.names)
    for place, name in enumerate(found.names):
        torch.testing.assert_close(found.beliefs[name].shares.sum(1), torch.ones(1))
        if name not in ("r", "c"):
            assert found.beliefs[name].most_probable() == found.values[0, place]
    by_mean = Q1Phase("expectation", given="double").estimate(batch)
    steps = found.beliefs["step3"].mean()
    torch.testing.assert_close(by_mean.values[:, 2], steps)


@pytest.mark.parametrize("quality", [70, 80, 90, 95])
def test_a_jpeg_that_was_compressed_once_is_never_called_double(quality, tmp_path):
    model = Q1Phase()
    for name, picture in PICTURES.items():
        # Halved, for some of these pictures were JPEGs before.
        halved = np.array(Image.fromarray(picture).resize((100, 100), Image.Resampling.LANCZOS))
        batch = opened(saved(halved, quality).getvalue(), tmp_path)
        found = model.estimate(batch)
        assert found.reasons == ("may have been compressed once only",), name
        assert bool(found.values.isnan().all())
        again, _ = twice(picture, 70, quality, (3, 5), 128)
        scores = [float(model.score(b).values) for b in (batch, opened(again, tmp_path))]
        assert scores[0] < 1.8
        if quality > 70:
            assert scores[1] > 4, name
    told = Q1Phase(given="double").estimate(batch)
    assert told.reasons is None
    assert not bool(told.values.isnan().any())


@pytest.mark.parametrize("quality", [75, 92])
def test_a_large_jpeg_that_was_compressed_once_is_none_of_two_either(quality, tmp_path):
    """Of 20 windows, whose scores add up."""
    for name in ("astronaut", "coffee"):
        whole = {"astronaut": data.astronaut, "coffee": data.coffee}[name]()[:400, :512]
        halved = np.array(Image.fromarray(whole).resize((320, 256), Image.Resampling.LANCZOS))
        batch = opened(saved(halved, quality).getvalue(), tmp_path)
        assert Q1Phase().estimate(batch).reasons == ("may have been compressed once only",), name


def halved(picture):
    """Without what JPEG it may have been before."""
    image = Image.fromarray(picture)
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)


@pytest.mark.parametrize("kernel", [Image.Resampling.BICUBIC, Image.Resampling.BILINEAR])
@pytest.mark.parametrize("factor", [1.25, 2.0, 3.0])
def test_an_enlarged_picture_that_was_compressed_once_is_not_called_double(
    factor, kernel, tmp_path
):
    for number, picture in enumerate((data.astronaut(), data.coffee())):
        image = halved(picture)
        size = round(image.width * factor), round(image.height * factor)
        larger = np.array(image.resize(size, kernel))[:512, :512]
        found = Q1Phase().estimate(opened(saved(larger, 75).getvalue(), tmp_path))
        assert found.reasons[0] is not None, number


@pytest.mark.parametrize("quality", [50, 60, 75])
def test_a_picture_of_a_megapixel_that_was_compressed_once_is_not_called_double(quality, tmp_path):
    """Four photographs, and what is seen in a mirror."""
    pictures = data.astronaut()[:384], data.coffee()[:384, :512], data.rocket()[:384, :512]
    pieces = [np.array(halved(picture)) for picture in (*pictures, data.astronaut()[128:])]
    whole = np.vstack(pieces)
    large = np.hstack([whole, whole[:, ::-1], whole[::-1], whole[::-1, ::-1]])
    assert large.shape[:2] == (768, 1024)
    found = Q1Phase().estimate(opened(saved(large, quality).getvalue(), tmp_path))
    assert found.reasons[0] is not None


def test_once_or_twice_is_bound_to_the_network_that_it_was_fitted_to(monkeypatch, tmp_path):
    batch = opened(saved(PICTURES["cat"], 80).getvalue(), tmp_path)
    assert Q1Phase().score(batch).values.isfinite()
    there = weights.find(Q1PHASE, "once")
    other = replace(there, card=there.card | {"rests_on": {"phase": "another"}})
    monkeypatch.setattr(weights, "find", lambda entry, part: {"once": other}.get(part))
    with pytest.raises(NotApplicable, match="run `forensics train q1phase-once`"):
        once_or_twice(torch.device("cpu"))


def test_a_table_that_is_not_listed_is_found_once_it_is(tmp_path):
    own = [6 + place // 8 + place % 8 for place in range(64)]  # a ramp, as no encoder's
    (tmp_path / "mine.json").write_text(json.dumps([own]))
    unlisted, right = [], []
    for picture in PICTURES.values():
        content, table = twice(picture, [own, own], 92, (5, 2), 128)
        assert list(table) == own
        batch = opened(content, tmp_path)
        unlisted.append(Q1Phase().estimate(batch).reasons[0])
        found = Q1Phase(tables=str(tmp_path / "mine.json")).estimate(batch)
        said = found.values[0, :15].tolist()
        right.append(said == [own[place] for place in FIRST])
        assert found.values[0, 15:].tolist() == [5, 2]
    assert all(right)
    assert all(reason.startswith("no listed table fits") for reason in unlisted)


@pytest.mark.parametrize("side", [32, 40, 72, 100])
def test_sides_need_not_be_those_of_windows(side, tmp_path):
    content, _ = twice(PICTURES["coffee"], 75, 90, (3, 5), side)
    found = Q1Phase(given="double").estimate(opened(content, tmp_path))
    assert bool(found.values.isfinite().all())
    if side >= 72:
        assert found.values[0, 15:].tolist() == [3, 5]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("decode=best", "argmax, expectation or table, not best"),
        ("given=single", "given nothing or double, not single"),
        ("aligned=2", "a probability from 0 to 1, not 2"),
    ],
)
def test_an_option_that_there_is_not(options, said):
    with pytest.raises(ForensicsError, match=said):
        forensics.load(f"q1phase:{options}")
