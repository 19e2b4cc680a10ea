"""`q1analytic` on JPEGs that Pillow wrote: what it says is what was done."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

import forensics
from forensics import images, jpeg
from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics_q1cnn.analytic.model import Q1Analytic, posterior
from forensics_q1cnn.phase.posterior import ALIKE

PICTURES = {
    "astronaut": np.ascontiguousarray(data.astronaut()[40:240, 140:340]),
    "cat": np.ascontiguousarray(data.chelsea()[20:220, 100:300]),
    "camera": np.ascontiguousarray(data.camera()[100:300, 180:380]),
}
# Zig-zag order of the first 15 frequencies, as places in natural order (T.81, figure 5).
FIRST = (0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4)


def twice(picture, first, second, shift, side, tmp_path):
    """A batch of a JPEG file whose picture was another before a crop by `shift`, and the first
    table, natural order."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "jpeg", quality=first)
    with Image.open(file) as opened:
        table = opened.quantization[0]
        top, left = (16 + s for s in shift)
        cut = opened.crop((left, top, left + side, top + side))
    path = tmp_path / "twice.jpg"
    cut.save(path, "jpeg", quality=second)
    return images.open(path).batch(), table


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize(("first", "shift"), [(70, (3, 5)), (70, (0, 0)), (80, (0, 6))])
def test_it_names_the_table_that_pillow_wrote_and_the_shift(name, first, shift, tmp_path):
    batch, table = twice(PICTURES[name], first, 90, shift, 64, tmp_path)
    found = Q1Analytic().estimate(batch)
    said = dict(zip(found.names, found.values[0].tolist(), strict=True))
    assert [said[f"step{i + 1}"] for i in range(15)] == [table[place] for place in FIRST]
    assert (said["r"], said["c"]) == shift


def test_an_image_is_the_mean_of_its_windows(tmp_path):
    """All of an image counts, also what is left of 64 pixels: their mean counts."""
    batch, _ = twice(PICTURES["cat"], 85, 90, (2, 6), 112, tmp_path)
    # 112 = 2 x 56; a 4:2:0 JPEG is cut at multiples of 16, so the parts are gray here.
    gray = jpeg.compress(batch.pixels[:, :1], 90)
    corners = [(y, x) for y in (0, 56) for x in (0, 56)]
    whole = posterior(gray, ALIKE).double[0].double()
    parts = [posterior(gray.cut(y, x, 56, 56), ALIKE).double[0].double() for y, x in corners]
    product = torch.stack(parts).log().mean(0).flatten().softmax(0).view_as(whole)
    torch.testing.assert_close(product, whole, atol=1e-3, rtol=0)


def test_probabilities_are_those_of_the_values(tmp_path):
    batch, _ = twice(PICTURES["cat"], 89, 85, (1, 4), 64, tmp_path)
    found = Q1Analytic().estimate(batch)
    for place, name in enumerate(found.names):
        torch.testing.assert_close(found.beliefs[name].shares.sum(1), torch.ones(1))
        if name not in ("r", "c"):
            assert found.beliefs[name].most_probable() == found.values[0, place]
    by_mean = Q1Analytic("expectation").estimate(batch)
    torch.testing.assert_close(by_mean.values[:, 2], found.beliefs["step3"].mean())


@pytest.mark.parametrize("second", [50, 90, 100])
def test_it_has_an_answer_where_there_is_nothing_to_see(second):
    """Flat patches, all-zero coefficients, black and white ones, a second quality of 100."""
    levels = torch.tensor([0, 127, 128, 200, 255], dtype=torch.uint8)
    flat = levels[:, None, None, None].expand(5, 3, 64, 64).clone()
    half = flat.clone()
    half[:, :, :, 30:] = 255 - half[:, :, :, 30:]
    for pixels in (flat, half):
        compressed = jpeg.compress(pixels, second, "4:2:0")
        found = posterior(compressed, ALIKE).double
        assert bool(found.isfinite().all())
        torch.testing.assert_close(found.sum((1, 2)), torch.ones(5))


def test_patches_answer_alone_as_together():
    pixels = torch.from_numpy(PICTURES["cat"]).permute(2, 0, 1)[None]
    made = jpeg.compress(pixels, torch.tensor([75]), "4:2:0")
    again = jpeg.compress(jpeg.decode(made)[:, :, 4:, 4:].contiguous(), 90, "4:2:0")
    parts = [again.cut(y, x, 64, 64) for y in (0, 64) for x in (0, 64)]
    batches = [Batch.of(jpeg.decode(part), part) for part in parts]
    together = Q1Analytic().estimate(Batch.cat(batches))
    for n, batch in enumerate(batches):
        assert torch.equal(Q1Analytic().estimate(batch).values[0], together.values[n])


def test_who_knows_that_nothing_was_cropped_may_say_so(tmp_path):
    """The odds of the file's own grid are multiplied, nothing else is."""
    batch, _ = twice(PICTURES["cat"], 94, 90, (0, 0), 64, tmp_path)
    free, told, likely = (posterior(batch.jpeg, p).double[0] for p in (ALIKE, 1, 0.5))
    torch.testing.assert_close(told[0], free[0] / free[0].sum())
    assert float(told[1:].sum()) == 0
    odds = [found[0].sum() / found[1:].sum() for found in (free, likely)]
    torch.testing.assert_close(odds[1] / odds[0], torch.tensor(63.0), rtol=1e-3, atol=0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("decode=best", "argmax, expectation or table, not best"),
        ("aligned=-1", "a probability from 0 to 1, not -1"),
    ],
)
def test_an_option_that_there_is_not(options, said):
    with pytest.raises(ForensicsError, match=said):
        forensics.load(f"q1analytic:{options}")
