"""What the paper's crop says about the factor."""

import itertools

import pytest
import torch
from skimage import data as pictures

import forensics
from forensics.histories.history import History
from forensics.jpeg import compress, decode
from forensics.plugin import Batch
from forensics_mpernet.leak import seen, start
from forensics_mpernet.tasks import FACTORS


def test_the_crop_of_the_paper_by_hand():
    # 512 * 0.7 = 358.4, so the tile has 358 pixels; (358 - 256) / 2 = 51 = 6 * 8 + 3.
    assert start(0.7) == 51
    assert [start(f) % 8 for f in FACTORS] == [0, 1, 3, 5, 6, 1, 3, 5, 6, 0]


def test_neighbouring_factors_never_share_a_phase():
    listed = sorted([*FACTORS, 1.0])
    assert all(start(a) % 8 != start(b) % 8 for a, b in itertools.pairwise(listed))


@pytest.mark.parametrize("place", range(8))
def test_the_phase_of_the_grid_is_seen(place):
    picture = torch.from_numpy(pictures.camera())[None, None, 100:300, 100:300].contiguous()
    jpeg = compress(picture, 75)
    pixels = decode(jpeg)[0, 0, place:, place:].float()
    assert seen(pixels, jpeg.tables[0, 0].float()) == place


def test_factors_that_begin_elsewhere_are_left_out():
    """A cut of place 3 is that of .7 and 1.2 alone."""
    picture = torch.from_numpy(pictures.camera())[None, None].contiguous()
    history = History.parse("jpeg(95) resize(0.7,kernel=bicubic) jpeg(90) crop(3,3)").fill(None)
    whole = history.apply(Batch.of(picture), {})
    batch = Batch.of(whole.pixels[:, :, :264, :264].contiguous())
    belief = forensics.load("mper-papercrop").estimate(batch).beliefs["f"]
    shares = dict(zip((round(f, 2) for f in belief.values.tolist()), belief.shares[0], strict=True))
    assert float(shares[0.7] + shares[1.2]) == pytest.approx(1, abs=1e-6)
    free = forensics.load("mper-papercrop:grid=false").estimate(batch).beliefs["f"]
    assert (free.shares[0] > 0).sum() > 2
