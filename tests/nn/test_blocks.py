"""SRNet's layer types and DenseNet's blocks against plain sums, and by their parameters."""

import numpy as np
import pytest
import torch
from scipy.signal import correlate2d
from torch import nn

from forensics.nn import DenseBlock, Transition, Type1, Type2, Type3, Type4


def convolved(planes, layer):
    """A convolution of stride 1 with a border of zeros, plane by plane with scipy."""
    weights = layer.weight.detach().numpy()
    return np.stack(
        [
            [
                sum(correlate2d(p, k, "same") for p, k in zip(image, kernels, strict=True))
                for kernels in weights
            ]
            for image in planes
        ]
    )


def normed(planes, layer):
    """Batch norm with running statistics."""
    mean, var, weight, bias = (
        t.detach().numpy()[:, None, None]
        for t in (layer.running_mean, layer.running_var, layer.weight, layer.bias)
    )
    return (planes - mean) / np.sqrt(var + layer.eps) * weight + bias


def body(planes, layers):
    (conv, norm, _), conv_2, norm_2 = layers
    hidden = np.maximum(normed(convolved(planes, conv), norm), 0)
    return normed(convolved(hidden, conv_2), norm_2)


def halved(planes):
    """Mean of 3 x 3 around every second pixel, zeros outside."""
    n, c, height, width = planes.shape
    padded = np.pad(planes, ((0, 0), (0, 0), (1, 1), (1, 1)))
    found = np.zeros((n, c, -(-height // 2), -(-width // 2)))
    for i in range(found.shape[2]):
        for j in range(found.shape[3]):
            found[:, :, i, j] = padded[:, :, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3].sum((2, 3)) / 9
    return found


def settled(network):
    """In float64 and evaluation, with statistics and scales that are not 0 and 1."""
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.running_mean, module.bias.data):
                tensor.copy_(torch.randn(tensor.shape, generator=generator) / 4)
            for tensor in (module.running_var, module.weight.data):
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
    return network.double().eval()


@pytest.fixture
def planes():
    return torch.from_numpy(np.random.default_rng(1).normal(0, 1, (2, 3, 7, 10)))


def check(network, planes, expected):
    np.testing.assert_allclose(network(planes).detach().numpy(), expected, atol=1e-10)
    few = planes[:1, :, :4, :4].clone().requires_grad_()
    assert torch.autograd.gradcheck(network, few)


def test_type_1(planes):
    network = settled(Type1(3, 4))
    conv, norm, _ = network
    expected = np.maximum(normed(convolved(planes.numpy(), conv), norm), 0)
    assert (expected == 0).any()
    check(network, planes, expected)


def test_type_2_adds_its_input_and_clips_nothing(planes):
    network = settled(Type2(3))
    expected = planes.numpy() + body(planes.numpy(), network.body)
    assert (expected < 0).any()
    check(network, planes, expected)


def test_type_3_halves_both_branches(planes):
    network = settled(Type3(3, 5))
    conv, norm = network.shortcut
    weights = conv.weight.detach().numpy()[:, :, 0, 0]
    short = np.einsum("oc,nchw->nohw", weights, planes.numpy()[:, :, ::2, ::2])
    expected = normed(short, norm) + halved(body(planes.numpy(), network.body[0]))
    assert expected.shape == (2, 5, 4, 5)
    check(network, planes, expected)


def test_type_4_is_the_mean_of_each_map(planes):
    network = settled(Type4(3, 5))
    check(network, planes, body(planes.numpy(), network.body).mean((2, 3)))


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def test_srnet_put_together_has_its_parameters():
    """12 layers of the paper's figure 1 and the dense layer: 4.78 million."""
    network = nn.Sequential(
        Type1(1, 64),
        Type1(64, 16),
        *(Type2(16) for _ in range(5)),
        *(Type3(a, b) for a, b in ((16, 16), (16, 64), (64, 128), (128, 256))),
        Type4(256, 512),
        nn.Linear(512, 2),
    )
    convolutions = (
        9 * 64
        + 9 * 64 * 16
        + 5 * 2 * 9 * 16 * 16
        + sum(9 * a * b + 9 * b * b + a * b for a, b in ((16, 16), (16, 64), (64, 128), (128, 256)))
        + 9 * 256 * 512
        + 9 * 512 * 512
    )
    norms = 2 * (64 + 16 + 5 * 2 * 16 + 3 * (16 + 64 + 128 + 256) + 2 * 512)
    assert parameters(network) == convolutions + norms + 2 * 512 + 2
    assert round(parameters(network) / 1e6, 2) == 4.78
    assert network.eval()(torch.zeros(1, 1, 32, 32)).shape == (1, 2)


def dense_layer(planes, layers):
    norm, _, conv, _ = layers
    return convolved(np.maximum(normed(planes, norm), 0), conv)


def test_a_dense_block_feeds_every_layer_with_all_before(planes):
    network = settled(DenseBlock(3, layers=3, growth=2, dropout=0.5))
    expected = planes.numpy()
    for layer in network.layers:
        expected = np.concatenate([expected, dense_layer(expected, layer)], 1)
    assert expected.shape[1] == network.outputs == 9
    check(network, planes, expected)
    assert not torch.equal(network.train()(planes), network(planes))  # dropout


def test_a_transition_halves(planes):
    network = settled(Transition(3))
    mixed = dense_layer(planes.numpy(), network[0])[:, :, :6]
    expected = mixed.reshape(2, 3, 3, 2, 5, 2).mean((3, 5))
    check(network, planes, expected)


@pytest.mark.parametrize(
    ("channels", "trainable", "all_values"), [(1, 1_157_578, 1_176_298), (3, 1_158_010, 1_176_730)]
)
def test_densenet_40_put_together_has_its_parameters(channels, trainable, all_values):
    """Depth 40, growth 12, 226 outputs; with running means and variances, without counters."""
    layers: list[nn.Module] = [nn.Conv2d(channels, 24, 3, padding=1, bias=False)]
    width = 24
    for last in (False, False, True):
        block = DenseBlock(width, dropout=0.2)
        width = block.outputs
        layers += [block] if last else [block, Transition(width, dropout=0.2)]
    layers += [nn.BatchNorm2d(width), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    network = nn.Sequential(*layers, nn.Linear(width, 226))
    assert width == 456
    assert parameters(network) == trainable
    statistics = sum(2 * m.num_features for m in network.modules() if isinstance(m, nn.BatchNorm2d))
    assert trainable + statistics == all_values
