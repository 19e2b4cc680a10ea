"""Estimators of scikit-learn as networks, and a whole training of one."""

import hashlib
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from sklearn.datasets import load_wine
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.ensemble import (
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import LinearSVC

import forensics
from forensics import data, nn, training
from forensics.batch import Batch
from forensics.cli.train import train as command
from forensics.errors import ForensicsError, NotApplicable
from forensics.models import weights
from forensics.models.registry import registry
from forensics.training import network_of
from forensics.training.generator import Generator, Pool

FEATURES, CLASSES = load_wine(return_X_y=True)
FEATURES = FEATURES.astype(np.float32)
TWO = CLASSES < 2


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    ("estimator", "answers"),
    [
        (LinearDiscriminantAnalysis(), "decision_function"),
        (LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.05), "decision_function"),
        (make_pipeline(StandardScaler(), LogisticRegression()), "decision_function"),
        (make_pipeline(StandardScaler(), LinearSVC()), "decision_function"),
        (RandomForestClassifier(15, random_state=0), "predict_proba"),
        (HistGradientBoostingClassifier(max_iter=10, min_samples_leaf=5), "decision_function"),
    ],
    ids=lambda p: "" if isinstance(p, str) else type(p[-1] if hasattr(p, "steps") else p).__name__,
)
def test_a_classifier_answers_as_it_did(estimator, answers, classes):
    rows = TWO if classes == 2 else slice(None)
    features, labels = FEATURES[rows], CLASSES[rows]
    estimator.fit(features[::2], labels[::2])
    expected = getattr(estimator, answers)(features)
    if classes == 2:
        expected = (expected[:, 1] if expected.ndim == 2 else expected)[:, None]
    network = network_of(estimator)
    # As it is stored and loaded again.
    network = nn.decision({k: v.clone() for k, v in network.state_dict().items()})
    found = network(torch.from_numpy(features))
    assert found.dtype == torch.float32
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found.numpy() / scale, expected / scale, atol=2e-6)


@pytest.mark.parametrize(
    "estimator",
    [
        LinearRegression(),
        ExtraTreesRegressor(10, random_state=0),
        HistGradientBoostingRegressor(max_iter=10),
    ],
    ids=lambda p: type(p).__name__,
)
def test_a_regressor_answers_as_it_did(estimator):
    target = FEATURES[:, 0] - 0.1 * FEATURES[:, 3]
    estimator.fit(FEATURES[::2, 1:], target[::2])
    found = network_of(estimator)(torch.from_numpy(FEATURES[:, 1:]))
    np.testing.assert_allclose(found[:, 0].numpy(), estimator.predict(FEATURES[:, 1:]), rtol=1e-5)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("scaled", [False, True])
def test_a_quadratic_discriminant_says_the_probabilities_that_it_did(classes, scaled):
    rows = TWO if classes == 2 else slice(None)
    features, labels = FEATURES[rows], CLASSES[rows]
    estimator = QuadraticDiscriminantAnalysis(reg_param=0.1)
    if scaled:
        estimator = make_pipeline(StandardScaler(), estimator)
    estimator.fit(features[::2], labels[::2])
    state = network_of(estimator, logits=True).state_dict()
    found = nn.decision(state)(torch.from_numpy(features)).softmax(1)
    np.testing.assert_allclose(found, estimator.predict_proba(features), atol=1e-4)


@pytest.mark.parametrize(
    "estimator",
    [
        LinearDiscriminantAnalysis(),
        make_pipeline(StandardScaler(), LogisticRegression()),
        HistGradientBoostingClassifier(max_iter=10, min_samples_leaf=5),
    ],
    ids=["discriminant", "logistic", "boosted"],
)
def test_logits_of_two_classes_are_two(estimator):
    estimator.fit(FEATURES[TWO], CLASSES[TWO])
    found = network_of(estimator, logits=True)(torch.from_numpy(FEATURES[TWO]))
    assert found.shape == (TWO.sum(), 2)
    expected = estimator.predict_proba(FEATURES[TWO])
    np.testing.assert_allclose(found.softmax(1), expected, atol=1e-5)
    for other in (RandomForestClassifier(3).fit(FEATURES, CLASSES), LinearRegression()):
        with pytest.raises(ForensicsError, match="has no logits; fit a linear classifier"):
            network_of(other, logits=True)


def test_a_feature_at_a_threshold_goes_the_same_way():
    """Thresholds lie half-way between values, in double precision; features have single."""
    values = np.float32(1024) + np.arange(64, dtype=np.float32) * np.spacing(np.float32(1024))
    labels = np.random.default_rng(0).permutation(np.arange(64) % 2)
    estimator = RandomForestClassifier(1, bootstrap=False).fit(values[:, None], labels)
    found = network_of(estimator)(torch.from_numpy(values)[:, None])
    np.testing.assert_array_equal(found[:, 0].numpy(), labels)


def test_an_answer_does_not_depend_on_its_batch():
    for estimator in (LinearDiscriminantAnalysis(), RandomForestClassifier(15)):
        network = network_of(estimator.fit(FEATURES, CLASSES))
        together = network(torch.from_numpy(FEATURES))
        alone = torch.cat([network(row[None]) for row in torch.from_numpy(FEATURES)])
        assert torch.equal(together, alone)


@pytest.mark.parametrize(
    "estimator",
    [
        KNeighborsClassifier(),
        make_pipeline(PolynomialFeatures(), LogisticRegression()),
        make_pipeline(StandardScaler(), RandomForestClassifier()),
    ],
)
def test_other_estimators_are_one_sentence(estimator):
    with pytest.raises(ForensicsError, match="cannot be stored without pickle; fit one of Linear"):
        network_of(estimator)
    with pytest.raises(NotFittedError):
        network_of(LinearDiscriminantAnalysis())


def trained(photographs, folder=None, model="tiny-lda", **options):
    options = {"steps": 20, **options}
    return training.train(model, str(photographs), out=folder, device="cpu", **options)


def test_a_recipe_of_another_name_makes_a_part_of_its_model(plugin, photographs, tmp_path):
    made = trained(photographs, tmp_path, "tiny-lda-again")
    own = trained(photographs, tmp_path / "own")
    assert made.path.name == "lda.safetensors"
    assert (made.card["model"], made.card["recipe"]) == ("tiny-lda", "tiny-lda-again")
    assert made.card["sha256"] == own.card["sha256"]
    assert weights.user_folder(registry().get("tiny-lda", "detector").entry).name == "tiny-lda"


class StopAt(training.Watch):
    """Presses Ctrl-C after so many steps."""

    def __init__(self, steps):
        self.left = steps

    def at(self, done, text):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGINT)


SCORES = """
import sys, numpy, torch, forensics
from forensics.batch import Batch
pixels = torch.from_numpy(numpy.load(sys.argv[1]))
print(forensics.load("tiny-lda").score(Batch.of(pixels)).values.tolist())
"""


@pytest.fixture
def pixels(tmp_path):
    """A file of random patches, and the call of a fresh process that scores them."""
    path = tmp_path / "pixels.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (5, 1, 24, 24), dtype=np.uint8))
    return path, [sys.executable, "-c", SCORES, str(path)]


def test_a_discriminant_is_trained_and_judges_in_another_process(
    plugin, photographs, pixels, monkeypatch
):
    line = ["tiny-lda", "--data", str(photographs), "--steps", "20", "--device", "cpu"]
    outcome = CliRunner().invoke(command, line)
    assert outcome.exit_code == 0, outcome.exception
    part = weights.find(registry().get("tiny-lda", "detector").entry, "lda")
    assert part.card["chosen"] == "fitted to the features of all 20 steps"
    assert part.card["patches"] == 80
    assert part.card["figures"][0]["values"]["objective"] > 0.8
    assert hashlib.sha256(part.path.read_bytes()).hexdigest() == part.sha256

    path, call = pixels
    judge = forensics.load("tiny-lda")
    here = judge.score(Batch.of(torch.from_numpy(np.load(path)))).values
    monkeypatch.setenv("PYTHONPATH", str(plugin), prepend=os.pathsep)
    there = subprocess.run(call, capture_output=True, text=True, check=True).stdout
    assert json.loads(there) == here.tolist()
    # The same by hand: scikit-learn on the crops that the training saw.
    recipe = registry().get("tiny-lda", "recipe").entry.make()
    pool = Pool(data.resolve(str(photographs), "train"), False, torch.device("cpu"))
    generator = Generator(recipe, pool, recipe.augmentations)
    rows = [recipe.rows(generator.example(0, step, 16, 4)) for step in range(20)]
    found, labels = (torch.cat(part).numpy() for part in zip(*rows, strict=True))
    estimator = make_pipeline(StandardScaler(), LinearDiscriminantAnalysis()).fit(found, labels)
    features = sys.modules[type(recipe).__module__].features
    expected = estimator.decision_function(features(Batch.of(torch.from_numpy(np.load(path)))))
    # Written in the precision that the card names.
    assert part.card["dtype"] in ("float16", "float32")
    np.testing.assert_allclose(here, expected, rtol=0.02, atol=0.02)


def test_without_weights_there_is_no_answer_but_a_reason(plugin, pixels, monkeypatch):
    with pytest.raises(NotApplicable, match="run `forensics train tiny-lda`"):
        weights.load(registry().get("tiny-lda", "detector").entry, "lda")
    monkeypatch.setenv("PYTHONPATH", str(plugin), prepend=os.pathsep)
    done = subprocess.run(pixels[1], capture_output=True, text=True, check=False)
    assert "NotApplicable: no weights for lda" in done.stderr


def test_a_resumed_fit_is_the_uninterrupted_one(plugin, photographs, tmp_path):
    whole = trained(photographs, tmp_path / "whole")
    with pytest.raises(ForensicsError, match="after 7 steps"):
        trained(photographs, tmp_path / "parts", watch=StopAt(7))
    resumed = trained(photographs, tmp_path / "parts", steps=None, resume=True)
    assert resumed.path.read_bytes() == whole.path.read_bytes()
    other = trained(photographs, tmp_path / "other", seed=1)
    assert other.card["sha256"] != whole.card["sha256"]


def test_features_that_are_no_numbers_are_one_sentence(plugin, photographs, tmp_path):
    with pytest.raises(ForensicsError, match="features of step 0 are not all finite"):
        trained(photographs, tmp_path, "tiny-lda:broken=true")
