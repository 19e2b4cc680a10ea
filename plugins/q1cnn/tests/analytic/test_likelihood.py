"""The likelihood against the whole sums, with scipy's distributions, in float64."""

from unittest import mock

import numpy as np
import pytest
import torch
from scipy import fft, stats
from skimage import data

from forensics import jpeg
from forensics.jpeg import ZIGZAG
from forensics_q1cnn.analytic import likelihood
from forensics_q1cnn.analytic.likelihood import Steps, libjpeg_steps, log_ratios, scores
from forensics_q1cnn.phase.features import Luma
from forensics_q1cnn.phase.network import libjpeg_tables
from forensics_q1cnn.phase.noise import deviation, second_rounding

ORDER = ZIGZAG.numpy()
SHARES = (0, 0.3, 0.6)


def patches(first=70, second=90, shift=(3, 5), side=64):
    """Four gray patches after two JPEGs."""
    pixels = torch.from_numpy(data.camera()[None, None, 100:300, 180:380])
    pixels = jpeg.decode(jpeg.compress(pixels, first))[:, :, shift[0] :, shift[1] :]
    whole = jpeg.compress(pixels.contiguous(), second)
    corners = [(y, x) for y in (0, 64) for x in (0, 64)]
    return Luma.cat([Luma.of(whole.cut(y, x, side, side)) for y, x in corners])


def lattice(x, q, zeros, b):
    """All points as far out as the coefficients and beyond, and their probabilities."""
    farthest = int(np.abs(x).max() / q) + 20
    m = np.arange(-farthest, farthest + 1)
    if b is None:
        return q * m, np.full(len(m), q)
    cells = stats.laplace.cdf(q * (m + 0.5), scale=b) - stats.laplace.cdf(q * (m - 0.5), scale=b)
    return q * m, zeros * (m == 0) + (1 - zeros) * cells


def density(x, q, s, zeros, b):
    points, masses = lattice(x, q, zeros, b)
    return (masses * stats.norm.pdf(x[:, None], points, s)).sum(1)


def bin_density(x, second, q, s, zeros, b):
    points, masses = lattice(x, q, zeros, b)
    inside = stats.norm.cdf(x[:, None] + second / 2, points, s) - stats.norm.cdf(
        x[:, None] - second / 2, points, s
    )
    return (masses * inside).sum(1) / second


def slowly(seen, n, phase, i, step):
    """One log-ratio of one patch, at a frequency in zig-zag order."""
    top, left = divmod(phase, 8)
    plane = seen.planes[n].double().numpy()
    corners = [
        (y, x)
        for y in range(top, plane.shape[0] - 7, 8)
        for x in range(left, plane.shape[1] - 7, 8)
    ]
    blocks = [fft.dctn(plane[y : y + 8, x : x + 8], norm="ortho").ravel() for y, x in corners]
    x = np.array(blocks)[:, ORDER[i]]
    variance = second_rounding(seen.levels[n : n + 1], seen.steps[n : n + 1])
    spread = deviation(variance, torch.tensor([[phase]]), seen.rounding)[0, 0, ORDER[i]].item()
    if phase:
        noise, of = spread, density
    else:
        noise, second = seen.rounding**0.5, int(seen.steps[n, ORDER[i]])
        x = np.round(x / second) * second

        def of(x, *rest):
            return bin_density(x, second, *rest)

    if step <= 2 * noise:
        return 0.0
    models, strays = [(0, None)], np.full(len(x), 0.02)
    if i:
        signal = max((x**2).mean() - spread**2, 0.05 * spread**2)
        models = [(share, np.sqrt(signal / 2 / (1 - share))) for share in SHARES]
        strays = 0.02 * stats.laplace.pdf(x, scale=4 * np.sqrt(signal + spread**2))

    def total(q, model):
        return np.log(0.98 * of(x, q, noise, *model) + strays).sum()

    model = max(models, key=lambda model: total(2 * noise, model))
    return total(step, model) - total(2 * noise, model)


@pytest.mark.parametrize(("path", "first"), [("compiled", 60), ("compiled", 85), ("tensors", 85)])
def test_it_is_that_of_the_whole_sums(path, first):
    seen = patches(first, side=40)[1:2]
    steps = libjpeg_steps()
    with mock.patch("forensics.device.compiled", return_value=path == "compiled"):
        found = log_ratios(seen, steps)
    generator = np.random.default_rng(first)
    for phase in (0, 5, 56, *generator.integers(1, 64, 3)):
        for i in (0, 1, 63, *generator.integers(1, 63, 3)):
            for k in generator.integers(0, int(steps.counts[i]), 2):
                by_hand = slowly(seen, 0, int(phase), int(i), float(steps.values[i, k]))
                # Of up to 64 blocks, each to a thousandth.
                assert abs(float(found[0, phase, i, k]) - by_hand) < 0.05


def test_both_paths_agree():
    seen = patches(side=40)[:2]
    seen.planes[0, :20, :7] = 127
    compiled = scores(seen)
    with mock.patch("forensics.device.compiled", return_value=False):
        tensors = scores(seen)
    # Of several hundred; where two shares of zeros fit alike they may choose differently.
    torch.testing.assert_close(compiled, tensors, atol=0.5, rtol=0)
    assert float((compiled - tensors).abs().median()) < 0.01


def test_the_score_of_a_table_is_the_sum_over_its_steps():
    seen = patches()[:1]
    steps = libjpeg_steps()
    ratios = log_ratios(seen, steps)
    found = scores(seen)
    tables = libjpeg_tables()
    for phase, table in ((0, 0), (9, 20), (43, 50)):
        each = [
            ratios[0, phase, i, steps.values[i].tolist().index(int(tables[table, i]))]
            for i in range(64)
        ]
        torch.testing.assert_close(found[0, phase, table], torch.stack(each).sum())


def test_steps_are_those_of_the_tables():
    tables = torch.tensor([[3] * 64, [1] * 32 + [9] * 32, [3] * 64])
    found = Steps.of(tables)
    assert found.counts.tolist() == [2] * 64
    every = torch.arange(64)
    assert torch.equal(found.values[every, found.index], tables.float())


def test_clipped_blocks_say_nothing():
    """Whatever else is in the blocks that have a clipped pixel, no score changes."""
    seen = patches()[:1]
    before = scores(seen)
    seen.planes[:, :, 7] = 127
    clipped = scores(seen)
    seen.planes[:, :, :7] = 77
    assert not torch.equal(before[:, 1:], clipped[:, 1:])
    # Phases of column 0 and those that begin at 1 to 7 leave out their first blocks.
    assert torch.equal(scores(seen)[:, 1:], clipped[:, 1:])


def test_where_nearly_all_is_clipped_all_of_it_counts():
    seen = patches()[:1]
    seen.planes[:, ::8] = 127
    assert bool((scores(seen) != 0).any())


def test_patches_answer_alone_as_together():
    seen = patches()
    seen = Luma.cat([seen] * 5)  # more than are worked on at once
    together = scores(seen)
    assert len(seen) > likelihood._TOGETHER
    for n in (0, 3, 18):
        part = seen[n : n + 1]
        assert torch.equal(scores(part)[0], together[n])
