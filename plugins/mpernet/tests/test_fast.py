"""The network of `mperfast`."""

import torch

from forensics.jpeg import compress, decode
from forensics.plugin import Batch
from forensics_mpernet.fast import Perceptron, perceptron


def compressed(pixels, quality=90):
    jpeg = compress(pixels, quality)
    return Batch.of(decode(jpeg), jpeg)


def test_a_network_comes_back_from_its_state():
    torch.manual_seed(0)
    made = Perceptron(torch.randn(9), torch.rand(9) + 0.5, 8, 3).eval()
    again = perceptron(made.state_dict())
    again.load_state_dict(made.state_dict())
    features = 3 * torch.randn(5, 9)
    found = made(features)
    assert torch.equal(again.eval()(features), found)
    # The same as its layers say, in single precision.
    assert torch.allclose(made.layers(made.standard(features)), found, atol=1e-5)
