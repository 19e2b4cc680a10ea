"""What the paper's crop says about the factor."""

import itertools

import pytest
import torch
from skimage import data as pictures

from forensics.jpeg import compress, decode
from forensics_mpernet.leak import grid_phase, phase
from forensics_mpernet.tasks import FACTORS


def test_the_crop_of_the_paper_by_hand():
    # 512 * 0.7 = 358.4, so the tile has 358 pixels; (358 - 256) / 2 = 51 = 6 * 8 + 3.
    assert phase(0.7) == 3
    assert [phase(f) for f in FACTORS] == [0, 1, 3, 5, 6, 1, 3, 5, 6, 0]


def test_neighbouring_factors_never_share_a_phase():
    listed = sorted([*FACTORS, 1.0])
    assert all(phase(a) != phase(b) for a, b in itertools.pairwise(listed))


@pytest.mark.parametrize("first", range(8))
def test_the_phase_of_the_grid_is_seen(first):
    picture = torch.from_numpy(pictures.camera())[None, None, 100:300, 100:300].contiguous()
    pixels = decode(compress(picture, 75))[:, :, 8 - first :, 8 - first :]
    assert grid_phase(pixels[:, 0].float()).tolist() == [first]
