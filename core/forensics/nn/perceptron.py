"""A small network on features."""

from __future__ import annotations

from torch import Tensor, nn


class Perceptron(nn.Module):
    """Standardised features, cut off at +-`limit`, through two hidden layers of `hidden` and half
    as many units. Computed in double precision in use, so that an answer does not depend on its
    batch.

    mean, scale: float `[K]`; dropout: after each hidden layer; discriminant: a linear layer on the
    features is added to the answers in use, for who fits it. Takes `[N, K]`, gives logits, float32
    `[N, classes]`.
    """

    mean: Tensor
    scale: Tensor

    def __init__(
        self,
        mean: Tensor,
        scale: Tensor,
        hidden: int,
        classes: int,
        *,
        limit: float,
        dropout: float,
        discriminant: bool = False,
    ) -> None:
        super().__init__()
        self.limit = limit
        self.register_buffer("mean", mean.float())
        self.register_buffer("scale", scale.float())
        self.layers = nn.Sequential(
            nn.Dropout(0.1),
            nn.Linear(len(mean), hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden // 2),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden // 2, classes),
        )
        self.linear = nn.Linear(len(mean), classes) if discriminant else None
        if self.linear is not None:
            nn.init.zeros_(self.linear.weight)

    def standard(self, features: Tensor) -> Tensor:
        """Float32 `[N, K]`: mean 0, deviation 1, within the limits."""
        return ((features - self.mean) / self.scale).clamp(-self.limit, self.limit)

    def forward(self, features: Tensor) -> Tensor:
        found = self.standard(features)
        if self.training:
            answers: Tensor = self.layers(found)
            return answers
        found = found.double()
        straight = 0.0 if self.linear is None else _dense(self.linear, found)
        for layer in self.layers:
            if isinstance(layer, nn.Linear):
                found = _dense(layer, found)
            elif isinstance(layer, nn.ReLU):
                found = found.relu()
        return (found + straight).float()


def _dense(layer: nn.Linear, inputs: Tensor) -> Tensor:
    return inputs @ layer.weight.double().T + layer.bias.double()
