"""Windows that share their work, against the same windows cut out one by one."""

import numpy as np
import pytest
import torch
from skimage import data

from forensics import device, jpeg
from forensics_q1cnn.localization import windows
from forensics_q1cnn.localization.windows import Tile
from forensics_q1cnn.phase.counting import BINS
from forensics_q1cnn.phase.features import SCALE, Luma, features
from forensics_q1cnn.phase.network import PhaseNetwork, libjpeg_tables
from forensics_q1cnn.phase.posterior import every_phase


@pytest.fixture(scope="module")
def seen():
    """A double JPEG of 112 x 128 in colour: 7 x 9 windows."""
    picture = np.ascontiguousarray(data.astronaut()[60:180, 150:290])
    pixels = torch.from_numpy(picture).permute(2, 0, 1)[None]
    pixels = jpeg.decode(jpeg.compress(pixels, 70))[:, :, 3:115, 5:133].contiguous()
    return Luma.of(jpeg.compress(pixels, 92))


def one_by_one(seen, tile):
    """The tile's windows as an image each."""
    corners = [
        (8 * (tile.top + y), 8 * (tile.left + x))
        for y in range(tile.down)
        for x in range(tile.across)
    ]
    return Luma.cat([seen.cut(*corner, 64, 64) for corner in corners])


def assert_same_counts(found, expected):
    """Histograms and conditions, but for a coefficient in so many whose last bit, which depends on
    the order of a sum, puts it into the next bin."""
    torch.testing.assert_close(found.counts[..., BINS:], expected.counts[..., BINS:])
    apart = (found.counts[..., :BINS] - expected.counts[..., :BINS]).abs()
    moved = apart.sum() / 2 / expected.counts[..., :BINS].sum()
    assert moved < 1e-5
    assert apart.max() < 1.01 * SCALE


@pytest.mark.parametrize("compiled", [True, False])
def test_features_are_those_of_single_windows(seen, compiled, monkeypatch):
    if not compiled:
        monkeypatch.setattr(device, "compiled", lambda values: False)
    tile = Tile(1, 2, 5, 6)
    phases = torch.arange(64)
    found = windows.tile_features(tile.cut(seen), tile.across, phases)
    alone = one_by_one(seen, tile)
    expected = features(alone, phases.expand(len(alone), -1))
    assert_same_counts(found, expected)
    # Where a last bit moves an angle by a 1024th of a turn, a cosine moves by 9e-4; a few may.
    torch.testing.assert_close(found.waves, expected.waves, rtol=1e-5, atol=5e-3)


def test_a_bright_edge_leaves_nothing_behind(seen):
    """What a window takes from those before it is exact, however large their coefficients were."""
    planes = seen.planes.clone()
    planes[:, :, :32] = 2000 * (torch.arange(32) % 2)
    bright = Luma(planes, seen.levels, seen.steps, seen.rounding)
    tile = Tile(0, 0, *windows.grid(seen))
    phases = torch.tensor([9, 27])
    found = windows.tile_features(tile.cut(bright), tile.across, phases)
    alone = one_by_one(bright, tile)
    expected = features(alone, phases.expand(len(alone), -1))
    assert_same_counts(found, expected)


def test_scores_are_those_of_single_windows(seen):
    torch.manual_seed(4)
    network = PhaseNetwork(6).eval().requires_grad_(False)
    index = network.index(libjpeg_tables())
    tile, phases = Tile(0, 3, 2, 3), torch.tensor([5, 63])
    found = windows.logs(network, tile.cut(seen), tile.across, phases, index)
    expected = every_phase(network, one_by_one(seen, tile), index).tables
    kept = [0, 5, 63]
    torch.testing.assert_close(found[:, kept], expected[:, kept], rtol=1e-4, atol=1e-3)
    left_out = [p for p in range(64) if p not in kept]
    assert bool((found[:, left_out] == -torch.inf).all())


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (37, 100), (37, 5)])
def test_tiles_cover_every_window_once(rows, columns):
    covered = torch.zeros(rows, columns, dtype=torch.int64)
    for tile in windows.tiles(rows, columns):
        covered[tile.slices] += 1
        assert len(tile) <= 64  # whatever the image
    assert bool((covered == 1).all())
