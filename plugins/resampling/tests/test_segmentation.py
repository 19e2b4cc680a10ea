"""From maps to masks: against scikit-image, and maps whose answer is known."""

import numpy as np
import pytest
from skimage.filters import threshold_otsu

from forensics_resampling.segmentation import (
    Split,
    chain,
    confidence,
    deviation,
    filtered,
    walked,
)


def two(share=0.3, noise=0.05, seed=0):
    """A map 0..1 with a rectangle of `share` of its columns in it, and where."""
    rng = np.random.default_rng(seed)
    inside = np.zeros((40, 50), bool)
    inside[10:30, : int(50 * share)] = True
    return np.clip(np.where(inside, 0.8, 0.2) + rng.normal(0, noise, inside.shape), 0, 1), inside


def test_modes_and_threshold_of_two_levels():
    found, _ = two()
    split = Split.of(found)
    assert split.threshold == pytest.approx(threshold_otsu(found, 64))
    assert split.low == pytest.approx(0.2, abs=0.05)
    assert split.high == pytest.approx(0.8, abs=0.05)
    assert split.bimodal


def test_explained_variance_of_known_distributions():
    """2 / pi of a normal one, 3 / 4 of a uniform one, all of two levels."""
    rng = np.random.default_rng(0)
    normal, uniform = rng.normal(size=(300, 300)), rng.uniform(size=(300, 300))
    assert Split.of(normal).explained == pytest.approx(2 / np.pi, abs=0.01)
    assert Split.of(uniform).explained == pytest.approx(3 / 4, abs=0.01)
    assert Split.of(np.repeat([[0.0, 1.0]], 9, 0)).explained == pytest.approx(1)
    assert not Split.of(normal).bimodal


def test_a_map_of_one_value_has_no_threshold():
    assert Split.of(np.full((9, 9), 0.4)) is None


def test_walker_closes_what_noise_leaves_open():
    found, inside = two(noise=0.15)
    mask = walked(filtered(found, 0.3), Split.of(filtered(found, 0.3)))
    union = (mask & inside).sum() / (mask | inside).sum()
    assert union > 0.9


def test_chain_takes_bimodal_maps_alone_and_joins_them():
    first, one = two(0.3, seed=1)
    second, other = two(0.6, seed=2)
    noise = np.clip(np.random.default_rng(3).normal(0.5, 0.1, first.shape), 0, 1)
    found = chain(np.stack([first, noise, second]))
    assert found.chosen.tolist() == [True, False, True]
    both = one | other
    assert (found.mask & both).sum() / (found.mask | both).sum() > 0.9


def test_chain_without_a_bimodal_map_finds_nothing():
    noise = np.random.default_rng(3).normal(0.5, 0.1, (6, 30, 30)).clip(0, 1)
    assert not chain(noise).mask.any()
    assert not chain(np.full((6, 30, 30), 0.5)).mask.any()


def test_confidence_is_the_mean_of_what_is_not_0():
    assert confidence(np.array([[0, 0.5], [1, 0]])) == pytest.approx(0.75)
    assert confidence(np.zeros((3, 3))) == 0


def test_deviation_marks_what_differs_in_either_direction():
    found, inside = two(noise=0.02)
    for maps in (np.stack([found, found]), np.stack([1 - found, found])):
        heat = deviation(maps)
        assert heat[inside].min() > heat[~inside].max()
