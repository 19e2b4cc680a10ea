"""The paper's equivalence: network and feature, and the soft maximum that never is a whole."""

import pytest
import torch
from skimage import data

from forensics_srmcnn import bayar, feature, network
from forensics_srmcnn.network import DescriptorNetwork, SoftCounts
from forensics_srmcnn.recipes import from_svm


def images(kind):
    if kind == "random":
        return torch.randint(0, 256, (4, 64, 64), generator=torch.manual_seed(1)).to(torch.uint8)
    # Reduced, so that it has the residuals of a photograph and not of a scan's grain.
    picture = torch.from_numpy(data.astronaut()[::2, ::2, 1].copy())
    return picture.unfold(0, 64, 64).unfold(1, 64, 64).reshape(-1, 64, 64).contiguous()


def at_the_same_sites(planes):
    """The feature at the sites where kernels of 5 x 7 and 5 x 5 fit."""
    halves = ([], [])
    for turned in (planes, planes.transpose(1, 2)):
        halves[0].append(feature.codes(turned[:, 2:-2])[0].flatten(1))
        halves[1].append(feature.codes(turned[:, :-1, :-1])[1].flatten(1))
    shares = []
    for half in halves:
        code = torch.cat(half, 1).long()
        counts = torch.zeros(len(code), 81).scatter_add_(1, code, torch.ones(code.shape))
        shares.append(counts / code.shape[1])
    return torch.cat(shares, 1)


@pytest.mark.parametrize("kind", ["random", "photograph"])
def test_hard_maximum_is_the_feature_in_every_bin(kind):
    planes = images(kind)
    shares = DescriptorNetwork().shares(planes[:, None].float(), hard=True)
    torch.testing.assert_close(shares, at_the_same_sites(planes), atol=1e-7, rtol=0)


@pytest.mark.parametrize(
    ("power", "mean", "bin"),
    [(14, 0.2, 0.3), (16, 0.08, 0.02), (18, 0.006, 0.002), (20, 1e-5, 1e-6)],
)
def test_soft_maximum_comes_near_and_is_exact_from_2_to_the_20(power, mean, bin):
    planes = images("photograph")
    network = DescriptorNetwork(alpha=2**power / 255**2)
    with torch.no_grad():
        apart = (network.shares(planes[:, None].float()) - at_the_same_sites(planes)).abs()
    assert apart.view(-1, 2, 81).sum(2).mean() < mean
    assert apart.max() < bin


def test_at_216_the_soft_maximum_is_flat():
    planes = images("photograph")
    network = DescriptorNetwork(alpha=216 / 255**2)
    with torch.no_grad():
        apart = (network.shares(planes[:, None].float()) - at_the_same_sites(planes)).abs()
    assert apart.view(-1, 2, 81).sum(2).mean() > 0.4


def test_the_negated_filter_has_other_bins():
    planes = images("photograph")
    network = DescriptorNetwork()
    with torch.no_grad():
        for half in (network.along, network.across):
            half.filters.weight.neg_()
    apart = network.shares(planes[:, None].float(), hard=True) - at_the_same_sites(planes)
    assert apart.abs().view(-1, 2, 81).sum(2).mean() > 0.01


def test_parameters_are_the_papers():
    assert sum(p.numel() for p in DescriptorNetwork().parameters()) == 1384 - 163  # one logit


def test_soft_counts_are_a_soft_maximum_and_its_mean():
    generator = torch.manual_seed(2)
    sites = torch.randn(2, 5000, 4, generator=generator, dtype=torch.float64)
    weight, bias = torch.randn(81, 4).double(), torch.randn(81).double()
    wanted = (0.7 * (sites @ weight.T + bias)).softmax(2).mean(1)
    torch.testing.assert_close(SoftCounts.apply(sites, weight, bias, 0.7), wanted)


def test_gradient_of_soft_counts():
    torch.manual_seed(2)
    sites = torch.randn(2, 7, 4, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(9, 4, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(9, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(SoftCounts.apply, (sites, weight, bias, 0.7))


def test_gradient_over_several_chunks_is_autograds():
    torch.manual_seed(2)
    given = [torch.randn(s, dtype=torch.float64) for s in ((2, 5000, 4), (81, 4), (81,))]
    upstream = torch.randn(2, 81, dtype=torch.float64)
    ours, plain = ([t.clone().requires_grad_() for t in given] for _ in range(2))
    SoftCounts.apply(*ours, 1.3).backward(upstream)
    sites, weight, bias = plain
    (1.3 * (sites @ weight.T + bias)).softmax(2).mean(1).backward(upstream)
    for mine, theirs in zip(ours, plain, strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, atol=1e-13, rtol=1e-9)


def test_compiled_soft_counts_and_their_gradients_are_those_of_double_precision():
    torch.manual_seed(2)
    network = DescriptorNetwork()
    planes = images("photograph")[:3, None].float()
    words = network.along.codewords
    with torch.no_grad():
        sites = network.along.sites(planes)
    given = (sites, words.weight.detach(), words.bias.detach())
    upstream = torch.randn(3, 81)
    single = [t.clone().requires_grad_() for t in given]
    double = [t.double().requires_grad_() for t in given]
    ours = SoftCounts.apply(*single, 1.3)
    ours.backward(upstream)
    theirs = SoftCounts.apply(*double, 1.3)
    theirs.backward(upstream.double())
    torch.testing.assert_close(ours.double(), theirs, atol=1e-6, rtol=0)
    for mine, wanted in zip(single, double, strict=True):
        largest = wanted.grad.abs().max()
        assert (mine.grad - wanted.grad).abs().max() < 3e-4 * largest


def test_the_network_begins_as_the_svm():
    torch.manual_seed(4)
    state = {
        "mean": torch.rand(162),
        "scale": torch.rand(162) + 0.5,
        "weight": torch.stack([torch.zeros(162), torch.randn(162)]),
        "bias": torch.tensor([0.0, 0.3]),
    }
    shares = torch.rand(5, 162)
    wanted = ((feature.rooted(shares) - state["mean"]) / state["scale"]) @ state["weight"][1] + 0.3
    torch.testing.assert_close(from_svm(state, gain=2.0).decide(shares), 2 * wanted)


def test_projected_kernels_predict_a_pixel():
    torch.manual_seed(5)
    kernels = torch.randn(12, 1, 5, 5)
    kernels[0] = 0.0
    kernels[1, 0, 0, 0] -= kernels[1].sum() - kernels[1, 0, 2, 2]  # the others sum to 0
    given = kernels.clone()
    bayar.project(kernels)
    assert (kernels[:, 0, 2, 2] == -1).all()
    torch.testing.assert_close(kernels.sum((1, 2, 3)), torch.zeros(12), atol=1e-4, rtol=0)
    big = (given.sum((1, 2, 3)) - given[:, 0, 2, 2]).abs() > 0.1
    ratio = (kernels / given)[big].flatten(1)
    torch.testing.assert_close(ratio[:, 0], ratio[:, -1])  # the others are only scaled
    again = kernels.clone()
    bayar.project(again)
    torch.testing.assert_close(again, kernels, atol=1e-4, rtol=1e-4)


def test_a_part_of_bayars_is_under_4_megabytes():
    assert 4 * sum(p.numel() for p in bayar.BayarNetwork().parameters()) < 4e6


@pytest.mark.parametrize("hard", [False, True])
def test_shares_of_a_large_image_in_strips(hard, monkeypatch):
    plane = torch.from_numpy(data.astronaut()[:90, :140, 1].copy())[None, None].float()
    net = DescriptorNetwork()
    with torch.no_grad():
        whole = net.shares(plane, hard)
        monkeypatch.setattr(network, "LARGE", 140 * 16)
        strips = net.shares(plane, hard)
    torch.testing.assert_close(strips, whole, atol=1e-6, rtol=0)
