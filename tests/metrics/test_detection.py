"""Threshold metrics against scikit-learn and brute force, on ties and degenerate input too."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from forensics.metrics.curves import Scored, Sides, auc, pe, pe_any, tpr_at_fpr
from forensics.metrics.detection import detector_metrics
from forensics.metrics.intervals import RESAMPLES, resamples

NAMES = ["auc", "pe", "pe_any", "pe_cv", "tpr_at_fpr_1", "tpr_at_fpr_5"]


def populations(seed, levels=None):
    """Random sides of random size; few levels give many ties, inf among them at times."""
    generator = np.random.default_rng(seed)
    sides = []
    for shift in (0.0, generator.normal()):
        n = int(generator.integers(1, 60))
        scores = generator.normal(shift, 1.0, n)
        if levels:
            scores = np.round(scores * levels) / levels
        if seed % 3 == 0:
            scores[generator.random(n) < 0.1] = generator.choice([-np.inf, np.inf])
        sides.append(Scored(scores, generator.integers(0, 8, n)))
    return sides


def labelled(pristine, altered):
    scores = np.concatenate([pristine.scores, altered.scores])
    return np.repeat([0, 1], [len(pristine.scores), len(altered.scores)]), scores


def finite(scores):
    """The same order with infinities made finite, which scikit-learn wants."""
    return np.nan_to_num(scores, posinf=1e3, neginf=-1e3)


def least_error(pristine, altered):
    """min (FA + MD) / 2 by trying every threshold, one after the other."""
    candidates = [*np.concatenate([pristine, altered]), None]
    return min(
        (
            np.mean([t is not None and s >= t for s in pristine])
            + np.mean([t is None or s < t for s in altered])
        )
        / 2
        for t in candidates
    )


@pytest.mark.parametrize("levels", [None, 1, 3])
@pytest.mark.parametrize("seed", range(12))
def test_statistics_equal_scikit_learn_and_brute_force(seed, levels):
    pristine, altered = populations(seed, levels)
    sides = Sides.of(pristine, altered)
    curves = sides.curves(np.ones((1, sides.photographs)))
    truth, scores = labelled(pristine, altered)
    fpr, tpr, _ = roc_curve(truth, finite(scores), drop_intermediate=False)

    assert auc(curves)[0] == pytest.approx(roc_auc_score(truth, finite(scores)), abs=1e-12)
    assert pe(curves)[0] == pytest.approx(least_error(pristine.scores, altered.scores), abs=1e-12)
    down = least_error(-pristine.scores, -altered.scores)
    assert pe_any(curves)[0] == pytest.approx(min(pe(curves)[0], down), abs=1e-12)
    for limit in (0.01, 0.05, 0.2, 0.5):
        expected = tpr[fpr <= limit + 1e-12].max()
        assert tpr_at_fpr(curves, limit)[0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("levels", [None, 2])
def test_weighted_curves_equal_scikit_learns_sample_weights(levels):
    pristine, altered = populations(1, levels)
    sides = Sides.of(pristine, altered)
    weights = np.random.default_rng(5).integers(0, 4, (20, sides.photographs)).astype(float)
    curves = sides.curves(weights)
    truth, scores = labelled(pristine, altered)
    owners = np.concatenate(sides.owners)
    for row, weight in enumerate(weights):
        w = weight[owners]
        fpr, tpr, _ = roc_curve(truth, scores, sample_weight=w, drop_intermediate=False)
        expected = roc_auc_score(truth, scores, sample_weight=w)
        assert auc(curves)[row] == pytest.approx(expected, abs=1e-12)
        assert pe(curves)[row] == pytest.approx((fpr + 1 - tpr).min() / 2, abs=1e-12)


def test_intervals_are_percentiles_over_repeated_patches():
    """Each resample built in full, photograph by photograph, and judged by scikit-learn."""
    generator = np.random.default_rng(3)
    owners = np.repeat(np.arange(7), 3)
    pristine = Scored(generator.normal(0, 1, 21), owners)
    altered = Scored(generator.normal(1, 1, 21), owners)
    areas, errors = [], []
    for weight in np.concatenate(list(resamples(7, seed=11))):
        repeated = [np.repeat(s.scores, weight[owners].astype(int)) for s in (pristine, altered)]
        truth = np.repeat([0, 1], [len(r) for r in repeated])
        areas.append(roc_auc_score(truth, np.concatenate(repeated)))
        fpr, tpr, _ = roc_curve(truth, np.concatenate(repeated))
        errors.append((fpr + 1 - tpr).min() / 2)
    result = detector_metrics(pristine, altered, None, seed=11)
    for name, values in (("auc", areas), ("pe", errors)):
        expected = np.percentile(values, [2.5, 97.5])
        assert [result[name].low, result[name].high] == pytest.approx(expected, abs=1e-12)


def test_resamples_draw_as_many_photographs_and_do_not_depend_on_the_width():
    narrow = np.concatenate(list(resamples(13, seed=2)))
    wide = np.concatenate(list(resamples(13, seed=2, width=10**6)))
    assert narrow.shape == (RESAMPLES, 13)
    assert (narrow.sum(axis=1) == 13).all()
    assert np.array_equal(narrow, wide)
    assert not np.array_equal(narrow, np.concatenate(list(resamples(13, seed=3))))


def test_photographs_not_patches_widen_the_interval():
    """Twenty copies of a patch are no more evidence than one."""
    generator = np.random.default_rng(0)
    photographs = np.arange(12)
    sides = [generator.normal(shift, 1, 12) for shift in (0, 1)]
    once = [Scored(s, photographs) for s in sides]
    often = [Scored(np.repeat(s, 20), np.repeat(photographs, 20)) for s in sides]
    a = detector_metrics(*once, None, seed=4)
    b = detector_metrics(*often, None, seed=4)
    for name in ("auc", "pe", "pe_any", "pe_cv"):
        assert a[name].value == pytest.approx(b[name].value)
        assert (a[name].low, a[name].high) == pytest.approx((b[name].low, b[name].high))


def test_metrics_are_a_function_of_the_patches_not_of_their_order_or_the_names_type():
    generator = np.random.default_rng(8)
    owners = np.repeat(np.arange(8), 6)
    pristine = Scored(generator.normal(0, 1, 48), owners)
    altered = Scored(generator.normal(1, 1, 48), owners)
    order = generator.permutation(48)
    texts = np.array([f"photograph-{i}" for i in owners])
    same = detector_metrics(pristine, altered, None, seed=1)
    other = detector_metrics(
        Scored(pristine.scores, texts), Scored(altered.scores[order], texts[order]), None, seed=1
    )
    assert same == other
    assert same != detector_metrics(pristine, altered, None, seed=2)


def test_perfect_and_inverted_detectors():
    owners = np.repeat(np.arange(10), 20)
    low, high = Scored(np.linspace(0, 1, 200), owners), Scored(np.linspace(2, 3, 200), owners)
    good = detector_metrics(low, high, None, seed=0)
    assert list(good) == NAMES
    assert [good[n].value for n in NAMES] == [1, 0, 0, 0, 1, 1]
    assert all(good[n].low == good[n].high == good[n].value for n in NAMES)
    inverted = detector_metrics(high, low, None, seed=0)
    assert [inverted[n].value for n in NAMES] == [0, 0.5, 0, 0, 0, 0]


def test_constant_scores_are_blind():
    side = Scored(np.full(60, 3.0), np.repeat(np.arange(10), 6))
    result = detector_metrics(side, side, None, seed=0)
    assert [result[n].value for n in ("auc", "pe", "pe_any", "pe_cv")] == [0.5] * 4
    assert result["tpr_at_fpr_5"].value == 0


@pytest.mark.parametrize(("n", "available"), [(39, []), (40, [5]), (199, [5]), (200, [1, 5])])
def test_tpr_needs_two_pristine_patches_over_the_threshold(n, available):
    """Below 2 / f pristine patches the false alarm rate f cannot be told."""
    generator = np.random.default_rng(0)
    pristine = Scored(generator.normal(0, 1, n), np.arange(n) % 7)
    altered = Scored(generator.normal(1, 1, 30), np.arange(30) % 7)
    result = detector_metrics(pristine, altered, None, seed=0)
    for percent in (1, 5):
        value = result[f"tpr_at_fpr_{percent}"]
        assert (value.value is not None) == (percent in available)
        assert (value.reason is None) == (percent in available)
    assert result["tpr_at_fpr_1"].reason in (None, "needs 200 pristine patches")


def test_nan_is_as_if_the_patch_were_not_there():
    generator = np.random.default_rng(2)
    owners = np.repeat(np.arange(8), 8)
    pristine = Scored(generator.normal(0, 1, 64), owners)
    altered = Scored(generator.normal(1, 1, 64), owners)
    gone = generator.random(64) < 0.2
    holed = Scored(np.where(gone, np.nan, altered.scores), owners)
    kept = Scored(altered.scores[~gone], owners[~gone])
    assert gone.any()
    assert detector_metrics(pristine, holed, None, 0) == detector_metrics(pristine, kept, None, 0)


@pytest.mark.parametrize("scores", [np.zeros(0), np.full(5, np.nan)], ids=["none", "all NaN"])
@pytest.mark.parametrize("side", ["pristine", "altered"])
def test_a_side_without_scores_is_not_applicable(scores, side):
    empty = Scored(scores, np.arange(len(scores)))
    full = Scored(np.arange(50.0), np.arange(50))
    sides = (empty, full) if side == "pristine" else (full, empty)
    result = detector_metrics(*sides, None, seed=0)
    assert list(result) == NAMES
    for value in result.values():
        assert (value.value, value.low, value.high) == (None, None, None)
        assert value.reason == f"no {side} patch has a score"


def test_one_photograph_has_figures_without_intervals_and_no_pe_cv():
    generator = np.random.default_rng(0)
    one = np.zeros(50, int)
    result = detector_metrics(
        Scored(generator.normal(0, 1, 50), one), Scored(generator.normal(1, 1, 50), one), None, 0
    )
    assert result["pe_cv"].value is None
    assert result["pe_cv"].reason == "needs 2 photographs"
    for name in ("auc", "pe", "pe_any", "tpr_at_fpr_5"):
        assert result[name].value is not None
        assert (result[name].low, result[name].high) == (None, None)


def test_resamples_without_one_class_are_left_out():
    """Altered patches in one photograph of three: about 30 % of the resamples have none."""
    pristine = Scored(np.array([0.0, 1.0, 2.0]), np.array([0, 1, 2]))
    altered = Scored(np.array([1.5]), np.array([0]))
    result = detector_metrics(pristine, altered, None, seed=0)
    assert result["auc"].value == pytest.approx(2 / 3)
    assert 0 <= result["auc"].low < 2 / 3 < result["auc"].high <= 1


def test_mismatched_arrays_are_refused():
    with pytest.raises(ValueError, match="do not match"):
        Scored(np.zeros(3), np.zeros(4))
    with pytest.raises(ValueError, match="do not match"):
        Scored(np.zeros(3), np.zeros(3), np.zeros((2, 2), int))
