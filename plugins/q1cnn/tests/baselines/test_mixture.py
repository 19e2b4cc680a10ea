"""The mixture against scipy and a brute search, k(n) and combs against simulations."""

import numpy as np
import pytest
import torch
from scipy.fft import dctn
from scipy.optimize import minimize_scalar

from forensics_q1cnn.baselines import bins, combs
from forensics_q1cnn.baselines.blocks import MOST
from forensics_q1cnn.baselines.mixture import evidence, first_best
from forensics_q1cnn.tables import CAPS

RNG = np.random.default_rng(3)


def test_the_share_is_the_one_of_largest_likelihood():
    """Two normal distributions, a third of the values from the second."""
    second = RNG.random(600) < 1 / 3
    values = np.where(second, RNG.normal(1.5, 1, 600), RNG.normal(0, 1, 600))
    ratios = np.exp(1.5 * values - 1.5**2 / 2)  # N(1.5, 1) over N(0, 1)
    best = minimize_scalar(
        lambda a: -np.log(1 - a + a * ratios).sum(), bounds=(0, 1), method="bounded"
    )
    assert 0.2 < best.x < 0.5
    found = evidence(torch.from_numpy(ratios), "em")
    assert float(found) == pytest.approx(-best.fun, rel=1e-4)
    whole = evidence(torch.from_numpy(ratios), "whole")
    assert float(whole) == pytest.approx(np.log(0.05 + 0.95 * ratios).sum())


def test_what_speaks_against_has_no_evidence():
    assert float(evidence(torch.tensor([0.2, 0.5, 0.9]), "em")) == 0
    assert first_best(torch.tensor([[1.0, 3.0, 3.0004, 2.0]])).tolist() == [1]


@pytest.mark.parametrize(("first", "second"), [(10, 3), (7, 5), (4, 6), (3, 8), (12, 4)])
def test_bins_hold_what_a_double_quantisation_leaves(first, second):
    """Counted: uniform values, quantised by the first step, rounded, quantised by the second."""
    x = RNG.uniform(-first * second * 40, first * second * 40, 2_000_000)
    blurred = first * np.round(x / first) + RNG.normal(0, 0.5, x.size)
    levels = np.round(blurred / second).astype(int)
    single = np.round(x / second).astype(int)
    k = bins.shares(second, 0.25)[first - 1]
    for residue in range(first):
        counted = (levels % first == residue).sum() / (single % first == residue).sum()
        assert float(k[residue]) == pytest.approx(counted, abs=0.03)
    assert float(k[:first].mean()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("path", ["compiled", "tensors"])
def test_combs_are_sums_of_normal_distributions(path, monkeypatch):
    if path == "tensors":
        monkeypatch.setattr("forensics.device.compiled", lambda values: False)
    x = torch.from_numpy(RNG.laplace(0, 20, (2, 15, 49)).astype(np.float32))
    deviations = torch.linspace(1.5, 2.5, 30).view(2, 15)
    usual = 0 * combs.waves(x)
    found = combs.shifted(x, combs.blur(deviations), usual, "whole")
    m = np.arange(-400, 401)
    for n, i, q in ((0, 0, 16), (1, 3, 9), (0, 14, 24), (1, 2, 5), (1, 7, 1)):
        s = float(deviations[n, i])
        distance = x[n, i].double().numpy()[:, None] - q * m
        density = (q * np.exp(-((distance / s) ** 2) / 2) / s / np.sqrt(2 * np.pi)).sum(1)
        expected = np.log(0.05 + 0.95 * np.maximum(density, 1e-3)).sum()
        assert float(found[n, i, q - 1]) == pytest.approx(expected, abs=0.05)
    assert not found[:, 2, CAPS[2] :].any()


def test_both_paths_agree(monkeypatch):
    x = torch.from_numpy(RNG.laplace(0, 12, (3, 15, 56)).astype(np.float32))
    others = torch.from_numpy(RNG.laplace(0, 12, (3, 15, 500)).astype(np.float32))
    left = combs.blur(torch.full((3, 15), 0.9))

    def both():
        waves = combs.waves(others)
        return waves, *(combs.shifted(x, left, waves, mixing) for mixing in ("em", "whole"))

    compiled = both()
    monkeypatch.setattr("forensics.device.compiled", lambda values: False)
    for one, other in zip(compiled, both(), strict=True):
        torch.testing.assert_close(one, other, rtol=2e-3, atol=2e-3)


def test_waves_are_means_of_cosines():
    x = torch.from_numpy(RNG.laplace(0, 12, (1, 15, 30)).astype(np.float32))
    found = combs.waves(x)
    assert found.shape == (1, 15, MOST, 8)
    by_hand = np.cos(2 * np.pi * 5 * x[0, 4].double().numpy() / 7).mean()
    assert float(found[0, 4, 6, 4]) == pytest.approx(by_hand, abs=1e-3)


def test_the_recut_histogram_is_that_of_the_other_grids():
    from forensics_q1cnn.phase.features import Luma

    plane = RNG.normal(0, 30, (40, 48)).astype(np.float32)
    steps = torch.full((1, 64), 7)
    levels = torch.zeros(1, 30, 64, dtype=torch.int16)
    seen = Luma(torch.from_numpy(plane)[None], levels, steps, 0.25)
    found = bins.recut(seen)
    values = [
        dctn(plane[y : y + 8, x : x + 8].astype(float), norm="ortho")[1, 0]  # third in zig-zag
        for y in range(33)
        for x in range(41)
        if y % 8 or x % 8
    ]
    counted = np.bincount(np.round(np.abs(values) / 7).astype(int))
    np.testing.assert_allclose(
        found[0, 2, : len(counted)], counted / counted.sum(), atol=2.5 / len(values)
    )
