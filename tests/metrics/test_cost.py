"""PSNR and SSIM against scikit-image; means with their intervals."""

import numpy as np
import pytest
import torch
from skimage import data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from forensics.errors import NotApplicable
from forensics.metrics.cost import PSNR_CEILING, mean_with_interval, psnr, ssim


def pair(n, c, h, w, kind):
    generator = np.random.default_rng(h * w)
    if kind == "photograph":
        top, left = np.random.default_rng(1).integers(0, 200, 2)
        rgb = data.astronaut()[top : top + h, left : left + w, :c].transpose(2, 0, 1)
        first = np.repeat(rgb[None], n, axis=0).astype(float)
        second = first + generator.normal(0, 5, first.shape)
        return tuple(np.clip(np.round(x), 0, 255).astype(np.uint8) for x in (first, second))
    first = generator.integers(0, 256, (n, c, h, w))
    if kind == "bright":  # the variance is a small difference of large numbers
        first = np.full((n, c, h, w), 254)
        return first.astype(np.uint8), (first + generator.integers(0, 2, first.shape)).astype(
            np.uint8
        )
    return first.astype(np.uint8), generator.integers(0, 256, (n, c, h, w)).astype(np.uint8)


@pytest.mark.parametrize("kind", ["photograph", "noise", "bright"])
@pytest.mark.parametrize("shape", [(3, 1, 64, 64), (2, 3, 47, 61), (1, 1, 11, 30), (2, 3, 11, 11)])
def test_equal_to_scikit_image(shape, kind):
    first, second = pair(*shape, kind)
    a, b = torch.from_numpy(first), torch.from_numpy(second)
    settings = {
        "data_range": 255,
        "gaussian_weights": True,
        "sigma": 1.5,
        "use_sample_covariance": False,
    }
    for i in range(shape[0]):
        expected = structural_similarity(first[i], second[i], channel_axis=0, **settings)
        assert ssim(a, b)[i].item() == pytest.approx(expected, abs=1e-9)
        expected = peak_signal_noise_ratio(first[i], second[i], data_range=255)
        assert psnr(a, b)[i].item() == pytest.approx(expected, abs=1e-9)


def test_known_values():
    zero = torch.zeros(1, 1, 16, 16, dtype=torch.uint8)
    full = torch.full_like(zero, 255)
    assert psnr(zero, full).item() == 0
    # Flat images have no variance: SSIM is (0 + C1) / (255^2 + C1).
    c1 = (0.01 * 255) ** 2
    assert ssim(zero, full).item() == pytest.approx(c1 / (255**2 + c1), rel=1e-9)
    assert psnr(full, full - 5).item() == pytest.approx(20 * np.log10(51))


def test_identical_images_have_the_ceiling_and_not_infinity():
    image = torch.randint(0, 256, (2, 3, 20, 20), dtype=torch.uint8)
    assert psnr(image, image).tolist() == [PSNR_CEILING] * 2
    assert ssim(image, image).tolist() == pytest.approx([1, 1])


def test_an_image_costs_the_same_alone_and_in_a_batch_of_several_chunks():
    generator = torch.Generator().manual_seed(0)
    first, second = (
        torch.randint(0, 256, (40, 1, 256, 256), dtype=torch.uint8, generator=generator)
        for _ in range(2)
    )
    together = ssim(first, second)
    assert together.shape == (40,)
    for i in (0, 31, 32, 39):
        alone = ssim(first[i : i + 1], second[i : i + 1]).item()
        assert together[i].item() == pytest.approx(alone, abs=1e-12)


def test_what_cannot_be_compared_is_refused():
    small = torch.zeros(1, 1, 10, 40, dtype=torch.uint8)
    with pytest.raises(NotApplicable, match="11 x 11"):
        ssim(small, small)
    for measure in (psnr, ssim):
        with pytest.raises(ValueError, match="one size"):
            measure(small, small[..., :-1])
        with pytest.raises(ValueError, match="uint8"):
            measure(small, small.float())


def test_mean_over_patches_with_an_interval_over_photographs():
    values = np.array([30.0, 32.0, 40.0, np.nan])
    result = mean_with_interval(values, np.array(["a", "a", "b", "b"]), seed=0)
    assert result.value == pytest.approx(34)
    # Two photographs: a quarter of the resamples is a alone (31), a quarter b alone (40).
    assert (result.low, result.high) == pytest.approx((31, 40))
    one = mean_with_interval(values[:2], np.array(["a", "a"]), seed=0)
    assert (one.value, one.low, one.high) == (31, None, None)
    none = mean_with_interval(np.array([np.nan]), np.array(["a"]), seed=0)
    assert (none.value, none.reason) == (None, "no patch was measured")


def test_the_interval_has_the_width_of_the_standard_error_of_photographs():
    generator = np.random.default_rng(0)
    levels = generator.normal(35, 2, 200)
    values = np.repeat(levels, 5)
    result = mean_with_interval(values, np.repeat(np.arange(200), 5), seed=0)
    error = levels.std() / np.sqrt(200)
    assert (result.high - result.low) == pytest.approx(2 * 1.96 * error, rel=0.1)
