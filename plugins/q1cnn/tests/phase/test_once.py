"""What the scores of all hypotheses say of one compression or two, and what is learnt from."""

import math

import pytest
import torch
from skimage import data

from forensics import jpeg
from forensics.batch import Batch
from forensics.training.recipe import Example
from forensics_q1cnn import tables
from forensics_q1cnn.phase.features import Luma
from forensics_q1cnn.phase.network import libjpeg_tables
from forensics_q1cnn.phase.once import LISTED, ONCE, UNLISTED, summary
from forensics_q1cnn.phase.once_recipe import OnceRecipe
from forensics_q1cnn.phase.posterior import Scores

LISTED_TABLES = libjpeg_tables()


def seen(count=1, quality=80):
    pixels = torch.from_numpy(data.camera()[None, None, 100:164, 180:244].copy())
    return Luma.of(jpeg.compress(pixels.expand(count, -1, -1, -1).contiguous(), quality))


def scores(count=1):
    known = torch.arange(24)[None] < LISTED_TABLES[0, :15, None]
    steps = torch.zeros(count, 64, 15, 24).masked_fill(~known, -torch.inf)
    return Scores(torch.zeros(count, 64, 51), steps, torch.zeros(count))


def test_where_nothing_speaks_for_anything():
    """All scores alike: what is left are the numbers of hypotheses, shared out over windows."""
    found = summary(scores(), seen(), LISTED_TABLES, 4, 64 * 64)[0].tolist()
    assert found[0] == pytest.approx(math.log(51) / 4, abs=1e-4)
    assert found[1] == pytest.approx(math.log(64 * 51) / 4, abs=1e-4)
    assert found[2:6] == pytest.approx([0, 0, 0, 0], abs=1e-5)  # no phase above the others
    # Factorised hypotheses are one a phase, listed tables are 51.
    assert found[8] == pytest.approx(-math.log(51) / 4, abs=1e-4)
    fine = sum(float(t[:15].float().mean()) < 1.5 for t in LISTED_TABLES)
    assert found[9] == pytest.approx(math.log((51 - fine) / fine) / 4, abs=1e-4)
    assert found[13:16] == pytest.approx([1 / 64, 6, math.log2(51)], abs=1e-4)
    assert found[17] == pytest.approx(fine / 51, abs=1e-5)
    assert found[-2:] == pytest.approx([math.log(4), math.log(64 * 64)], abs=1e-4)


def test_the_second_table_is_found_among_the_listed():
    made = scores()
    made.tables[0, 0, 80 - 50] = 50.0
    found = summary(made, seen(quality=80), LISTED_TABLES, 1, 64 * 64)[0]
    assert float(found[16]) == pytest.approx(1, abs=1e-4)
    assert float(summary(made, seen(quality=75), LISTED_TABLES, 1, 64 * 64)[0, 16]) < 1e-4


def test_images_are_summed_up_on_their_own():
    torch.manual_seed(0)
    made = scores(3)
    made.tables.normal_()
    together = summary(made, seen(3), LISTED_TABLES, 1, 64 * 64)
    for n in range(3):
        alone = Scores(*(part[n : n + 1] for part in (made.tables, made.steps, made.single)))
        torch.testing.assert_close(
            summary(alone, seen(), LISTED_TABLES, 1, 64 * 64)[0], together[n]
        )


def test_labels_are_what_was_done_for_every_size():
    first = torch.tensor([tables.NONE, 50, 100, 102, 210, 1003])
    pixels = torch.from_numpy(data.camera()[None, None, 100:228, 180:308].copy())
    again = jpeg.compress(pixels.expand(6, -1, -1, -1).contiguous(), 85)
    side = Batch.of(jpeg.decode(again)).with_pixels(jpeg.decode(again), again)
    example = Example({"altered": side}, {"t": first, "u": torch.full((6,), 85)})
    features, labels = OnceRecipe().rows(example)
    done = [ONCE, LISTED, LISTED, UNLISTED, UNLISTED, UNLISTED]
    assert labels.tolist() == done * 5  # four windows, and the whole
    assert features[:, 21].exp().round().tolist() == [1] * 24 + [4] * 6
    assert bool(features.isfinite().all())
    # All six are the same image: so are what its windows say, and what they say together.
    for rows in features.split(6):
        torch.testing.assert_close(rows, rows[:1].expand(6, -1), rtol=1e-4, atol=1e-3)
