"""The answers of all kinds of models in one form, and what holds for a single answer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from forensics.batch import Batch
from forensics.models.interfaces import Heatmap


@dataclass(frozen=True)
class Answer:
    """tensors: by name, the first axis counts patches; reasons: one a patch, None = answered."""

    tensors: dict[str, Tensor]
    reasons: tuple[str | None, ...]


def ask(kind: str, model: Any, batch: Batch) -> Answer:
    """The model's answer to a batch; AssertionError where its form breaks the contract."""
    given = getattr(model, _CALL[kind])(batch)
    n = len(batch)
    if kind == "attacker":
        _attacked(given, batch)
        return Answer({"pixels": given}, (None,) * n)
    reasons = given.reasons if given.reasons is not None else (None,) * n
    assert len(reasons) == n, f"{len(reasons)} reasons for {n} patches"
    assert all(r is None or r.strip() for r in reasons), "a reason is empty"
    tensors = dict(_tensors(kind, given))
    for name, tensor in tensors.items():
        assert tensor.dtype == torch.float32, f"{name} is {tensor.dtype}, not float32"
        assert tensor.device == batch.device, f"{name} is on {tensor.device}"
        assert len(tensor) == n, f"{name} has {len(tensor)} rows for {n} patches"
        assert not tensor.isinf().any(), f"{name} is infinite"
    for i, reason in enumerate(reasons):
        for name in _PER_PATCH[kind]:
            blank = bool(tensors[name][i].isnan().any())
            assert blank == (reason is not None), (
                f"{name} of patch {i} is {tensors[name][i].tolist()} with the reason {reason}"
            )
            if kind == "localizer" and reason is None:
                empty = bool(tensors["values"][i].isnan().all())
                assert not empty, f"the map of patch {i} is NaN everywhere, without a reason"
    return Answer(tensors, tuple(reasons))


_CALL = {
    "detector": "score",
    "estimator": "estimate",
    "localizer": "localize",
    "attacker": "attack",
}
# The tensors that are NaN where there is a reason, and only there.
_PER_PATCH = {"detector": ("values",), "estimator": ("values",), "localizer": ("scores",)}


def _attacked(pixels: Tensor, batch: Batch) -> None:
    assert pixels.dtype == torch.uint8, f"pixels are {pixels.dtype}, not uint8"
    assert pixels.shape == batch.pixels.shape, (
        f"pixels of {list(batch.pixels.shape)} became {list(pixels.shape)}"
    )
    assert pixels.device == batch.device, f"pixels are on {pixels.device}"


def _tensors(kind: str, given: Any) -> Iterator[tuple[str, Tensor]]:
    yield "values", given.values
    axes = {"detector": 1, "estimator": 2, "localizer": 3}[kind]
    assert given.values.ndim == axes, f"values have {given.values.ndim} axes, not {axes}"
    if kind == "estimator":
        assert given.values.shape[1] == len(given.names), "not a value for each name"
        assert set(given.beliefs) <= set(given.names), "beliefs of an unknown name"
        for name, belief in given.beliefs.items():
            values, shares = belief.values, belief.shares
            yield f"shares of {name}", shares
            shape = (len(given.values), len(values))
            assert tuple(shares.shape) == shape, f"shares of {name} are {tuple(shares.shape)}"
            assert values.ndim == 1, f"values of {name} have {values.ndim} axes"
            assert values.dtype == torch.float32, f"values of {name} are {values.dtype}"
            assert values.device == shares.device, f"values of {name} are on {values.device}"
            assert len(values.unique()) == len(values), f"a value of {name} is stated twice"
            sums = shares[~shares.isnan().any(-1)].sum(-1)
            torch.testing.assert_close(sums, torch.ones_like(sums), atol=1e-3, rtol=0)
    if kind == "localizer":
        assert given.stride >= 1, f"a stride of {given.stride}"
        assert given.offset >= 0, f"an offset of {given.offset}"
        assert given.scores.ndim == 1, f"scores have {given.scores.ndim} axes, not 1"
        for one in (given, *given.layers.values()):
            low, high = one.scale or (0, 1)
            assert -math.inf < low < high < math.inf, f"a scale from {low} to {high}"
        yield "scores", given.scores
        yield from _layers(given)


def _layers(given: Heatmap) -> Iterator[tuple[str, Tensor]]:
    """Layers have the cells of the map; regions are what the layer of that name counts."""
    for name, layer in given.layers.items():
        shape = tuple(layer.values.shape)
        assert shape == tuple(given.values.shape), f"the layer {name} is {shape}"
        yield f"the layer {name}", layer.values
    if not given.regions:
        return
    n = len(given.values)
    assert len(given.regions) == n, f"regions of {len(given.regions)} images for {n}"
    assert "region" in given.layers, "there are regions and no layer that says where"
    for labels, regions in zip(given.layers["region"].values, given.regions, strict=True):
        numbers = set(labels.unique().tolist())
        assert numbers <= set(range(len(regions))), f"{len(regions)} regions, and a cell of another"


def assert_same(found: Answer, expected: Answer) -> None:
    """Equal up to the order of floating-point sums: scores within 1e-4 of their size, pixels
    within one level, and those that differ less than one in a thousand."""
    assert found.reasons == expected.reasons, f"{found.reasons} against {expected.reasons}"
    for name, tensor in found.tensors.items():
        other = expected.tensors[name]
        if tensor.dtype == torch.uint8:
            apart = (tensor.int() - other.int()).abs()
            assert int(apart.max()) <= 1, f"{name} differ by {int(apart.max())}"
            assert (apart > 0).double().mean() < 1e-3, f"many {name} differ"
        else:
            torch.testing.assert_close(tensor, other, rtol=1e-4, atol=1e-5, equal_nan=True)
