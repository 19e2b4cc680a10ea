"""Scales against scikit-learn, brute force and theory, and where their cards lie."""

import json

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from forensics.calibration import cards
from forensics.calibration.fitting import METHODS, fit, held_out
from forensics.calibration.scale import Scale
from forensics.errors import ForensicsError
from forensics.metrics.curves import Scored, Sides
from forensics.models.registry import registry


def normal(seed, shift=1.5, photographs=12, count=60):
    """Two normal sides, of unequal size."""
    generator = np.random.default_rng(seed)
    sides = generator.normal(0, 1, count), generator.normal(shift, 1, 2 * count)
    return [Scored(side, np.arange(len(side)) % photographs) for side in sides]


def moved(sides, act):
    return [Scored(act(side.scores), side.photographs) for side in sides]


def labelled(sides):
    scores = np.concatenate([side.scores for side in sides])
    return scores, np.repeat([0, 1], [len(side.scores) for side in sides])


@pytest.mark.parametrize("shift", [1.5, -1.5])
def test_logistic_equals_scikit_learn_with_the_prior_removed(shift):
    """On many photographs, where what a patch counts for the other side is nothing."""
    sides = normal(0, shift, photographs=4000, count=2000)
    scale = fit(Sides.of(*sides), "logistic")
    scores, labels = labelled(sides)
    reference = LogisticRegression(C=np.inf, class_weight="balanced", tol=1e-10)
    reference.fit(scores[:, None], labels)
    asked = np.linspace(-2, 3, 7) * np.sign(shift)
    expected = reference.decision_function(asked[:, None]) / np.log(10)
    assert scale.ratios(asked) == pytest.approx(expected, abs=0.01)
    # Of two normal distributions of one variance the log LR is a straight line.
    theory = (shift * asked - shift**2 / 2) / np.log(10)
    assert scale.ratios(asked) == pytest.approx(theory, abs=0.15)
    assert scale.higher == (shift > 0)


def test_isotonic_equals_scikit_learn_with_the_prior_removed():
    sides = normal(1, photographs=4000, count=2000)
    scale = fit(Sides.of(*sides), "isotonic")
    scores, labels = labelled(sides)
    weights = np.where(labels, 1 / 4000, 1 / 2000)
    posterior = IsotonicRegression().fit_transform(scores, labels, sample_weight=weights)
    inside = (posterior > 0.1) & (posterior < 0.9)
    assert inside.sum() > 1000
    expected = np.log10(posterior[inside] / (1 - posterior[inside]))
    # The odd patch that counts for the other side may move the end of a level.
    close = np.abs(scale.ratios(scores[inside]) - expected) < 0.01
    assert close.mean() > 0.98


@pytest.mark.parametrize("method", METHODS)
def test_no_ratio_is_stronger_than_the_photographs_support(method):
    apart = [
        Scored(np.array([0.0, 1, 2, 1.5]), np.array([0, 1, 2, 2])),
        Scored(np.array([5.0, 6, 7, 7]), np.array([0, 1, 2, 2])),
    ]
    scale = fit(Sides.of(*apart), method)
    found = scale.ratios(np.array([-1e9, 0, 7, 1e9, np.inf]))
    assert found[[0, -1, -2]] == pytest.approx(np.log10(4) * np.array([-1, 1, 1]))
    assert (np.abs(found) <= np.log10(4) + 1e-12).all()
    assert (scale.threshold, scale.higher) == (3.5, True)
    if method == "isotonic":
        assert found[1:3] == pytest.approx([-np.log10(4), np.log10(4)])


@pytest.mark.parametrize("method", METHODS)
def test_two_photographs_by_hand(method):
    """A patch counts 3/4 for its side: LR 3 where only altered ones are, a line between."""
    photographs = np.arange(2)
    sides = Scored(np.zeros(2), photographs), Scored(np.ones(2), photographs)
    found = fit(Sides.of(*sides), method).ratios(np.array([0, 0.5, 0.75, 1]))
    assert found == pytest.approx(np.log10(3) * np.array([-1, 0, 0.5, 1]), abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("act", [lambda x: -x, lambda x: 3e4 * x - 5, lambda x: x / 1e4 + 2])
def test_units_and_direction_of_the_scores_do_not_matter(method, act):
    sides = normal(2)
    plain, other = (fit(Sides.of(*s), method) for s in (sides, moved(sides, act)))
    scores, _ = labelled(sides)
    assert other.ratios(act(scores)) == pytest.approx(plain.ratios(scores), abs=1e-4)
    assert (other.called(act(scores)) == plain.called(scores)).all()
    assert other.higher == (act(1.0) > act(0.0))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("sign", [1, -1])
def test_the_threshold_has_the_least_decision_error(seed, sign):
    sides = moved(normal(seed, shift=0.8, count=15), lambda x: sign * np.round(2 * x) / 2)
    scale = fit(Sides.of(*sides), "logistic")

    def error(t):
        called = [side.scores >= t if sign > 0 else side.scores < t for side in sides]
        return (called[0].mean() + 1 - called[1].mean()) / 2

    scores, _ = labelled(sides)
    least = min(error(t) for t in [*(scores - 0.25), scores.max() + 1])
    assert scale.higher == (sign > 0)
    assert error(scale.threshold) == pytest.approx(least)
    called = [scale.called(side.scores) for side in sides]
    assert (called[0].mean() + 1 - called[1].mean()) / 2 == pytest.approx(least)


@pytest.mark.parametrize("method", METHODS)
def test_what_is_held_out_takes_no_part(method):
    sides = normal(3, photographs=5, count=20)
    *ratios, called = held_out(*sides, method, seed=0)
    for out in range(5):
        others = (side[side.photographs != out] for side in sides)
        scale = fit(Sides.of(*others), method)
        for side, found, calls in zip(sides, ratios, called, strict=True):
            own = side.photographs == out
            assert found.scores[own] == pytest.approx(scale.ratios(side.scores[own]))
            assert (calls[own] == scale.called(side.scores[own])).all()


def test_other_photographs_without_both_sides():
    sides = Scored(np.array([0.0, 1]), np.array([0, 0])), Scored(np.array([2.0]), np.array([1]))
    with pytest.raises(ValueError, match="no pristine patch"):
        held_out(*sides, "logistic", seed=0)


def test_a_patch_without_a_score_has_no_ratio():
    scale = Scale((0.0, 1.0), (-1.0, 1.0), 0.5, True)
    ratios = scale.ratios(np.array([np.nan, 0.75, 9], np.float32))
    assert np.isnan(ratios[0])
    assert ratios[1:].tolist() == [0.5, 1]
    assert scale.called(np.array([np.nan, 0.5, 0.4])).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("scores", "ratios"),
    [((0, 1), (1, 0)), ((1, 0), (0, 1)), ((0,), (0, 1)), ((), ()), ((0, 1), (0, float("inf")))],
)
def test_a_scale_that_is_none(scores, ratios):
    with pytest.raises(ValueError, match="scale"):
        Scale(scores, ratios, 0.5, True)


CARD = {
    "model": "toy-grain",
    "identity": "a",
    "trace": "jpeg",
    "method": "logistic",
    "points": [{"q": 60}, {"q": 70}],
    "attacks": [],
    "patch": 64,
    "color": "gray",
    "data": {"name": "photographs", "split": "calib", "photographs": 2, "sha256": ["x", "y"]},
    "scale": {"scores": [0, 1], "log10_lr": [-1, 1], "threshold": 0.5, "higher": True},
}


@pytest.fixture
def entry(toy):
    return registry().get("toy-grain", "detector").entry


def test_cards_are_found_by_identity_and_trace_and_replaced(entry, home):
    path = cards.user_file(entry)
    assert path == home / "calibrations" / "toy-grain.json"
    assert cards.find(entry, "a", "jpeg") is None
    cards.put(path, CARD)
    cards.put(path, CARD | {"trace": "djpeg"})
    cards.put(path, CARD | {"model": "toy-grain:scale=2.0", "identity": "b"})
    cards.put(path, CARD | {"method": "isotonic"})
    assert len(json.loads(path.read_text())) == 3
    found = cards.find(entry, "a", "jpeg")
    assert (found.content["method"], found.origin) == ("isotonic", "user")
    assert found.scale == Scale((0, 1), (-1, 1), 0.5, True)
    assert cards.find(entry, "b", "jpeg").content["model"] == "toy-grain:scale=2.0"
    assert cards.find(entry, "b", "djpeg") is None
    assert cards.find(entry, "c", "jpeg") is None
    assert found.shared(["x", "z"]) == 1
    assert [p.name for p in path.parent.iterdir()] == ["toy-grain.json"]


def test_the_users_own_win_while_they_fit(entry, tmp_path, monkeypatch):
    monkeypatch.setattr(cards, "package_folder", lambda entry: tmp_path)
    shipped = cards.shipped_file(tmp_path, entry)
    cards.put(shipped, CARD)
    assert cards.find(entry, "a", "jpeg").origin == "shipped"
    cards.put(cards.user_file(entry), CARD | {"identity": "other weights"})
    assert cards.find(entry, "a", "jpeg").origin == "shipped"
    cards.put(cards.user_file(entry), CARD)
    assert cards.find(entry, "a", "jpeg").origin == "user"


def test_what_a_card_holds_for(entry):
    cards.put(cards.user_file(entry), CARD)
    card = cards.find(entry, "a", "jpeg")
    assert card.basis.startswith("jpeg at q=60, q=70, 64 x 64 gray patches of 2 photographs")
    assert card.beyond((64, 64), "gray") == []
    assert card.beyond((48, 64), "RGB") == [
        "64 x 48 pixels, not patches of 64 x 64",
        "RGB, not gray",
    ]


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "3",
        "[{}]",
        json.dumps([{k: v for k, v in CARD.items() if k != "patch"}]),
        json.dumps([CARD | {"scale": CARD["scale"] | {"log10_lr": [1, -1]}}]),
        json.dumps([CARD | {"data": {}}]),
    ],
)
def test_a_damaged_file_is_named(entry, content):
    path = cards.user_file(entry)
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(ForensicsError, match=r"toy-grain\.json is damaged: delete it"):
        cards.find(entry, "a", "jpeg")
