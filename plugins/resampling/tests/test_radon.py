"""The Radon feature: against scikit-image's radon and numpy's FFT, and what must not matter."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage import data
from skimage.transform import radon

from forensics_resampling.networks import mirrored
from forensics_resampling.radon import Radon, directions, matrix


@pytest.fixture(scope="module")
def patches():
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 64, 64))).float()


def recipe(patch, feature):
    """The paper's steps, one after the other; the outermost pixels are 0."""
    if feature.median:
        error = np.abs(patch - ndimage.median_filter(patch, 3))
    else:
        error = np.abs(ndimage.laplace(patch))
    error = np.sqrt(error) if feature.root else error
    error[[0, -1]] = error[:, [0, -1]] = 0
    if feature.centred:
        error[1:-1, 1:-1] -= error[1:-1, 1:-1].mean()
    lines = radon(error, theta=directions(feature.angles), circle=False)
    found = np.abs(np.fft.rfft(lines, axis=0)).T
    return (np.log1p(found) if feature.log else found).ravel()


@pytest.mark.parametrize(
    "feature",
    [
        Radon(),
        Radon(angles=19),
        Radon(root=False),
        Radon(median=True),
        Radon(centred=True),
        Radon(side=32, angles=10),
    ],
    ids=str,
)
def test_feature_equals_scikit_image(patches, feature):
    side = feature.side
    found = feature.features(patches[:, :side, :side])[:, 0]
    for one, patch in zip(found.numpy(), patches.double().numpy(), strict=True):
        expected = recipe(patch[:side, :side], feature)
        assert np.abs(one - expected).max() <= 1e-5 * np.abs(expected).max()


def test_lengths_of_the_paper():
    """874 = 46 x 19 at 64 x 64; 18 angles leave out a copy of 0 degrees."""
    assert Radon(angles=19).size == 874
    assert Radon().size == 828


def test_180_degrees_repeat_0(patches):
    found = Radon(angles=19).features(patches).view(3, 19, 46)
    torch.testing.assert_close(found[:, 0], found[:, 18], rtol=1e-4, atol=1e-1)


def test_each_projection_keeps_the_sum():
    """What is well inside the frame is spread over a projection, and nothing is lost."""
    bright = np.zeros((62, 62), np.float32)
    bright[24:38, 20:44] = 1
    sums = (matrix(64, 18) @ bright.ravel()).reshape(18, -1).sum(1)
    np.testing.assert_allclose(sums, bright.sum(), rtol=2e-3)


def test_windows_of_an_image_are_its_patches():
    image = torch.rand(1, 96, 104) * 255
    found = Radon().features(image, 8)
    assert found.shape == (1, 5 * 6, 828)
    own = image[:, 16:80, 24:88]
    torch.testing.assert_close(
        found[:, 2 * 6 + 3], Radon().features(own)[:, 0], rtol=1e-4, atol=1e-2
    )


@pytest.mark.parametrize("angles", [18, 19])
def test_mirrored_feature_is_that_of_the_mirror_image(angles):
    """Nearly: scikit-image's middle of the frame lies half a pixel off the window's."""
    photograph = torch.from_numpy(data.camera()).float()
    tiles = photograph.unfold(0, 64, 64).unfold(1, 64, 64).reshape(-1, 64, 64)
    feature = Radon(angles=angles)
    own = feature.features(tiles)[:, 0]
    expected = feature.features(tiles.flip(2))[:, 0]
    off = (mirrored(own, feature) - expected).norm()
    assert off < 0.02 * expected.norm()
    assert off < 0.1 * (own - expected).norm()
