"""What is chosen on other photographs: `pe_cv` and the attack success rate."""

from itertools import pairwise

import numpy as np
import pytest

from forensics.metrics.crossfit import asr, deals, pe_cv, pe_cv_difference
from forensics.metrics.curves import Scored
from forensics.metrics.detection import detector_metrics


def brute_pe_cv(pristine, altered, seed):
    """The definition, written as loops: a threshold in the middle between the known scores."""
    names = np.unique(np.concatenate([pristine.photographs, altered.photographs]))
    errors = []
    for folds in deals(len(names), seed):
        alarms, misses = [], []
        for fold in range(folds.max() + 1):
            held = names[folds == fold]
            p, a = (
                [s for s, o in zip(side.scores, side.photographs, strict=True) if o not in held]
                for side in (pristine, altered)
            )
            known = sorted({*p, *a})
            middles = [(x + y) / 2 for x, y in pairwise(known)]
            best = None
            for sign in (1, -1):
                for t in [-np.inf, *middles, np.inf]:
                    fa = sum(s >= t for s in p) * len(a)
                    md = sum(s < t for s in a) * len(p)
                    error = fa + md if sign == 1 else 2 * len(p) * len(a) - fa - md
                    if best is None or error < best[0]:
                        best = (error, sign, t)
            _, sign, t = best
            for side, wrong, bad in ((pristine, alarms, True), (altered, misses, False)):
                for score, owner in zip(side.scores, side.photographs, strict=True):
                    if owner in held:
                        wrong.append(((score >= t) == (sign == 1)) == bad)
        errors.append((np.mean(alarms) + np.mean(misses)) / 2)
    return np.mean(errors)


@pytest.mark.parametrize("photographs", [2, 3, 5, 6, 11])
@pytest.mark.parametrize("decimals", [0, 6])
def test_pe_cv_equals_its_definition_in_loops(photographs, decimals):
    generator = np.random.default_rng(photographs)
    owners = np.arange(33) % photographs
    pristine = Scored(generator.normal(0, 1, 33).round(decimals), owners)
    altered = Scored(generator.normal(-1, 1, 33).round(decimals), owners)
    expected = brute_pe_cv(pristine, altered, seed=9)
    assert pe_cv(pristine, altered, seed=9).value == pytest.approx(expected, abs=1e-12)


def test_folds_are_even_by_photograph_and_leave_one_out_below_six():
    shuffles = list(deals(20, seed=0))
    assert len(shuffles) == 10
    for folds in shuffles:
        sizes = np.bincount(folds)
        assert len(sizes) == 6
        assert sizes.min() >= 3
        assert sizes.max() <= 4
    assert len({tuple(folds) for folds in shuffles}) == 10
    assert [folds.tolist() for folds in deals(5, seed=0)] == [[0, 1, 2, 3, 4]]


def test_the_threshold_lies_in_the_middle_of_the_known_scores():
    """Hand-made: photograph 0 teaches 7.75, the middle of 5.5 and 10."""
    owners = np.array([0, 0, 1, 1])
    pristine = Scored(np.array([0.0, 5.5, 0.0, 4.0]), owners)
    # Photograph 1 teaches 6, the middle of 4 and 8: both are right about the other.
    altered = Scored(np.array([10.0, 10.0, 10.0, 8.0]), owners)
    assert pe_cv(pristine, altered, seed=0).value == 0
    # Now it teaches 5: a false alarm at 5.5, of 4 pristine, and a miss at 6, of 4 altered.
    altered = Scored(np.array([10.0, 10.0, 10.0, 6.0]), owners)
    assert pe_cv(pristine, altered, seed=0).value == pytest.approx(0.25)


@pytest.mark.parametrize("infinity", [np.inf, -np.inf])
def test_infinite_scores_are_scores(infinity):
    owners = np.arange(12)
    finite, endless = Scored(np.linspace(0, 1, 12), owners), Scored(np.full(12, infinity), owners)
    assert pe_cv(finite, endless, seed=0).value == 0
    assert pe_cv(endless, finite, seed=0).value == 0
    opposite = Scored(np.full(12, -infinity), owners)
    assert pe_cv(endless, opposite, seed=0).value == 0


def test_the_direction_is_learnt():
    generator = np.random.default_rng(1)
    owners = np.repeat(np.arange(12), 8)
    low, high = (Scored(generator.normal(m, 1, 96), owners) for m in (0, 3))
    upward, downward = pe_cv(low, high, seed=0), pe_cv(high, low, seed=0)
    assert upward.value < 0.12
    assert downward.value < 0.12
    # Where the direction changes from photograph to photograph, nothing can be learnt.
    turned = np.where(owners % 2 == 0, 1, -1)
    mixed = [Scored(s.scores * turned, owners) for s in (low, high)]
    assert pe_cv(*mixed, seed=0).value > 0.2


def test_noise_is_blind_and_in_the_interval():
    values, covered = [], 0
    for seed in range(60):
        generator = np.random.default_rng(seed)
        owners = np.repeat(np.arange(12), 4)
        value = pe_cv(*(Scored(generator.normal(0, 1, 48), owners) for _ in range(2)), seed=seed)
        values.append(value.value)
        covered += value.low <= 0.5 <= value.high
    # The mean of 60 has a standard error near .006.
    assert np.mean(values) == pytest.approx(0.5, abs=0.02)
    assert covered >= 45


def test_scores_that_tell_the_photograph_but_not_the_class_gain_nothing():
    """Each photograph has its level on each side, drawn from one law: whoever has seen a patch of
    it knows its class, whoever has not knows nothing. Folds by patch would learn it."""
    by_photograph, by_patch = [], []
    for seed in range(80):
        generator = np.random.default_rng(seed)
        owners = np.repeat(np.arange(6), 8)
        sides = [
            generator.normal(0, 1, 6)[owners] + generator.normal(0, 0.01, 48) for _ in range(2)
        ]
        by_photograph.append(pe_cv(*(Scored(s, owners) for s in sides), seed=seed).value)
        patches = np.arange(48)
        by_patch.append(pe_cv(*(Scored(s, patches) for s in sides), seed=seed).value)
    assert np.mean(by_patch) < 0.4
    assert np.mean(by_photograph) > 0.47


def test_pe_cv_is_not_applicable_where_no_other_photograph_has_both_sides():
    pristine = Scored(np.arange(5.0), np.zeros(5, int))
    altered = Scored(np.arange(5.0), np.ones(5, int))
    value = pe_cv(pristine, altered, seed=0)
    assert value.value is None
    assert value.reason == "other photographs do not have both sides"


def test_folds_that_cannot_choose_are_left_out():
    """Altered patches in two photographs of five: each is judged by what the other teaches."""
    pristine = Scored(np.arange(10.0) / 10, np.repeat(np.arange(5), 2))
    altered = Scored(np.array([5.0, 6.0]), np.array([0, 1]))
    assert pe_cv(pristine, altered, seed=0).value == 0


def paired(scores, owners):
    n = len(scores)
    return Scored(scores, owners, np.stack([np.arange(n), np.zeros(n, int)], axis=1))


def brute_asr(pristine, clean, attacked, seed):
    names = np.unique(np.concatenate([pristine.photographs, clean.photographs]))
    found = passed = 0
    for folds in deals(len(names), seed):
        for fold in range(folds.max() + 1):
            held = names[folds == fold]
            known = pristine.scores[~np.isin(pristine.photographs, held)]
            limit = min(t for t in known if (known > t).sum() <= 0.05 * len(known))
            mine = np.isin(clean.photographs, held) & (clean.scores > limit)
            found += mine.sum()
            passed += (mine & (attacked.scores <= limit)).sum()
    return passed / found


@pytest.mark.parametrize("photographs", [3, 8])
@pytest.mark.parametrize("decimals", [0, 6])
def test_asr_equals_its_definition_in_loops(photographs, decimals):
    generator = np.random.default_rng(photographs)
    owners = np.arange(60) % photographs
    pristine = paired(generator.normal(0, 1, 60).round(decimals), owners)
    clean = paired(generator.normal(2, 1, 60).round(decimals), owners)
    attacked = paired(generator.normal(1, 1, 60).round(decimals), owners)
    value = asr(pristine, clean, attacked, seed=4)
    assert value.value == pytest.approx(brute_asr(pristine, clean, attacked, 4), abs=1e-12)
    assert 0 <= value.low < value.value < value.high <= 1


def test_asr_of_no_attack_is_none_and_of_a_perfect_one_all():
    owners = np.repeat(np.arange(8), 6)
    pristine = paired(np.linspace(0, 1, 48), owners)
    clean = paired(np.linspace(5, 6, 48), owners)
    hidden = paired(np.linspace(-6, -5, 48), owners)
    for attacked, expected in ((clean, 0), (hidden, 1)):
        value = asr(pristine, clean, attacked, seed=0)
        assert (value.value, value.low, value.high) == (expected, expected, expected)


def test_asr_pairs_by_photograph_and_position_and_leaves_out_what_has_no_partner():
    generator = np.random.default_rng(0)
    owners = np.array(list("abcdefgh")).repeat(6)
    pristine, clean, attacked = (paired(generator.normal(m, 1, 48), owners) for m in (0, 3, 2))
    expected = asr(pristine, clean, attacked, seed=0)
    assert asr(pristine, clean, attacked[generator.permutation(48)], seed=0) == expected
    # NaN on either side takes the pair out, and so does a patch that is missing.
    gone = np.arange(48) % 5 == 0
    left_out = asr(pristine, clean[~gone], attacked[~gone], seed=0)
    hole = Scored(np.where(gone, np.nan, clean.scores), owners, clean.positions)
    assert asr(pristine, hole, attacked, seed=0) == left_out
    assert asr(pristine, clean, attacked[~gone], seed=0) == left_out
    assert left_out != expected


def test_asr_says_why_it_is_not_applicable():
    owners = np.repeat(np.arange(8), 6)
    low, high = (paired(np.linspace(m, m + 1, 48), owners) for m in (0, 5))
    nan = paired(np.full(48, np.nan), owners)
    single = [paired(s.scores, np.zeros(48, int)) for s in (low, high, low)]
    reasons = {
        "needs 40 pristine patches": (low[np.arange(39)], high, low),
        "no patch has a score both clean and attacked": (low, high, nan),
        "no altered patch is detected before the attack": (high, low, low),
        "needs 2 photographs": single,
    }
    for reason, arguments in reasons.items():
        value = asr(*arguments, seed=0)
        assert (value.value, value.low, value.high, value.reason) == (None, None, None, reason)


def test_asr_refuses_what_cannot_be_paired():
    owners = np.zeros(48, int)
    side = paired(np.linspace(0, 1, 48), owners)
    with pytest.raises(ValueError, match="give positions"):
        asr(side, Scored(side.scores, owners), side, seed=0)
    twice = Scored(side.scores, owners, np.zeros((48, 2), int))
    with pytest.raises(ValueError, match="same position"):
        asr(side, twice, side, seed=0)


def test_a_cell_has_an_asr_only_under_attack():
    owners = np.repeat(np.arange(8), 6)
    low, middle, high = (paired(np.linspace(m, m + 1, 48), owners) for m in (0, 5, 10))
    assert "asr" not in detector_metrics(middle, high, None, seed=0)
    attacked = detector_metrics(middle, low, high, seed=0)
    assert attacked["asr"].value == 1
    assert attacked["auc"].value == 0


def test_difference_of_two_detectors_is_that_of_their_errors_and_paired():
    generator = np.random.default_rng(3)
    owners = np.repeat(np.arange(20), 10)
    hard = generator.normal(size=20)[owners]  # what makes a photograph hard, for both detectors
    pristine = Scored(hard + generator.normal(size=200), owners)
    altered = Scored(hard + 1.5 + generator.normal(size=200), owners)
    noisy = [
        Scored(s.scores + 0.3 * generator.normal(size=200), owners) for s in (pristine, altered)
    ]
    first, second = (pristine, altered), (noisy[0], noisy[1])
    errors = [pe_cv(*sides, seed=0) for sides in (first, second)]
    apart = pe_cv_difference(first, second, seed=0)
    assert apart.value == pytest.approx(errors[0].value - errors[1].value)
    same = pe_cv_difference(first, first, seed=0)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    # Paired: narrower than the interval of either error.
    assert apart.high - apart.low < min(e.high - e.low for e in errors)
    with pytest.raises(ValueError, match="not the same"):
        pe_cv_difference(first, (pristine, Scored(altered.scores[1:], owners[1:])), seed=0)
