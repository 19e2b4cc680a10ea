"""The network against the paper's table of layers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from forensics_mpernet.network import MPeRNet, ReducingBlock, ResidualBlock


def _count(module: nn.Module, norm: bool = False) -> int:
    """Weights and biases: those of batch norm alone, or all others."""
    return sum(
        value.numel()
        for layer in module.modules()
        if isinstance(layer, nn.BatchNorm2d) == norm
        for value in layer.parameters(recurse=False)
    )


def test_ten_classes_have_4970154_values_and_batch_norm_6208_more():
    network = MPeRNet(10)
    assert _count(network) == 4_970_154
    assert _count(network, norm=True) == 6_208
    assert _count(MPeRNet(8)) == 4_969_504 + 65 * 8


@pytest.mark.parametrize(
    ("module", "count"),
    [
        (ResidualBlock(16), 4_640),
        (ReducingBlock(16, 16), 4_912),
        (ReducingBlock(16, 64), 47_296),
        (ReducingBlock(64, 128), 229_760),
        (ReducingBlock(128, 256), 918_272),
        (ReducingBlock(256, 512), 3_671_552),
    ],
)
def test_blocks_have_the_counts_of_the_paper(module, count):
    assert _count(module) == count


def test_sides_are_252_then_126_63_32_16_8():
    network = MPeRNet(10).eval()
    sides = []
    for block in [network.residuals[-1], *network.features]:
        block.register_forward_hook(lambda _, __, maps: sides.append(maps.shape[-1]))
    with torch.no_grad():
        assert network(torch.zeros(1, 1, 256, 256)).shape == (1, 10)
    assert sides == [252, 126, 63, 32, 16, 8]


def test_it_begins_as_he_says_with_biases_of_a_fifth():
    torch.manual_seed(0)
    for layer in MPeRNet(10).modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            assert bool((layer.bias == 0.2).all())
            wanted = (2 / layer.weight[0].numel()) ** 0.5
            assert layer.weight.std().item() == pytest.approx(wanted, rel=0.25)


def test_a_network_without_a_change_passes_its_input_on():
    block = ResidualBlock(16).eval()
    with torch.no_grad():
        for layer in block.body:
            if isinstance(layer, nn.Conv2d):
                layer.weight.zero_()
                layer.bias.zero_()
        maps = torch.rand(2, 16, 9, 7)
        assert torch.equal(block(maps), maps)
