"""The parts of `q1dalmia` on combs that are drawn."""

import numpy as np
import pytest
import torch

from forensics_q1cnn.baselines import dalmia


def comb(step, blur, count, seed=0):
    """Multiples of a step, Laplacian with a scale of two steps, blurred."""
    rng = np.random.default_rng(seed)
    m = np.round(rng.laplace(0, 2, count))
    return torch.from_numpy(step * m + rng.normal(0, blur, count)).float()[None]


@pytest.mark.parametrize("step", [5, 8, 11])
def test_the_spacing_of_a_comb(step):
    x, s = comb(step, 0.8, 400), torch.tensor([0.8])
    found = dalmia.peaks(x, s)
    places = 0.5 * found[0].nonzero()[:, 0]
    strong = 0.5 * (found[0] > 0.1 * found[0].max()).nonzero()[:, 0]
    assert len(places) < 40
    assert bool((strong % step < 1).logical_or(strong % step > step - 1).all())
    assert float(dalmia.spacing(found, s, 0)) == step


def test_peaks_are_local_maxima_of_the_smoothed_histogram():
    x = comb(7, 1.0, 60, seed=4)
    found = dalmia.peaks(x, torch.tensor([1.0]))[0].numpy()
    places = np.round(np.abs(x[0].numpy()) / 0.5)
    both = np.concatenate([places, -places])
    grid = np.arange(-1, len(found) + 1)
    distance = (grid[:, None] - both) / 1.2  # .6 of the blur, in half units
    smooth = np.where(np.abs(distance) <= 4, np.exp(-(distance**2) / 2), 0).sum(1)
    maxima = (smooth[1:-1] > smooth[:-2]) & (smooth[1:-1] >= smooth[2:])
    # At the upper end the histogram stops.
    inside = slice(0, len(found) - 6)
    assert np.array_equal(found[inside] > 0, maxima[inside])
    np.testing.assert_allclose(found[inside], (smooth[1:-1] * maxima)[inside], rtol=1e-4)


def test_a_comb_finer_than_its_blur_is_not_read():
    """Steps of 3 under a blur of 2 do not show; nothing below twice the blur is ever said."""
    found = dalmia.peaks(comb(3, 2.0, 400), torch.tensor([2.0]))
    assert float(dalmia.spacing(found, torch.tensor([2.0]), 0)) >= 4


def test_one_peak_has_no_spacing():
    found = dalmia.peaks(torch.full((1, 49), 30.0), torch.tensor([0.8]))
    assert (found > 0).sum() == 1
    assert dalmia.spacing(found, torch.tensor([0.8]), 0).isnan()


def test_no_answer_where_no_comb_stands_out():
    x = torch.zeros(1, 15, 49)
    x[0, 0] = comb(9, 0.8, 49)
    x[0, 1] = torch.linspace(-40, 40, 49)
    steps = torch.full((1, 15), 9.0)
    found = dalmia._standing_out(x, steps)
    assert float(found[0, 0]) == 9
    assert found[0, 1:].isnan().all()
