"""What scikit-learn's estimators decide by, as networks: their numbers are tensors, which are
stored like the weights of any other network and answer on any device."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class Linear(nn.Module):
    """Standardised features, weighed: `((x - mean) / scale) @ weight.T + bias`, in double
    precision, so that an answer does not depend on its batch.

    mean, scale: float `[K]`; weight: `[C, K]`; bias: `[C]`. Takes `[N, K]`, gives float32 `[N, C]`.
    """

    def __init__(self, mean: Tensor, scale: Tensor, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        for name, value in (("mean", mean), ("scale", scale), ("weight", weight), ("bias", bias)):
            self.register_buffer(name, value.float())

    mean: Tensor
    scale: Tensor
    weight: Tensor
    bias: Tensor

    def forward(self, features: Tensor) -> Tensor:
        standard = (features.double() - self.mean) / self.scale
        weighed = standard[:, None] * self.weight.double()
        return (weighed.sum(2) + self.bias).float()


class Trees(nn.Module):
    """The sum of what T trees give, and of a constant.

    feature: int32 `[T, J]`, what each of up to J nodes looks at; threshold: float32 `[T, J]`, at
    or below which it goes to the node `left`, else to `right`, int32 `[T, J]`; a leaf leads to
    itself. value: float32 `[T, J, C]`; base: `[C]`. The root is node 0, `depth` the most steps from
    it to a leaf, int32 `[]`. Takes `[N, K]`, gives float32 `[N, C]`.
    """

    def __init__(
        self,
        feature: Tensor,
        threshold: Tensor,
        left: Tensor,
        right: Tensor,
        value: Tensor,
        base: Tensor,
        depth: Tensor,
    ) -> None:
        super().__init__()
        whole = {"feature": feature, "left": left, "right": right, "depth": depth}
        real = {"threshold": threshold, "value": value, "base": base}
        for name, tensor in whole.items():
            self.register_buffer(name, tensor.int())
        for name, tensor in real.items():
            self.register_buffer(name, tensor.float())

    feature: Tensor
    threshold: Tensor
    left: Tensor
    right: Tensor
    value: Tensor
    base: Tensor
    depth: Tensor

    def forward(self, features: Tensor) -> Tensor:
        trees = torch.arange(len(self.feature), device=features.device)
        node = torch.zeros(len(features), len(trees), dtype=torch.int64, device=features.device)
        for _ in range(int(self.depth)):
            seen = features.float().gather(1, self.feature[trees, node].long())
            below = seen <= self.threshold[trees, node]
            node = torch.where(below, self.left[trees, node], self.right[trees, node]).long()
        return (self.value[trees, node].double().sum(1) + self.base).float()


class Quadratic(nn.Module):
    """Log posterior densities of normal classes, up to what all have in common: `constant - |(x -
    mean) @ whitening|^2 / 2`, in double precision.

    means: float `[C, K]`; whitening: `[C, K, R]`; constant: `[C]`. Takes `[N, K]`, gives float32
    `[N, C]`.
    """

    def __init__(self, means: Tensor, whitening: Tensor, constant: Tensor) -> None:
        super().__init__()
        for name, value in (("means", means), ("whitening", whitening), ("constant", constant)):
            self.register_buffer(name, value.float())

    means: Tensor
    whitening: Tensor
    constant: Tensor

    def forward(self, features: Tensor) -> Tensor:
        apart = features.double()[:, None] - self.means
        white = torch.einsum("nck,ckr->ncr", apart, self.whitening.double())
        return (self.constant - 0.5 * white.square().sum(2)).float()


_KINDS = {"threshold": Trees, "whitening": Quadratic, "weight": Linear}


def decision(state: Mapping[str, Tensor]) -> Linear | Trees | Quadratic:
    """The network whose state this is, as it was written by `forensics train`; `classes`, the
    values of its classes, is a buffer of it where they were stored."""
    numbers = {name: tensor for name, tensor in state.items() if name != "classes"}
    network = next(kind for name, kind in _KINDS.items() if name in state)(**numbers)
    if "classes" in state:
        network.register_buffer("classes", state["classes"])
    return network
