"""Demosaicers against the package colour-demosaicing, and the simulated camera's physics."""

import numpy as np
import pytest
import torch

from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.training import Camera, camera, demosaicing

# colour-demosaicing sets numpy's old printing, which numbers in CSV files would follow.
with np.printoptions():
    from colour_demosaicing import (
        demosaicing_CFA_Bayer_bilinear,
        demosaicing_CFA_Bayer_Malvar2004,
        demosaicing_CFA_Bayer_Menon2007,
    )

PATTERNS = ("RGGB", "BGGR", "GRBG", "GBRG")
KEYS = torch.arange(64)


def masks(pattern, side):
    """Where the pattern's letters stand, written out."""
    tiled = np.tile(np.array(list(pattern)).reshape(2, 2), (side // 2, side // 2))
    return torch.from_numpy(np.stack([tiled == letter for letter in "RGB"]))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (demosaicing.bilinear, demosaicing_CFA_Bayer_bilinear),
        (demosaicing.malvar, demosaicing_CFA_Bayer_Malvar2004),
        (
            demosaicing.menon,
            lambda m, pattern: demosaicing_CFA_Bayer_Menon2007(m, pattern, refining_step=False),
        ),
    ],
    ids=["bilinear", "malvar", "menon"],
)
def test_demosaicers_are_the_package_s(astronaut, ours, theirs):
    """In a batch of all four phases, away from the border."""
    # Two directions are hardly ever equally smooth in numbers that are not whole.
    noise = np.random.default_rng(0).uniform(0, 1e-2, (96, 96, 3))
    scene = torch.from_numpy(astronaut[40:136, 180:276] / 255 + noise).permute(2, 0, 1).float()
    where = torch.stack([masks(pattern, 96) for pattern in PATTERNS])
    mosaics = (scene * where).sum(1, keepdim=True)
    found = ours(mosaics, where)
    for mosaic, pattern, image in zip(mosaics, PATTERNS, found, strict=True):
        expected = theirs(mosaic[0].numpy(), pattern)
        image = image.permute(1, 2, 0).numpy()
        np.testing.assert_allclose(image[8:-8, 8:-8], expected[8:-8, 8:-8], atol=2e-6)


def test_the_four_phases_are_drawn_and_every_pixel_has_one_colour():
    found = camera.bayer(KEYS, 4, 6)
    assert (found.sum(1) == 1).all()
    assert {tuple(m[:, :2, :2].flatten().tolist()) for m in found} == {
        tuple(masks(pattern, 2).flatten().tolist()) for pattern in PATTERNS
    }


def test_noise_grows_with_light_as_that_of_photons():
    variances = {}
    for light in (0.2, 0.4, 0.6):
        noisy = camera.sensed(torch.full((64, 1, 96, 96), light), KEYS)
        assert (noisy.mean((1, 2, 3)) - light).abs().max() < 3e-3
        assert (noisy * 4095).sub((noisy * 4095).round()).abs().max() < 1e-3
        variances[light] = noisy.var((1, 2, 3))
    slope = (variances[0.6] - variances[0.2]) / 0.4
    # The same sensor in all of a crop: a straight line, of a slope within the drawn range.
    middle = (variances[0.2] + variances[0.6]) / 2
    torch.testing.assert_close(middle, variances[0.4], rtol=0.06, atol=0)
    assert 0.8e-4 < slope.min() < 2e-4
    assert 1.5e-3 < slope.max() < 3.3e-3


def test_a_gray_wall_stays_gray_and_as_bright():
    wall = torch.full((64, 3, 64, 64), 100, dtype=torch.uint8)
    means = camera.photographed(wall, KEYS).float().mean((2, 3))
    assert (means - 100).abs().max() < 1.5


def test_blur_is_that_of_scipy(astronaut):
    from scipy import ndimage

    image = torch.from_numpy(astronaut[:64, 200:264, 0].astype(np.float32))[None, None]
    found = camera.blurred(image, torch.full((1, 1, 1, 1), 0.8))[0, 0]
    expected = ndimage.gaussian_filter(image[0, 0].numpy(), 0.8, radius=3)
    np.testing.assert_allclose(found[4:-4, 4:-4], expected[4:-4, 4:-4], rtol=1e-5)


def test_the_camera_leaves_the_checkerboard_of_its_sensor(astronaut):
    """Green is measured on one phase of a checkerboard and interpolated on the other: their
    residuals differ, as they do in photographs at a sensor's resolution and not in reduced ones."""
    reduced = torch.from_numpy(astronaut).permute(2, 0, 1)[None]
    reduced = torch.nn.functional.avg_pool2d(reduced.float(), 2).round().byte()
    scenes = torch.stack([reduced[0, :, 32 * i : 32 * i + 96, 64:160] for i in range(5)])
    scenes = scenes.repeat(8, 1, 1, 1)
    board = (torch.arange(92)[:, None] + torch.arange(92)) % 2 == 0

    def unequal(pixels):
        green = pixels[:, 1].float()
        middle = green[:, 2:-2, 2:-2]
        around = (green[:, 1:-3, 2:-2] + green[:, 3:-1, 2:-2]) / 4
        around = around + (green[:, 2:-2, 1:-3] + green[:, 2:-2, 3:-1]) / 4
        residual = (middle - around).abs()
        return (residual[:, board].mean(1) / residual[:, ~board].mean(1)).log().abs().median()

    photographed = Camera(1.0).apply(Batch.of(scenes)).pixels
    assert unequal(photographed) > 5 * unequal(scenes)


def test_no_pixel_depends_on_what_lies_beyond_the_margin(astronaut):
    side, whole = 32, Camera(1.0).side_before(32)
    scene = torch.from_numpy(astronaut[:96, 180:276]).permute(2, 0, 1).repeat(64, 1, 1, 1)
    noise = torch.randint(0, 256, scene.shape, generator=torch.Generator().manual_seed(0)).byte()
    inner = slice((96 - whole) // 2, (96 + whole) // 2)
    noise[:, :, inner, inner] = scene[:, :, inner, inner]
    middle = slice((96 - side) // 2, (96 + side) // 2)
    one, other = (
        Camera(1.0).apply(Batch.of(p)).pixels[:, :, middle, middle] for p in (scene, noise)
    )
    assert torch.equal(one, other)


def test_a_share_of_the_crops_is_photographed(astronaut):
    scenes = torch.from_numpy(astronaut[:32, 200:232]).permute(2, 0, 1).repeat(400, 1, 1, 1)
    found = Camera(0.25).apply(Batch.of(scenes)).pixels
    share = (found != scenes).flatten(1).any(1).float().mean().item()
    assert abs(share - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 400)


@pytest.mark.parametrize("share", [0, 1.5])
def test_a_share_that_is_none_is_one_sentence(share):
    with pytest.raises(ForensicsError, match="share of the crops, above 0 and up to 1"):
        Camera(share)


@pytest.mark.cuda
def test_a_camera_on_a_gpu_differs_in_few_pixels_by_one_level(astronaut):
    scenes = torch.from_numpy(astronaut[:96, 180:276]).permute(2, 0, 1).repeat(64, 1, 1, 1)
    here = Camera(1.0).apply(Batch.of(scenes)).pixels.int()
    there = Camera(1.0).apply(Batch.of(scenes).to("cuda")).pixels.cpu().int()
    assert ((here - there).abs() > 0).float().mean() < 1e-2
    assert ((here - there).abs() > 1).float().mean() < 1e-3
