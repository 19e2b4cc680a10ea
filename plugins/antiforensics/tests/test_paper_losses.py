"""The paper's losses against its equations, written out in numpy."""

import numpy as np
import torch
from scipy.fft import dctn

from forensics_antiforensics.losses import paper

GENERATOR = np.random.default_rng(3)


def images():
    """I, I_recon, I_hat and I_uncmp: smooth planes with some noise, `[2, 32, 40]`."""
    smooth = GENERATOR.normal(0, 60, (2, 4, 5)).repeat(8, 1).repeat(8, 2) / 2 + 128
    target = smooth + GENERATOR.normal(0, 6, smooth.shape)
    return [target + GENERATOR.normal(0, s, smooth.shape) for s in (5, 3, 4)] + [target]


def coefficients(plane):
    blocks = [
        dctn(plane[i : i + 8, j : j + 8] - 128, norm="ortho")
        for i in range(0, plane.shape[0], 8)
        for j in range(0, plane.shape[1], 8)
    ]
    return np.array(blocks)


def histogram(plane):
    """Eqs. 6-8, `[64, 120]`."""
    d = coefficients(plane).reshape(-1, 64).T
    b = np.arange(-60, 61)
    with np.errstate(over="ignore"):
        s = 1 / (1 + np.exp(-100 * (d[:, :, None] - b)))
    cumulative = s.mean(1)
    return (cumulative[:, :-1] - cumulative[:, 1:]) / 64


def calibration(plane):
    """Eq. 10, on the variance of the coefficients."""
    whole, moved = coefficients(plane), coefficients(plane[4:-4, 4:-4])
    differences = [
        abs(whole[:, u, v].var() - moved[:, u, v].var())
        for u in range(8)
        for v in range(8)
        if u + v >= 8
    ]
    assert len(differences) == 28
    return np.mean(differences)


def variation(image):
    """Mean of eq. 12."""
    total = 0.0
    height, width = image.shape
    for i in range(height):
        for j in range(width):
            up, down = image[max(i - 1, 0), j], image[min(i + 1, height - 1), j]
            left, right = image[i, max(j - 1, 0)], image[i, min(j + 1, width - 1)]
            total += (up + down - 2 * image[i, j]) ** 2 + (left + right - 2 * image[i, j]) ** 2
    return total / (height * width)


def test_the_losses_are_the_equations():
    luma, restored, final, target = images()
    histograms, deblocking = [], []
    for i in range(2):
        scale = 2500 * np.mean(((luma[i] - target[i]) / 255) ** 2)
        smooth = np.abs(histogram(final[i]) - histogram(target[i])).mean()
        histograms.append(scale * smooth + 0.0003 * calibration(final[i]))
        deblocking.append(scale * variation(final[i] / 255))
    reconstruction = np.mean(((restored - target) / 255) ** 2)

    found = paper.losses(*(torch.from_numpy(x) for x in (restored, final, luma, target)))
    np.testing.assert_allclose(found.reconstruction.item(), reconstruction, rtol=1e-6)
    np.testing.assert_allclose(found.histogram.item(), np.mean(histograms), rtol=1e-6)
    np.testing.assert_allclose(found.deblocking.item(), np.mean(deblocking), rtol=1e-6)
    total = reconstruction + np.mean(histograms) + 0.06 * np.mean(deblocking)
    np.testing.assert_allclose(found.total.item(), total, rtol=1e-6)


def test_alpha_gets_a_gradient_from_every_loss_of_the_final_image():
    luma, restored, final, target = (torch.from_numpy(x) for x in images())
    final.requires_grad_()
    terms = paper.losses(restored, final, luma, target)
    for term in (terms.histogram, terms.deblocking):
        (slope,) = torch.autograd.grad(term, final, retain_graph=True)
        assert slope.abs().sum() > 0
    assert not terms.reconstruction.requires_grad
