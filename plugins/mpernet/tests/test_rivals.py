"""The rivals against what their authors say, and values by hand."""

import pytest
import torch

from forensics_mpernet.rivals import CnnRfe, DualNet, MISLnet, _differences
from forensics_mpernet.trained import NETWORKS


def test_sides_of_mislnet_are_252_126_62_31_15_7():
    network = MISLnet(11).eval()
    sides = []
    for layer in [network.errors, *network.features]:
        layer.register_forward_hook(lambda _, __, maps: sides.append(maps.shape[-1]))
    with torch.no_grad():
        assert network(torch.zeros(1, 1, 256, 256)).shape == (1, 11)
    assert [a for a, b in zip(sides, [0, *sides], strict=False) if a != b] == [
        *(252, 126, 62, 31, 15, 7)
    ]


def test_its_last_pooling_is_that_of_3_by_2():
    maps = torch.rand(1, 4, 15, 15)
    own = MISLnet(2).features[-1]
    assert torch.allclose(own(maps), torch.nn.functional.avg_pool2d(maps, 3, 2))


def test_constrained_kernels_predict_the_middle():
    torch.manual_seed(0)
    network = MISLnet(8)
    with torch.no_grad():
        network.errors.weight.normal_()
        network.errors.weight[1] = 0  # no sum to divide by
    network.constrain()
    weight = network.errors.weight.detach()
    assert (weight[:, 0, 2, 2] == -1).all()
    assert weight[[0, 2]].sum((1, 2, 3)).tolist() == pytest.approx([0, 0], abs=1e-5)
    assert weight.isfinite().all()
    # So a constant has no residual.
    residual = network.errors(torch.full((1, 1, 9, 9), 77.0))[:, [0, 2]]
    assert residual.abs().max() < 1e-2


def test_parts_of_mislnet_are_less_than_5_mb():
    assert 2 * sum(value.numel() for value in MISLnet(11).state_dict().values()) < 5e6


def test_cnn_rfe_sees_no_plane():
    rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    network = CnnRfe(11).eval()
    plane = (2 * rows + columns)[None, None]
    with torch.no_grad():
        assert torch.allclose(network(plane), network(torch.zeros_like(plane)), atol=1e-5)


def test_differences_by_hand():
    row = torch.tensor([0.0, 1, 3, 9, 9])
    luma = row.expand(1, 1, 4, 5)
    found = _differences(luma, 3)
    assert found.shape == (1, 2, 2, 3)
    # First differences 1, 2, 6, second ones 1, 4, -6, cut off at 4, over 4.
    assert found[0, 0, 0].tolist() == [0.25, 0.5, 1]
    assert found[0, 1, 0].tolist() == [0.25, 1, -1]
    assert torch.equal(_differences(luma.mT, 2), found.mT)


def test_dual_net_has_a_stream_a_direction():
    network = DualNet(3)
    assert [stage[0].kernel_size for stage in network.rows] == [(1, 5)] * 4
    assert [stage[0].kernel_size for stage in network.columns] == [(5, 1)] * 4


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("side", [64, 128, 200])
def test_all_take_crops_of_any_side(name, side):
    network = NETWORKS[name](5).eval()
    with torch.no_grad():
        assert network(torch.rand(2, 1, side, side) * 255).shape == (2, 5)
