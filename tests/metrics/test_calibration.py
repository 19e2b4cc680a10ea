"""Cllr and its parts against values by hand, scikit-learn and every monotone calibration."""

import itertools

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import balanced_accuracy_score, log_loss

from forensics.metrics import intervals
from forensics.metrics.calibration import NAMES, bits, calibration_metrics, pool, tippett
from forensics.metrics.curves import Scored


def metrics(pristine, altered, called=None, owners=None, seed=0):
    """The values by name; two photographs, and calls at LR = 1, unless told."""
    sides = [np.asarray(side, float) for side in (pristine, altered)]
    owners = owners or [np.arange(len(side)) % 2 for side in sides]
    owners = [np.asarray(owner) for owner in owners]
    scored = [Scored(side, owner) for side, owner in zip(sides, owners, strict=True)]
    called = called or tuple(side >= 0 for side in sides)
    return calibration_metrics(*scored, called, seed)


def random_sides(seed, levels=4):
    generator = np.random.default_rng(seed)
    sizes = generator.integers(2, 30, 2)
    return [
        np.round(generator.normal(shift, 1, n) * levels) / levels
        for shift, n in zip((-0.4, 0.4), sizes, strict=True)
    ]


def test_values_by_hand():
    # LR = 1 everywhere says nothing: log2(1 + 1) = 1 bit on both sides.
    nothing = metrics([0, 0, 0], [0, 0])
    assert nothing["cllr"].value == nothing["cllr_min"].value == 1
    assert nothing["cllr_cal"].value == 0
    # LR = 3 of one altered patch, 1/3 of one pristine: log2(4 / 3) each.
    assert metrics([-np.log10(3)], [np.log10(3)])["cllr"].value == pytest.approx(np.log2(4 / 3))
    # The same the wrong way round: log2(4) = 2 bits, of which 1 could be saved by LR = 1.
    wrong = metrics([np.log10(3)], [-np.log10(3)])
    assert wrong["cllr"].value == pytest.approx(2)
    assert wrong["cllr_min"].value == pytest.approx(1)
    assert wrong["cllr_cal"].value == pytest.approx(1)
    assert wrong["accuracy"].value == 0
    perfect = metrics([-np.inf, -np.inf], [np.inf, np.inf])
    assert [perfect[n].value for n in NAMES] == [1, 0, 0, 0]
    assert bits(np.array([400.0]), False)[0] == pytest.approx(400 * np.log2(10))


@pytest.mark.parametrize("seed", range(8))
def test_cllr_is_scikit_learns_log_loss_at_equal_priors(seed):
    pristine, altered = random_sides(seed)
    posterior = 1 / (1 + 10 ** -np.concatenate([pristine, altered]))
    labels = np.repeat([0, 1], [len(pristine), len(altered)])
    weights = np.where(labels, 1 / len(altered), 1 / len(pristine))
    expected = log_loss(labels, posterior, sample_weight=weights) / np.log(2)
    found = metrics(pristine, altered)
    assert found["cllr"].value == pytest.approx(expected, abs=1e-12)
    called = np.concatenate([pristine, altered]) >= 0
    assert found["accuracy"].value == pytest.approx(balanced_accuracy_score(labels, called))


@pytest.mark.parametrize("seed", range(8))
def test_cllr_min_is_the_log_loss_after_scikit_learns_isotonic_regression(seed):
    pristine, altered = random_sides(seed)
    scores = np.concatenate([pristine, altered])
    labels = np.repeat([0, 1], [len(pristine), len(altered)])
    weights = np.where(labels, 1 / len(altered), 1 / len(pristine))
    posterior = IsotonicRegression().fit_transform(scores, labels, sample_weight=weights)
    expected = log_loss(labels, posterior, sample_weight=weights) / np.log(2)
    assert metrics(pristine, altered)["cllr_min"].value == pytest.approx(expected, abs=1e-9)


def test_no_monotone_calibration_on_a_fine_grid_does_better():
    """Brute force: every non-decreasing choice of posteriors for four distinct scores."""
    pristine, altered = np.array([0.0, 0, 1, 2]), np.array([0.0, 1, 1, 3, 3])
    grid = np.linspace(0.001, 0.999, 22)
    best = min(
        (bits(logit[pristine.astype(int)], False).mean())
        + bits(logit[altered.astype(int)], True).mean()
        for choice in itertools.combinations_with_replacement(grid, 4)
        for logit in [np.log10(np.array(choice) / (1 - np.array(choice)))]
    )
    found = metrics(pristine, altered)["cllr_min"].value
    assert found <= best / 2
    assert found == pytest.approx(best / 2, abs=0.005)


@pytest.mark.parametrize("seed", range(6))
def test_properties(seed):
    pristine, altered = random_sides(seed)
    found = metrics(pristine, altered)
    assert found["cllr"].value >= found["cllr_min"].value >= 0
    assert found["cllr_min"].value <= 1 + 1e-12
    assert found["cllr_cal"].value == pytest.approx(
        found["cllr"].value - found["cllr_min"].value, abs=1e-12
    )
    for increasing in (lambda x: 3 * x - 7, np.exp, lambda x: x**3):
        other = metrics(increasing(pristine), increasing(altered))
        assert other["cllr_min"].value == pytest.approx(found["cllr_min"].value, abs=1e-9)
    # Which side is called what does not matter.
    turned = metrics(-altered, -pristine)
    for name in ("cllr", "cllr_min"):
        assert turned[name].value == pytest.approx(found[name].value, abs=1e-9)


def test_pool_is_non_decreasing_and_keeps_the_mean():
    generator = np.random.default_rng(2)
    pristine, altered = generator.random((2, 50))
    pooled = pool(pristine, altered)
    assert (np.diff(pooled) >= 0).all()
    assert (pooled * (pristine + altered)).sum() == pytest.approx(altered.sum())


def test_intervals_are_percentiles_over_repeated_photographs(monkeypatch):
    monkeypatch.setattr(intervals, "RESAMPLES", 100)
    generator = np.random.default_rng(3)
    owners = np.repeat(np.arange(6), 3)
    sides = generator.normal(-0.5, 1, 18), generator.normal(0.5, 1, 18)
    found = metrics(*sides, owners=[owners, owners], seed=5)
    drawn = [
        _plain(*(np.repeat(side, weight[owners].astype(int)) for side in sides))
        for weights in intervals.resamples(6, 5)
        for weight in weights
    ]
    assert len(drawn) == 100
    for name in NAMES:
        low, high = np.percentile([each[name] for each in drawn], [2.5, 97.5])
        assert found[name].low == pytest.approx(low, abs=1e-9)
        assert found[name].high == pytest.approx(high, abs=1e-9)
        assert found[name].low < found[name].high


def _plain(pristine, altered):
    """By scikit-learn, without intervals."""
    scores = np.concatenate([pristine, altered])
    labels = np.repeat([0, 1], [len(pristine), len(altered)])
    weights = np.where(labels, 1 / len(altered), 1 / len(pristine))

    def loss(posterior):
        return log_loss(labels, posterior, sample_weight=weights) / np.log(2)

    cllr = loss(1 / (1 + 10**-scores))
    least = loss(IsotonicRegression().fit_transform(scores, labels, sample_weight=weights))
    accuracy = balanced_accuracy_score(labels, scores >= 0)
    return {"accuracy": accuracy, "cllr": cllr, "cllr_min": least, "cllr_cal": cllr - least}


def test_patches_without_an_answer_do_not_count():
    found = metrics([-1, np.nan, 0], [1, 0.5])
    assert found["cllr"].value == metrics([-1, 0], [1, 0.5], owners=[[0, 0], [0, 1]])["cllr"].value
    empty = metrics([np.nan], [1, 0.5])
    assert {v.reason for v in empty.values()} == {"no pristine patch has a score"}


def test_tippett_data_by_hand():
    found = tippett(
        Scored(np.array([-1.0, -1, 0, 0.5]), np.zeros(4)), Scored(np.array([0.5, 2]), np.zeros(2))
    )
    assert found == {
        "log10_lr": [-1, 0, 0.5, 2],
        "pristine": [1, 0.5, 0.25, 0],
        "altered": [1, 1, 1, 0.5],
    }
