"""The matched losses: nothing for the photographs themselves, something for what betrays a JPEG;
their statistics against the detectors that they stand for."""

import numpy as np
import pytest
import torch
from skimage import data

from forensics.batch import Batch
from forensics.jpeg import compress, decode, decode_luma, standard_tables
from forensics_antiforensics.detectors import KF, KL, KU1, KU2
from forensics_antiforensics.losses import distribution, matched, recompression, statistics

QUALITY = 60


@pytest.fixture(scope="module")
def photographs():
    """Four crops of a photograph, uint8 `[4, 1, 64, 64]`."""
    image = torch.from_numpy(data.camera())
    corners = [(64, 64), (128, 256), (320, 192), (256, 320)]
    return torch.stack([image[None, y : y + 64, x : x + 64] for y, x in corners])


@pytest.fixture(scope="module")
def compressed(photographs):
    return decode_luma(compress(photographs, QUALITY))


def terms(output, compressed, photographs):
    torch.manual_seed(0)
    target = photographs[:, 0].float()
    steps = standard_tables(QUALITY, 1)[0]
    return matched.losses(output, compressed, target, steps, QUALITY)


def test_photographs_lose_nothing(photographs, compressed):
    found = terms(photographs[:, 0].float(), compressed, photographs)
    assert found.total(3.0).item() == pytest.approx(0, abs=1e-6)


def test_a_jpeg_loses_by_every_term(photographs, compressed):
    found = terms(compressed, compressed, photographs)
    assert found.mse.item() == pytest.approx(1)
    assert found.coefficients > 0.05
    assert set(found.statistics) == {"calibration", "corners", "blockiness", "variation", "comb"}
    for name, term in found.statistics.items():
        assert term > 0.1, name
    assert found.total(3.0) > found.total(1.0) > 1


def test_too_smooth_loses_too(photographs, compressed):
    blurred = torch.nn.functional.avg_pool2d(
        photographs.float(), 3, stride=1, padding=1, count_include_pad=False
    )[:, 0]
    found = terms(blurred, compressed, photographs)
    for name in ("calibration", "corners", "blockiness"):
        assert found.statistics[name] > 0.05, name
    assert found.coefficients > 0.05


def test_every_term_has_a_gradient(photographs, compressed):
    output = compressed.clone().requires_grad_()
    found = terms(output, compressed, photographs)
    for name, term in {**found.statistics, "coefficients": found.coefficients}.items():
        (slope,) = torch.autograd.grad(term, output, retain_graph=True)
        assert torch.isfinite(slope).all(), name
        assert slope.abs().sum() > 0, name


def test_the_statistics_are_the_detectors(photographs):
    batch, plane = Batch.of(photographs), photographs[:, 0].double()
    ratios = statistics.calibration_ratios(plane)
    k_l = statistics.log_k_l(ratios).exp()
    torch.testing.assert_close(k_l.float(), KL().score(batch).values, rtol=0.1, atol=0.03)

    for power, detector in ((1, KU1), (2, KU2)):
        moved = statistics.blockiness(plane[:, 4:, 4:], power)
        difference = (statistics.blockiness(plane, power) - moved).abs()
        torch.testing.assert_close(
            difference.float(), detector().score(batch).values, rtol=1e-4, atol=1e-4
        )

    k_f = []
    for centres, corners in zip(*statistics.corner_differences(plane), strict=True):
        assert len(centres) == len(corners) == 49
        bins = [np.bincount(z.long().numpy(), minlength=512) / 49 for z in (centres, corners)]
        k_f.append(np.abs(bins[0] - bins[1]).sum())
    np.testing.assert_allclose(k_f, KF().score(batch).values.numpy(), rtol=1e-5)


def test_the_variation_is_that_of_the_real_coder(photographs):
    qualities = torch.tensor([50, 75, 96])
    found = recompression.log_variation(photographs[:, 0].float(), qualities)
    for i, quality in enumerate(qualities.tolist()):
        decoded = decode(compress(photographs, quality))[:, 0].float()
        across = (decoded[:, :, 1:] - decoded[:, :, :-1]).abs().mean((1, 2))
        down = (decoded[:, 1:] - decoded[:, :-1]).abs().mean((1, 2))
        torch.testing.assert_close(found[:, i], (across + down).log(), rtol=0.05, atol=0.05)


def test_the_drawn_qualities_are_eight_that_exist():
    torch.manual_seed(1)
    strides = set()
    for own in (50, 60, 70, 80, 90) * 20:
        drawn = recompression.qualities(own)
        assert len(drawn) == 8
        assert drawn.min() >= 45
        assert drawn.max() <= 100
        strides.add(int(drawn[1] - drawn[0]))
    assert strides == {1, 7}


def test_sorted_miss_is_the_wasserstein_distance():
    from scipy.stats import wasserstein_distance

    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, 3, 200, generator=generator).double()
    found = distribution.sorted_miss(a, b + 0.5)
    expected = [wasserstein_distance(x, y + 0.5) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_the_comb_is_what_quantisation_leaves():
    generator = torch.Generator().manual_seed(0)
    natural = 40 * torch.randn(64, 500, generator=generator)
    steps = standard_tables(80, 1)[0]
    step = steps.flatten()[:, None].float()
    quantised = step * torch.round(natural / step)
    assert distribution.comb_distance(quantised, natural, steps) > 0.2
    moved = natural[:, torch.randperm(500, generator=generator)]
    assert distribution.comb_distance(moved, natural, steps) == 0
