"""Metrics of estimators against scikit-learn, on random and degenerate answers."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, mean_absolute_error, mean_squared_error

from forensics.metrics.estimation import Estimated, confusion, estimator_metrics, group, right
from forensics.metrics.intervals import resamples
from forensics.traces.trace import Target

STEP = Target("a", "step", "steps")
OTHER = Target("b", "step", "steps")
REAL = Target("f", "real", "new / old", 0.05, 1)
WORDS = Target("op", "class", "", none=0, classes=("none", "median", "blur"))


def drawn(seed, n=40, high=4):
    """Whole answers and truths over six photographs, none of them pristine."""
    generator = np.random.default_rng(seed)
    values, true = generator.integers(1, high, (2, n)).astype(float)
    return Estimated(values, true, generator.integers(0, 6, n), np.zeros(n, bool))


@pytest.mark.parametrize("seed", range(4))
def test_figures_equal_scikit_learn(seed):
    a, b = drawn(seed), drawn(seed + 100)
    found = estimator_metrics([STEP, OTHER], {"a": a, "b": b}, seed=0)
    for name, one in (("a", a), ("b", b)):
        expected = accuracy_score(one.true, one.values)
        assert found[f"accuracy:{name}"].value == pytest.approx(expected)
        assert found[f"mse:{name}"].value == pytest.approx(mean_squared_error(one.true, one.values))
        assert found[f"mae:{name}"].value == pytest.approx(
            mean_absolute_error(one.true, one.values)
        )
    for metric in ("accuracy", "mse", "mae"):
        mean = (found[f"{metric}:a"].value + found[f"{metric}:b"].value) / 2
        assert found[metric].value == pytest.approx(mean)


def test_intervals_resample_photographs():
    a, b = drawn(1), drawn(2)
    found = estimator_metrics([STEP, OTHER], {"a": a, "b": b}, seed=7)["mse"]
    means = []
    for weight in np.concatenate(list(resamples(6, seed=7))):
        errors = [
            np.average((one.values - one.true) ** 2, weights=weight[one.photographs])
            for one in (a, b)
        ]
        means.append(np.mean(errors))
    expected = np.percentile(means, [2.5, 97.5])
    assert [found.low, found.high] == pytest.approx(expected, abs=1e-12)


def test_the_tolerance_is_inclusive_in_float32():
    true = np.array([0.8, 0.8, 0.8])
    values = np.array([0.85, 0.86, 0.75], np.float32).astype(float)
    assert right(REAL, values, true).tolist() == [True, False, True]
    # A step is a whole number: an answer between two counts as the nearest.
    assert right(STEP, np.array([11.6, 12.6]), np.array([12.0, 12.0])).tolist() == [True, False]


def test_the_share_that_is_answered():
    """Of four altered patches that have a truth, `a` answers two and `b` all; the pristine one and
    the one without a truth do not count."""
    pristine = np.array([False, False, False, False, True, False])
    true = np.array([1.0, 2, 3, 4, 0, np.nan])
    a = np.array([1.0, np.nan, np.nan, 4, np.nan, np.nan])
    one, other = (
        Estimated(values, true, np.arange(6), pristine) for values in (a, np.where(pristine, a, 2))
    )
    found = estimator_metrics([STEP, OTHER], {"a": one, "b": other}, seed=0)
    shares = [found[name].value for name in ("answered:a", "answered:b", "answered")]
    assert shares == [0.5, 1.0, 0.75]
    # A name that is never answered counts in the share, not in the other figures.
    never = Estimated(other.values * np.nan, true, np.arange(6), pristine)
    with_it = estimator_metrics([STEP, OTHER], {"a": other, "b": never}, seed=0)
    assert (with_it["answered"].value, with_it["answered:b"].value) == (0.5, 0)
    assert with_it["accuracy"].value == with_it["accuracy:a"].value
    assert "accuracy:b" not in with_it
    silent = Estimated(a * np.nan, true, np.arange(6), pristine)
    assert estimator_metrics([STEP], {"a": silent}, seed=0)["answered"].value == 0


def test_the_headline_is_of_one_sort():
    shift = Target("r", "class", "pixels")
    assert [t.name for t in group([STEP, OTHER, shift])] == ["a", "b"]
    assert [t.name for t in group([shift])] == ["r"]
    one = drawn(3)
    found = estimator_metrics([STEP, shift], {"a": one, "r": drawn(4)}, seed=0)
    assert found["mse"] == found["mse:a"]
    assert found["mse:r"] != found["mse:a"]


def test_pristine_patches_count_as_false_estimates_only():
    values = np.array([1.0, 1.04, 1.2, 0.8, 0.8])
    true = np.array([1.0, 1.0, 1.0, 0.8, 1.2])
    pristine = np.array([True, True, True, False, False])
    one = Estimated(values, true, np.arange(5), pristine)
    found = estimator_metrics([REAL], {"f": one}, seed=0)
    assert found["false_estimates"].value == pytest.approx(1 / 3)
    assert found["accuracy"].value == 0.5
    assert found["mse"].value == pytest.approx(0.4**2 / 2)


def test_classes_with_words_have_no_distance_and_count_the_untouched():
    values, true = np.array([0.0, 1, 2, 9]), np.array([0.0, 0, 2, 1])
    one = Estimated(values, true, np.arange(4), true == 0)
    found = estimator_metrics([WORDS], {"op": one}, seed=0)
    assert found["accuracy"].value == 0.5
    assert found["false_estimates"].value == 0.5
    assert found["mse"].value is None
    assert found["mse"].reason == "classes have no distance"
    assert confusion(WORDS, one) == [
        ("none", "none", 1),
        ("none", "median", 1),
        ("median", "other", 1),
        ("blur", "blur", 1),
    ]
    assert confusion(REAL, one) is None


def test_a_patch_without_an_answer_is_as_if_it_were_not_there():
    one = drawn(5)
    gone = np.arange(40) % 3 == 0
    holed = Estimated(np.where(gone, np.nan, one.values), one.true, one.photographs, one.pristine)
    kept = Estimated(*(x[~gone] for x in (one.values, one.true, one.photographs, one.pristine)))
    found, expected = (estimator_metrics([STEP], {"a": each}, 0) for each in (holed, kept))
    shares = [found.pop(name).value for name in ("answered", "answered:a")]
    assert shares == [(40 - 14) / 40] * 2
    assert found.items() < expected.items()


def test_degenerate_answers_have_reasons():
    nothing = Estimated(np.full(3, np.nan), np.ones(3), np.arange(3), np.zeros(3, bool))
    found = estimator_metrics([STEP], {"a": nothing}, 0)
    assert [found.pop(name).value for name in ("answered", "answered:a")] == [0, 0]
    for value in found.values():
        assert (value.value, value.reason) == (None, "no patch has an answer")
    untouched = Estimated(np.ones(3), np.ones(3), np.arange(3), np.ones(3, bool))
    found = estimator_metrics([REAL], {"f": untouched}, 0)
    assert found["false_estimates"].value == 0
    assert found["accuracy"].reason == found["mse"].reason == "no altered patch has an answer"
    one = drawn(6)
    single = Estimated(one.values, one.true, np.zeros(40, int), one.pristine)
    found = estimator_metrics([STEP], {"a": single}, 0)
    assert found["accuracy"].value is not None
    assert found["accuracy"].low is None


def test_real_values_without_a_tolerance_have_errors_and_no_accuracy():
    target = Target("f", "real", "new / old", 0.0, 1)
    answers = Estimated(
        np.array([1.2, 0.9, 1.0, 1.1]),
        np.array([1.1, 1.1, 1.0, 1.0]),
        np.array([0, 0, 1, 1]),
        np.array([False, False, True, False]),
    )
    found = estimator_metrics([target], {"f": answers}, seed=1)
    assert found["mae"].value == pytest.approx((0.1 + 0.2 + 0.1) / 3)
    assert found["bias"].value == pytest.approx((0.1 - 0.2 + 0.1) / 3)
    assert found["bias:f"].low <= found["bias:f"].value <= found["bias:f"].high
    for name in ("accuracy", "false_estimates", "ece", "accuracy_80"):
        assert found[name].value is None
    assert "mae, bias" in found["accuracy"].reason
    # With a tolerance all of it is there.
    toleranced = estimator_metrics([REAL], {"f": answers}, seed=1)
    assert toleranced["accuracy"].value == 0
    assert toleranced["false_estimates"].value == 0
    assert toleranced["bias"] == found["bias"]
