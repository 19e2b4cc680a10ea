"""An image in windows: which these are, and that their scores add up."""

import pytest
import torch
from skimage import data

from forensics import jpeg
from forensics_q1cnn.phase.features import Luma
from forensics_q1cnn.phase.network import PhaseNetwork, libjpeg_tables
from forensics_q1cnn.phase.posterior import AGAIN, ALIKE, Posterior, every_phase
from forensics_q1cnn.phase.windows import of_image, parts, total, windows


@pytest.mark.parametrize("size", [(32, 40), (64, 64), (72, 136), (104, 64), (200, 328)])
def test_windows_cover_every_block_once(size):
    covered = torch.zeros(size, dtype=torch.int64)
    for top, left, height, width in windows(*size):
        assert {height, width} <= {32, 40, 48, 56, 64}
        assert top % 8 == left % 8 == 0
        covered[top : top + height, left : left + width] += 1
    assert bool((covered == 1).all())


def test_a_large_image_is_looked_at_in_places_all_over_it():
    found = windows(3000, 4000)
    assert 128 < len(set(found)) == len(found) <= 256
    middles = torch.tensor([(top / 3000, left / 4000) for top, left, _, _ in found])
    quarters = torch.unique((middles * 2).long(), dim=0, return_counts=True)[1]
    assert quarters.tolist() == pytest.approx([len(found) / 4] * 4, rel=0.2)


def test_scores_of_windows_add_up():
    torch.manual_seed(3)
    network = PhaseNetwork(4).eval().requires_grad_(False)
    pixels = torch.from_numpy(data.camera()[None, None, 100:172, 180:308])
    pixels = torch.cat([pixels, pixels.flip(3)]).contiguous()
    seen, index = Luma.of(jpeg.compress(pixels, 85)), network.index(libjpeg_tables())
    (part,) = of_image(network, seen, index)
    found = part.scores
    cut = [jpeg.compress(pixels, 85).cut(0, 0, 72, 128)]
    boxes = [(0, 0, 32, 64), (0, 64, 32, 64), (32, 0, 40, 64), (32, 64, 40, 64)]
    each = [every_phase(network, Luma.of(cut[0].cut(*box)), index) for box in boxes]
    assert part.windows == 4
    torch.testing.assert_close(found.tables, sum(p.tables for p in each), rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(found.steps, sum(p.steps for p in each), rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(found.single, sum(p.single for p in each), rtol=1e-4, atol=1e-3)


def test_parts_are_groups_of_neighbours_of_even_size():
    grouped = parts(320, 576)  # five rows and nine columns of windows
    assert [len(boxes) for boxes in grouped] == [6, 6, 6, 9, 9, 9]
    for boxes in grouped:
        down = max(b[0] + b[2] for b in boxes) - min(b[0] for b in boxes)
        across = max(b[1] + b[3] for b in boxes) - min(b[1] for b in boxes)
        assert down * across == sum(height * width for _, _, height, width in boxes)


def test_how_often_grids_agree_in_training_counts_for_no_window():
    """A network that has learnt nothing but that says of any number of windows: any phase."""
    network = PhaseNetwork(4).eval().requires_grad_(False)
    for parameter in network.parameters():
        parameter.zero_()
    share = (1 + AGAIN) / (64 + AGAIN)
    network.bias[:2] = torch.log(torch.tensor([share, (1 - share) / 63]))
    pixels = torch.from_numpy(data.camera()[None, None, 100:228, 180:308].copy())
    seen, listed = Luma.of(jpeg.compress(pixels, 85)), libjpeg_tables()
    scores = total([part.scores for part in of_image(network, seen, network.index(listed))])
    phases = Posterior.of(scores, listed, ALIKE).phases()
    torch.testing.assert_close(phases, torch.full((1, 64), 1 / 64), rtol=1e-3, atol=1e-5)
