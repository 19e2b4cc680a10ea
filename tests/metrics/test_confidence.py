"""Stated probabilities against scikit-learn, SciPy and loops by hand."""

import numpy as np
import pytest
import torch
from scipy.stats import entropy
from sklearn.calibration import calibration_curve

from forensics.metrics import confidence
from forensics.metrics.confidence import Believed, Stated
from forensics.metrics.estimation import Estimated, estimator_metrics, reliability
from forensics.metrics.intervals import resamples
from forensics.models.interfaces import Belief
from forensics.traces.trace import Target

STEP, OTHER = Target("a", "step", "steps"), Target("b", "step", "steps")


def believed(seed, n=300, photographs=7):
    """Answers that are right more often than they say, over photographs."""
    generator = np.random.default_rng(seed)
    stated = generator.uniform(0.15, 1, n)
    right = generator.uniform(0, 1, n) < np.sqrt(stated)
    return Believed(stated, right, generator.integers(0, photographs, n))


def filled(diagram, what):
    """One of its three figures, of the bins that have one."""
    values = [v.value for name, v in diagram.items() if name.startswith(f"{what}:")]
    assert len(values) == 10
    return [value for value in values if value is not None]


@pytest.mark.parametrize("seed", range(3))
def test_the_diagram_equals_scikit_learn(seed):
    one = believed(seed)
    found = confidence.reliability(one, 7, seed=0)
    assert found["right:0-10"].reason == found["stated:0-10"].reason == "no answer in this bin"
    right, stated = calibration_curve(one.right, one.stated, n_bins=10)
    assert filled(found, "right") == pytest.approx(right)
    assert filled(found, "stated") == pytest.approx(stated)
    counts = np.histogram(one.stated, np.linspace(0, 1, 11))[0]
    assert filled(found, "share") == pytest.approx(counts / 300)
    error = sum(n / 300 * abs(r - s) for n, r, s in zip(counts[1:], right, stated, strict=True))
    assert confidence.calibration_error(one, 7, 0).value == pytest.approx(error)


def test_the_ends_of_a_bin_are_those_of_scikit_learn():
    stated = np.array([0.0, 0.1, 0.10001, 0.5, 0.9, 1.0])
    right = np.array([False, True, True, False, True, True])
    found = confidence.reliability(Believed(stated, right, np.zeros(6, int)), 1, 0)
    assert filled(found, "right") == pytest.approx(calibration_curve(right, stated, n_bins=10)[0])
    assert found["share:0-10"].value == pytest.approx(2 / 6)


def test_intervals_of_the_diagram_resample_photographs():
    one = believed(3)
    found = confidence.reliability(one, 7, seed=5)["right:60-70"]
    inside = (one.stated > 0.6) & (one.stated <= 0.7)
    shares = [
        np.average(one.right[inside], weights=weight[one.photographs[inside]])
        for weight in np.concatenate(list(resamples(7, 5, 30)))
        if weight[one.photographs[inside]].any()
    ]
    assert [found.low, found.high] == pytest.approx(np.percentile(shares, [2.5, 97.5]))


def test_what_is_kept_of_a_distribution():
    generator = torch.Generator().manual_seed(1)
    shares = torch.rand(5, 8, generator=generator).softmax(1)
    shares[0] = torch.eye(8)[3]
    values = torch.tensor([3.0, 2.6, 7.0, 9.0, float("nan")])
    # In any order.
    order = torch.tensor([3, 1, 0, 7, 6, 5, 4, 2])
    belief = Belief(torch.arange(8.0)[order], shares[:, order])
    found = Stated.unpack([*confidence.pack(values, belief), None])
    expected = [1, shares[1, 3], shares[2, 7], 0, 0]
    assert found.answer[:5] == pytest.approx(np.array(expected, float))
    assert found.entropy[:5] == pytest.approx(entropy(shares.numpy(), base=2, axis=1), abs=1e-6)
    assert found.mean[:5] == pytest.approx((shares @ torch.arange(8.0)).numpy())
    assert np.isnan([found.answer[5], found.entropy[5], found.mean[5]]).all()


def test_an_answer_is_the_stated_value_next_to_it():
    shares = torch.tensor([[0.1, 0.2, 0.3, 0.4]]).expand(6, 4)
    values = torch.tensor([0.5, 0.7, 1.7, 2.2, 2.5, 0.1])
    found = Stated.unpack(confidence.pack(values, Belief(torch.tensor([0.5, 1.1, 2, 2.5]), shares)))
    # .1 lies out further than half of the way from .5 to 1.1.
    assert found.answer == pytest.approx([0.1, 0.1, 0.3, 0.3, 0.4, 0], abs=1e-6)
    mean = 0.1 * 0.5 + 0.2 * 1.1 + 0.3 * 2 + 0.4 * 2.5
    assert found.mean == pytest.approx([mean] * 6)


def test_the_most_certain_patches_count_and_a_part_of_the_one_on_the_border():
    certain = np.array([0.3, 0.1, 0.2, 0.5, 0.4])
    accuracy = np.array([0.0, 1.0, 1.0, 0.0, 0.5])
    found = confidence.covered(certain, accuracy, np.arange(5), 5, seed=0)
    # By entropy: 1, 1, 0, .5, 0; half of five patches is two and a half of them.
    assert found["accuracy_80"].value == pytest.approx((1 + 1 + 0 + 0.5) / 4)
    assert found["accuracy_50"].value == pytest.approx((1 + 1 + 0.5 * 0) / 2.5)


def test_coverage_is_chosen_anew_in_every_resample():
    generator = np.random.default_rng(2)
    certain, accuracy = generator.uniform(0, 1, (2, 40))
    owners = generator.integers(0, 6, 40)
    found = confidence.covered(certain, accuracy, owners, 6, seed=4)["accuracy_50"]
    order, means = np.argsort(certain), []
    for weight in np.concatenate(list(resamples(6, 4, 160))).astype(int):
        those = np.repeat(accuracy[order], weight[owners[order]])
        half = len(those) / 2
        taken = np.clip(half - np.arange(len(those)), 0, 1)
        means.append(np.average(those, weights=taken))
    assert [found.low, found.high] == pytest.approx(np.percentile(means, [2.5, 97.5]))


def estimated(seed, pristine=0):
    """Answers, truths and distributions over 8 values, of 60 patches; some without an answer."""
    generator = np.random.default_rng(seed)
    shares = generator.dirichlet(np.full(8, 0.4), 60)
    true = np.array([generator.choice(8, p=p) for p in shares], float)
    values = shares.argmax(1).astype(float)
    kept = confidence.pack(torch.tensor(values), Belief(torch.arange(8.0), torch.tensor(shares)))
    there = np.arange(60) % 5 > 0
    one = Estimated(
        np.where(there, values, np.nan),
        true,
        np.arange(60) // 6,
        np.arange(60) < pristine,
        Stated.unpack(kept),
    )
    return one, shares, there & ~one.pristine


def test_an_estimators_belief_is_of_its_answered_altered_patches():
    (a, of_a, there), (b, of_b, _) = estimated(1, pristine=12), estimated(2, pristine=12)
    found = estimator_metrics([STEP, OTHER], {"a": a, "b": b}, seed=0)
    diagram = reliability([STEP, OTHER], {"a": a, "b": b}, seed=0)
    stated = np.concatenate([s.max(1)[there] for s in (of_a, of_b)])
    right = np.concatenate([(one.values == one.true)[there] for one in (a, b)])
    expected, _ = calibration_curve(right, stated, n_bins=10)
    assert filled(diagram, "right") == pytest.approx(expected)
    means = [(s @ np.arange(8) - one.true)[there] for s, one in ((of_a, a), (of_b, b))]
    assert found["mse_expectation:b"].value == pytest.approx(np.mean(means[1] ** 2), rel=1e-5)
    assert found["mse_expectation"].value == pytest.approx(np.mean(np.square(means)), rel=1e-5)
    doubt = (entropy(of_a, axis=1) + entropy(of_b, axis=1))[there]
    hits = np.mean([(one.values == one.true)[there] for one in (a, b)], axis=0)
    certain = hits[np.argsort(doubt)]
    taken = np.clip(len(certain) / 2 - np.arange(len(certain)), 0, 1)
    assert found["accuracy_50"].value == pytest.approx(np.average(certain, weights=taken))


def test_an_estimator_that_states_nothing_has_no_diagram():
    one, _, _ = estimated(3)
    silent = Estimated(one.values, one.true, one.photographs, one.pristine)
    for answers in ({"a": silent, "b": one}, {"a": silent, "b": silent}):
        found = estimator_metrics([STEP, OTHER], answers, seed=0)
        assert reliability([STEP, OTHER], answers, seed=0) is None
        for name in ("ece", "accuracy_80", "accuracy_50", "mse_expectation:a"):
            assert found[name].reason == "it states no probabilities"
        assert found["accuracy:b"].value is not None
