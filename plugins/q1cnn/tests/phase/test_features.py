"""Features against plain numpy and scipy, noise against a simulation."""

import numpy as np
import pytest
import torch
from scipy.fft import dctn
from skimage import data

from forensics import jpeg
from forensics.jpeg import ZIGZAG
from forensics_q1cnn.phase import features
from forensics_q1cnn.phase.counting import BINS, PERIODS
from forensics_q1cnn.phase.noise import deviation, second_rounding

# Just below the middle between two halves.
EDGES = [
    0,
    *(np.array([*np.arange(0.5, 16, 0.5), *range(16, 40), *range(40, 81, 4)]) - 0.25 - 2**-13),
    np.inf,
]


def patches(quality=90, shift=(0, 0), first=None):
    """Four gray patches of 64 x 64, after a first JPEG if there is one."""
    pixels = torch.from_numpy(data.camera()[None, None, 100:300, 180:380])
    if first:
        pixels = jpeg.decode(jpeg.compress(pixels, first))
    pixels = pixels[:, :, shift[0] :, shift[1] :]
    whole = jpeg.compress(pixels.contiguous(), quality).cut(0, 0, 128, 128)
    parts = [whole.cut(y, x, 64, 64) for y in (0, 64) for x in (0, 64)]
    return features.Luma.cat([features.Luma.of(part) for part in parts])


@pytest.mark.parametrize("path", ["_compiled", "_on_tensors"])
def test_histograms_and_cosines_by_hand(path):
    planes = patches(first=70).planes
    phases = torch.tensor([[0, 63, 19], [0, 8, 5], [0, 7, 40], [0, 1, 2]])
    counts, waves, squares = getattr(features, path)(planes, phases)
    for n, p in ((0, 1), (1, 0), (2, 2)):
        top, left = divmod(int(phases[n, p]), 8)
        plane = planes[n].double().numpy()
        blocks = [
            np.abs(dctn(plane[y : y + 8, x : x + 8], norm="ortho").ravel()[ZIGZAG.numpy()])
            for y in range(top, 57, 8)
            for x in range(left, 57, 8)
        ]
        values = np.array(blocks)
        for i in (1, 2, 17, 63):
            by_hand, _ = np.histogram(values[:, i], EDGES)
            found = counts[i, n, p, :BINS].numpy() / 0.15
            assert np.abs(by_hand - found).max() < 1e-3
        np.testing.assert_allclose(squares[:, n, p], (values**2).mean(0), rtol=1e-3, atol=1e-3)
        for i in (0, 1, 5):
            telling = values[:, i] if i == 0 else values[values[:, i] > 2.75 - 2**-13, i]
            by_hand = np.cos(2 * np.pi * telling[:, None] / PERIODS).sum(0)
            np.testing.assert_allclose(waves[i, n, p] / 0.15, by_hand, atol=0.2)


def test_a_coefficient_between_two_bins_is_in_the_upper_one_on_both_paths():
    """Planes of one frequency each, whose coefficients are 5.25 but for the last bits."""
    basis = dctn(np.eye(64).reshape(64, 8, 8), axes=(1, 2), norm="ortho", type=3)[1:]
    planes = torch.from_numpy(np.tile(5.25 * basis, (1, 8, 8))).float()
    phases = torch.zeros(63, 1, dtype=torch.long)
    for path in (features._compiled, features._on_tensors):
        counts = path(planes, phases)[0][..., :BINS] / 0.15
        places = ZIGZAG.argsort()[1:]  # of frequencies 1.. in natural order
        assert (counts[places, torch.arange(63), 0].argmax(1) == 11).all()
        assert (counts[places, torch.arange(63), 0, 11] > 63.9).all()


def test_coefficients_that_no_photograph_has_do_no_harm():
    """Steps of 16 bits and levels of 15, as in a file made to do harm, make more turns than 32 bits
    count: what is looked up stays in the table of cosines."""
    planes = 3e9 * (-1.0) ** torch.arange(64)[None, :, None].expand(1, 64, 64)
    _, waves, _ = features._compiled(planes.contiguous(), torch.arange(64)[None])
    assert waves.abs().max() <= 0.15 * 64.01


def test_both_paths_agree():
    planes = patches(first=60, shift=(3, 5)).planes
    phases = torch.arange(64).expand(4, 64).contiguous()
    compiled, tensors = (
        getattr(features, path)(planes, phases) for path in ("_compiled", "_on_tensors")
    )
    differing = (compiled[0][..., :BINS] - tensors[0][..., :BINS]).abs() > 1e-4
    assert float(differing.float().mean()) < 1e-3
    torch.testing.assert_close(compiled[1], tensors[1], atol=0.05, rtol=0)
    torch.testing.assert_close(compiled[2], tensors[2], atol=1e-2, rtol=1e-3)


def test_patches_are_features_of_their_own():
    seen = patches(first=60)
    phases = torch.tensor([[0, 9, 33]]).expand(4, 3).contiguous()
    together = features.features(seen, phases)
    for n in range(4):
        part = slice(n, n + 1)
        alone = features.features(seen[part], phases[part])
        assert torch.equal(alone.counts, together.counts[:, part])
        assert torch.equal(alone.waves, together.waves[:, part])


@pytest.mark.parametrize("quality", [75, 90])
@pytest.mark.parametrize("shift", [(0, 0), (3, 6), (0, 5)])
def test_the_deviation_is_that_of_the_second_jpeg(quality, shift):
    """What the second rounding does to coefficients of the first grid, measured where the image
    before it is known."""
    rng = np.random.default_rng(1)
    # A Laplacian image: the noise model's own assumption, so that it can be held to it.
    scale = 60 / (1 + np.add.outer(np.arange(8), np.arange(8)) * 2.0)
    drawn = rng.laplace(size=(400, 64, 8, 8)) * scale
    first = torch.from_numpy(drawn).float()
    planes = jpeg.block_idct(first.unflatten(1, (8, 8)))
    steps = jpeg.standard_tables(quality, 1)[0]
    levels = (jpeg.block_dct(planes) / steps).round()
    after = jpeg.block_idct(levels * steps)
    error = after - planes
    top, left = shift
    height, width = ((64 - s) // 8 * 8 for s in shift)
    cut = error[:, top : top + height, left : left + width]
    measured = jpeg.block_dct(cut).square().mean((0, 1, 2)).flatten()
    # All as one image: so many blocks that the smoothing of the share of zeros is nothing.
    variance = second_rounding(levels.reshape(1, -1, 64).long(), steps.flatten()[None])
    modelled = deviation(variance, torch.tensor([[8 * top + left]]), 0.0).square()[0, 0]
    torch.testing.assert_close(modelled, measured, rtol=0.25, atol=0.02)


def test_what_is_told_of_clipped_and_of_flat_patches():
    """Half of a patch is white; of the texture in the other half the mean of all squares."""
    texture = np.random.default_rng(0).normal(0, 9, (64, 64)).round() + 128
    white, both = np.full((64, 64), 255.0), texture.copy()
    both[:, 32:] = 255
    pixels = torch.from_numpy(np.stack([texture, white, both])[:, None].astype(np.uint8))
    seen = features.Luma.of(jpeg.compress(pixels, 95))
    told = features.features(seen, torch.zeros(3, 1, dtype=torch.int64)).counts[:, :, 0, BINS:]
    assert told[:, :, 8].unique(dim=0).tolist() == [[0, 1, 0.5]]  # the same at all frequencies
    squares = (told[5, :, 9] / 0.3).exp() - 0.05
    np.testing.assert_allclose(squares, [81, 0, 81 / 2], rtol=0.08, atol=1e-3)
