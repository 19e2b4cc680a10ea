"""From estimators that scikit-learn fitted to the tensors that they decide by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.validation import check_is_fitted
from torch import Tensor
from torch.nn import functional

from forensics.errors import ForensicsError
from forensics.nn import Linear, Quadratic, Trees

_LINEAR = (LinearDiscriminantAnalysis, LogisticRegression, LinearSVC, LinearRegression, Ridge)
_QUADRATIC = (QuadraticDiscriminantAnalysis,)
_FORESTS = (
    RandomForestClassifier,
    ExtraTreesClassifier,
    RandomForestRegressor,
    ExtraTreesRegressor,
)
_BOOSTED = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)


def network_of(estimator: Any, logits: bool = False) -> Linear | Trees | Quadratic:
    """A fitted estimator as a network that answers as it does, float32 `[N, C]`.

    Linear models and quadratic discriminants, alone or after a StandardScaler in a Pipeline, give
    their `decision_function`, forests the probabilities, boosted trees their raw score, and
    regressors what they predict: one column where there are two classes, of the second one, else
    one a class. A quadratic discriminant has one a class in any case.

    logits: two columns for two classes too, the first of zeros, so that the soft-max of a
    discriminant, a logistic regression or boosted trees is their `predict_proba`.

    Raises ForensicsError for an estimator of another kind.
    """
    if isinstance(estimator, Pipeline) and isinstance(estimator[0], StandardScaler):
        scaler, found = estimator[0], estimator[-1]
        if len(estimator) == 2 and isinstance(found, QuadraticDiscriminantAnalysis):
            return _quadratic(found, scaler.mean_, scaler.scale_)
        if len(estimator) == 2 and isinstance(found, _LINEAR):
            return _linear(found, scaler.mean_, scaler.scale_, logits)
    if logits and (not is_classifier(estimator) or isinstance(estimator, _FORESTS)):
        raise ForensicsError(
            f"{type(estimator).__name__} has no logits; fit a linear classifier, a quadratic "
            "discriminant or boosted trees"
        )
    if isinstance(estimator, _LINEAR):
        return _linear(estimator, None, None, logits)
    if isinstance(estimator, QuadraticDiscriminantAnalysis):
        return _quadratic(estimator, 0.0, 1.0)
    if isinstance(estimator, _FORESTS):
        return _forest(estimator)
    if isinstance(estimator, _BOOSTED):
        return _boosted(estimator, logits)
    kinds = ", ".join(kind.__name__ for kind in (*_LINEAR, *_QUADRATIC, *_FORESTS, *_BOOSTED))
    raise ForensicsError(
        f"{type(estimator).__name__} cannot be stored without pickle; fit one of {kinds}, the "
        "linear and quadratic ones also as Pipeline of a StandardScaler and the estimator"
    )


def _linear(
    estimator: Any, mean: NDArray[Any] | None, scale: NDArray[Any] | None, logits: bool
) -> Linear:
    check_is_fitted(estimator)
    weight = torch.as_tensor(np.atleast_2d(estimator.coef_))
    bias = torch.as_tensor(np.atleast_1d(estimator.intercept_)).expand(len(weight))
    if logits and len(weight) == 1:
        weight, bias = functional.pad(weight, (0, 0, 1, 0)), functional.pad(bias, (1, 0))
    count = weight.shape[1]
    return Linear(
        torch.zeros(count) if mean is None else torch.as_tensor(mean),
        torch.ones(count) if scale is None else torch.as_tensor(scale),
        weight,
        bias,
    )


def _quadratic(estimator: Any, mean: Any, scale: Any) -> Quadratic:
    check_is_fitted(estimator)
    pairs = list(zip(estimator.rotations_, estimator.scalings_, strict=True))
    whitening = np.stack([rotation / np.sqrt(spread) for rotation, spread in pairs])
    logs = np.array([np.log(np.abs(spread)).sum() for _, spread in pairs])
    return Quadratic(
        torch.as_tensor(mean + scale * estimator.means_),
        torch.as_tensor(whitening / np.broadcast_to(scale, whitening.shape[1])[:, None]),
        torch.as_tensor(np.log(estimator.priors_) - 0.5 * logs),
    )


def _forest(estimator: Any) -> Trees:
    check_is_fitted(estimator)
    trees = [one.tree_ for one in estimator.estimators_]
    columns = slice(None)
    if is_classifier(estimator):
        if estimator.n_outputs_ != 1:
            raise ForensicsError("a forest of one label is stored, not of several")
        columns = slice(1, None) if estimator.n_classes_ == 2 else slice(None)
    nodes = [
        _Nodes(
            tree.feature,
            tree.threshold,
            tree.children_left,
            tree.children_right,
            tree.value[:, 0, columns] / len(trees),
        )
        for tree in trees
    ]
    return _trees(nodes, np.zeros(nodes[0].value.shape[1]), max(t.max_depth for t in trees))


def _boosted(estimator: Any, logits: bool) -> Trees:
    check_is_fitted(estimator)
    base = np.asarray(estimator._baseline_prediction, np.float64).reshape(-1)
    first = int(logits and len(base) == 1)  # the column of the first tree's class
    base = np.pad(base, (first, 0))
    nodes, depth = [], 0
    for iteration in estimator._predictors:
        for column, predictor in enumerate(iteration):
            found = predictor.nodes
            if found["is_categorical"].any():
                raise ForensicsError("boosted trees of numbers are stored, not of categories")
            leaf = found["is_leaf"].astype(bool)
            value = np.zeros((len(found), len(base)))
            value[:, first + column] = np.where(leaf, found["value"], 0.0)
            below = np.where(leaf, -1, found["left"].astype(np.int64))
            above = np.where(leaf, -1, found["right"].astype(np.int64))
            threshold = found["num_threshold"]
            nodes.append(_Nodes(found["feature_idx"], threshold, below, above, value))
            depth = max(depth, int(found["depth"].max()))
    return _trees(nodes, base, depth)


class _Nodes:
    """One tree; -1 is where nothing follows."""

    def __init__(
        self,
        feature: NDArray[Any],
        threshold: NDArray[Any],
        left: NDArray[Any],
        right: NDArray[Any],
        value: NDArray[Any],
    ) -> None:
        own = np.arange(len(feature))
        leaf = left < 0
        self.feature = np.where(leaf, 0, feature)
        # Features are float32: what lies at or below a threshold lies at or below the next lower
        # float32 too, so rounding down changes no decision.
        single = np.where(leaf, 0.0, threshold).astype(np.float32)
        lower = np.nextafter(single, np.float32(-np.inf))
        self.threshold = np.where(single > threshold, lower, single)
        self.threshold[leaf] = 0
        self.left, self.right = np.where(leaf, own, left), np.where(leaf, own, right)
        self.value = np.where(leaf[:, None], value, 0.0)


def _trees(nodes: Sequence[_Nodes], base: NDArray[Any], depth: int) -> Trees:
    most = max(len(one.feature) for one in nodes)

    def padded(name: str) -> Tensor:
        rows = [torch.as_tensor(getattr(one, name)) for one in nodes]
        whole = torch.zeros(len(rows), most, *rows[0].shape[1:], dtype=rows[0].dtype)
        for number, row in enumerate(rows):
            whole[number, : len(row)] = row
        return whole

    return Trees(
        padded("feature"),
        padded("threshold"),
        padded("left"),
        padded("right"),
        padded("value"),
        torch.as_tensor(base),
        torch.tensor(depth),
    )
