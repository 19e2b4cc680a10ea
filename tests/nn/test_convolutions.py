"""Constrained and residual convolutions against loops, and the constraint against projection."""

import numpy as np
import pytest
import torch
from scipy.signal import correlate2d

from forensics.nn import ConstrainedConv2d, Residuals, rich_model, third_order


def correlated(planes, kernels):
    """`[N, C, H, W]`, `[O, C, h, w]`: each plane by scipy, summed over channels, valid sites."""
    return np.stack(
        [
            [
                sum(correlate2d(p, k, "valid") for p, k in zip(image, one, strict=True))
                for one in kernels
            ]
            for image in planes
        ]
    )


@pytest.fixture
def planes():
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 3, 11, 14))).double()


@pytest.mark.parametrize("size", [3, 5])
def test_a_constrained_kernel_predicts_the_centre(planes, size):
    layer = ConstrainedConv2d(3, 4, size).double()
    kernel = layer.kernel().detach().numpy()
    assert kernel.shape == (4, 3, size, size)
    middle = size // 2
    np.testing.assert_array_equal(kernel[:, :, middle, middle], -1)
    np.testing.assert_allclose(kernel.sum((2, 3)), 0, atol=1e-12)
    assert kernel.std() > 0.01  # and they are not all the same
    np.testing.assert_allclose(
        layer(planes).detach().numpy(), correlated(planes.numpy(), kernel), atol=1e-9
    )
    # A flat image is predicted without error, whatever is learnt.
    assert layer(torch.full((1, 3, 9, 9), 200.0, dtype=torch.float64)).abs().max() < 1e-9


def test_free_values_fill_the_kernel_row_by_row():
    layer = ConstrainedConv2d(1, 1, 3)
    with torch.no_grad():
        layer.free.copy_(torch.tensor([1.0, 2, 3, 4, 5, 6, 7, 8]))
    # Their mean is 4.5 and 1/8 is added.
    expected = [[-3.375, -2.375, -1.375], [-0.375, -1, 0.625], [1.625, 2.625, 3.625]]
    assert layer.kernel()[0, 0].tolist() == expected


def test_descent_with_momentum_is_the_projected_descent(planes):
    """Projecting plain kernels onto the constraint after every step gives the same kernels."""
    layer = ConstrainedConv2d(3, 2, 3).double()
    start = layer.kernel().detach().clone()
    plain = start.clone().requires_grad_()
    steps = torch.optim.SGD(layer.parameters(), 1e-6, momentum=0.9)
    plain_steps = torch.optim.SGD([plain], 1e-6, momentum=0.9)
    for _ in range(5):
        steps.zero_grad()
        plain_steps.zero_grad()
        layer(planes).square().mean().backward()
        torch.nn.functional.conv2d(planes, plain).square().mean().backward()
        steps.step()
        plain_steps.step()
        with torch.no_grad():
            plain[:, :, 1, 1] = 0
            plain += (1 - plain.sum((2, 3), keepdim=True)) / 8
            plain[:, :, 1, 1] = -1
    assert (layer.kernel() - start).abs().max() > 0.01
    torch.testing.assert_close(layer.kernel(), plain, rtol=0, atol=1e-12)


def test_the_gradient_of_a_constrained_convolution(planes):
    layer = ConstrainedConv2d(3, 2, 3).double()
    few = planes[:1, :, :5, :5].clone().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x, free: torch.func.functional_call(layer, {"free": free}, (x,)), (few, layer.free)
    )
    assert sum(p.numel() for p in ConstrainedConv2d(1, 12).parameters()) == 12 * 24


@pytest.mark.parametrize("size", [1, 4])
def test_a_kernel_without_a_centre_is_refused(size):
    with pytest.raises(ValueError, match="odd side of 3 or more"):
        ConstrainedConv2d(1, 1, size)


def test_third_differences_of_neighbouring_sites(planes):
    image = planes[:1, :1]
    x = image[0, 0].numpy()
    residual = x[:, :-3] - 3 * x[:, 1:-2] + 3 * x[:, 2:-1] - x[:, 3:]
    along = Residuals(third_order("along"))(image)[0].numpy()
    across = Residuals(third_order("across"))(image)[0].numpy()
    assert along.shape == (4, 11, 14 - 6)
    assert across.shape == (4, 11 - 3, 14 - 3)
    for site in range(4):
        np.testing.assert_array_equal(along[site], residual[:, site : site + 8])
        np.testing.assert_array_equal(across[site], residual[site : site + 8])


def test_the_thirty_kernels_of_the_rich_model():
    kernels = rich_model().numpy()
    assert kernels.shape == (30, 5, 5)
    assert kernels.dtype == np.int8
    assert (kernels.sum((1, 2)) == 0).all()
    assert len({k.tobytes() for k in kernels}) == 30
    # The divisors that the rich model quantises with: 8, 4, 8 differences, 3 x 3 and 5 x 5.
    divisors = [1] * 8 + [2] * 4 + [3] * 8 + [4] * 4 + [12] * 4 + [4, 12]
    assert (-kernels[:, 2, 2]).tolist() == divisors
    # A difference of order k takes polynomials of degree k - 1 to 0 and none of degree k.
    ramp = np.arange(-2, 3.0)
    for order, some in ((1, kernels[:8]), (2, kernels[8:12]), (3, kernels[12:20])):
        for kernel in some:
            rows, columns = np.nonzero(kernel)
            along = ramp if len(set(columns)) > 1 else ramp[:, None]
            moments = [(kernel * along**power).sum() for power in range(order + 1)]
            assert moments[:order] == [0] * order
            assert moments[order] != 0
            assert len(rows) == order + 1
    # Turned by a quarter, each group is itself.
    for some in (kernels[:8], kernels[8:12], kernels[12:20], kernels[20:24], kernels[24:28]):
        turned = {np.rot90(k).tobytes() for k in some}
        assert turned == {k.tobytes() for k in some}
    # The squares are the edges' two halves laid over each other at the middle row.
    for edges, square in ((kernels[20:24], kernels[28]), (kernels[24:28], kernels[29])):
        upper, lower = edges[0], edges[2]
        middle = np.where(np.arange(5)[:, None] == 2, upper, 0)
        np.testing.assert_array_equal(upper + lower - middle, square)
    second = np.array([-1, 2, -1])
    np.testing.assert_array_equal(kernels[28][1:4, 1:4], -np.outer(second, second))


def test_residuals_take_every_channel_by_itself(planes):
    layer = Residuals(rich_model())
    found = layer(planes.float())
    assert found.shape == (2, 90, 7, 10)
    kernels = rich_model().numpy().astype(float)
    for channel in range(3):
        expected = correlated(planes[:, channel : channel + 1].numpy(), kernels[:, None])
        np.testing.assert_array_equal(found[:, 30 * channel : 30 * channel + 30].numpy(), expected)
    assert not list(layer.parameters())
    assert layer.state_dict()["kernels"].dtype == torch.int8
    few = planes[:1, :2, :6, :6].clone().requires_grad_()
    assert torch.autograd.gradcheck(Residuals(rich_model()[::7]), few)
