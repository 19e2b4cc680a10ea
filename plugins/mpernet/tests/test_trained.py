"""How the networks are trained."""

from __future__ import annotations

import pytest
import torch

from forensics_mpernet.network import MPeRNet
from forensics_mpernet.trained import TrainedRecipe

ELEVEN = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5)


@pytest.mark.parametrize(
    ("task", "classes"),
    [
        ("median", (1, 3, 5, 7, 9, 11, 13, 15)),
        ("gaussian", (1, 3, 7, 11, 15)),
        # 255 times the roots of the variances .1 to 1.8
        ("awgn", (0, 80.6, 139.7, 197.5, 241.9, 279.3, 312.3, 342.1)),
        ("bilinear", ELEVEN),
        ("bicubic", ELEVEN),
    ],
)
def test_the_classes_are_those_of_the_paper(task, classes):
    assert TrainedRecipe(task=task, by="mpernet").classes == pytest.approx(classes)


def test_only_the_weights_of_the_layer_of_128_are_pulled_to_zero():
    """A step without a gradient of its own moves what has a penalty, and nothing else."""
    torch.manual_seed(0)
    network = MPeRNet(5)
    before = {name: value.clone() for name, value in network.named_parameters()}
    optimiser = TrainedRecipe(task="gaussian", by="mpernet").optimiser(network, 1e-3)
    assert isinstance(optimiser, torch.optim.Adamax)
    for value in network.parameters():
        value.grad = torch.zeros_like(value)
    optimiser.step()
    moved = [name for name, value in network.named_parameters() if not value.equal(before[name])]
    assert moved == ["first.weight"]
    assert network.first.weight.norm() < before["first.weight"].norm()
