"""The compiled training step of a dense block, against torch's own layers."""

import copy

import pytest
import torch
from torch import nn

from forensics_q1cnn.dense import compiled
from forensics_q1cnn.dense.compiled import CompiledBlock


def scaled(network):
    """With scales and shifts of its batch norms that are not 1 and 0."""
    for parameter in network.parameters():
        if parameter.ndim == 1:
            nn.init.normal_(parameter, 0.5, 0.5)
    return network


def flat(found):
    made, gradients, buffers = found
    return (made, *gradients, *buffers)


def trained(network, planes, dtype):
    """What a block gives in training, the gradients of its input and parameters, its buffers."""
    network = copy.deepcopy(network).train()
    given = planes.clone(memory_format=torch.channels_last).requires_grad_()
    weights = torch.randn(planes.shape[0], network.outputs, *planes.shape[2:])
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        made = network(given.to(dtype))
    (made.float() * weights).sum().backward()
    gradients = [parameter.grad for parameter in network.parameters()]
    return made.detach().float(), [given.grad, *gradients], list(network.buffers())


@pytest.mark.parametrize("size", [(9, 12), (32, 32)])
def test_a_dense_block_trains_alike_in_half_precision(size, monkeypatch):
    """The compiled path is as near to float32 as torch's own layers in bfloat16 are."""
    torch.manual_seed(0)
    network = scaled(CompiledBlock(6, layers=4, growth=5))
    planes = torch.randn(7, 6, *size) * 2 + 1
    found = {}
    for name, dtype in (("exact", torch.float32), ("compiled", torch.bfloat16)):
        torch.manual_seed(1)
        found[name] = trained(network, planes, dtype)
    monkeypatch.setattr(compiled.device, "compiled", lambda planes: False)
    torch.manual_seed(1)
    found["layers"] = trained(network, planes, torch.bfloat16)

    def far(name):
        made, gradients, buffers = found[name]
        pairs = zip((made, *gradients, *buffers), flat(found["exact"]), strict=True)
        return [float((a - b).float().norm() / b.float().norm()) for a, b in pairs]

    for ours, theirs in zip(far("compiled"), far("layers"), strict=True):
        assert ours < 1.5 * theirs + 1e-3
    assert not torch.equal(found["compiled"][0], found["layers"][0])


def test_a_dense_block_trains_alike_in_threads():
    torch.manual_seed(0)
    network = scaled(CompiledBlock(16, layers=2, growth=4))
    planes = torch.randn(8, 16, 64, 64)
    threads, found = torch.get_num_threads(), []
    for count in (1, 3):
        torch.set_num_threads(count)
        torch.manual_seed(1)
        found.append(trained(network, planes, torch.bfloat16))
    torch.set_num_threads(threads)
    for one, three in zip(flat(found[0]), flat(found[1]), strict=True):
        # Half precision rounds to 1 in 256; sums in another order differ by less than that.
        assert float((one - three).float().norm()) < 0.01 * float(one.float().norm()) + 1e-6
