"""Median, Gaussian and noise: against OpenCV, and one value for each image."""

import cv2
import numpy as np
import pytest
import torch

from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.histories.operations import Gaussian, Median, Sharpen, WhiteNoise


def picture(astronaut, top=0, left=0, height=121, width=134):
    """uint8 [1, 3, H, W] and the same as OpenCV takes it."""
    array = np.ascontiguousarray(astronaut[top : top + height, left : left + width])
    return torch.from_numpy(array).permute(2, 0, 1)[None].contiguous(), array


def three(astronaut):
    places = ((0, 0), (90, 170), (300, 60))
    return torch.cat([picture(astronaut, y, x)[0] for y, x in places])


def as_opencv(pixels):
    return pixels[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize("size", [1, 3, 5, 7, 15, 31])
def test_median_equals_opencv(astronaut, size):
    pixels, array = picture(astronaut)
    expected = [cv2.medianBlur(np.ascontiguousarray(array[..., c]), size) for c in range(3)]
    found = Median(size).apply(Batch.of(pixels)).pixels
    assert np.array_equal(as_opencv(found), np.stack(expected, 2))
    assert found.data_ptr() != pixels.data_ptr()


@pytest.mark.parametrize("sigma", [0.25, 0.5, 0.75, 0.8, 1.1, 1.4, 2.0, 2.6, 5])
@pytest.mark.parametrize("size", [0, 3, 7])
def test_gaussian_equals_opencv(astronaut, sigma, size):
    pixels, array = picture(astronaut)
    found = Gaussian(sigma, size).apply(Batch.of(pixels)).pixels
    assert np.array_equal(as_opencv(found), cv2.GaussianBlur(array, (size, size), sigma))


@pytest.mark.parametrize(("amount", "sigma"), [(0.0, 1.0), (0.5, 0.8), (1.5, 2.0), (10.0, 1.0)])
def test_sharpening_is_unsharp_masking_with_opencvs_blur(astronaut, amount, sigma):
    pixels, array = picture(astronaut)
    blurred = cv2.GaussianBlur(array, (0, 0), sigma)
    expected = cv2.addWeighted(array, 1 + amount, blurred, -amount, 0)
    found = as_opencv(Sharpen(amount, sigma).apply(Batch.of(pixels)).pixels)
    assert np.array_equal(found, expected)
    edges = [np.abs(np.diff(each.astype(int), axis=0)).mean() for each in (array, found)]
    assert edges[1] >= edges[0]


def sized(sigma):
    """Cut off near 1.5 s.d. a side."""
    size = 3 * sigma
    return Gaussian(
        sigma, size.long() * 2 + 1 if isinstance(size, torch.Tensor) else int(size) * 2 + 1
    )


@pytest.mark.parametrize(
    ("make", "values"),
    [
        (Median, torch.tensor([3, 9, 3])),
        (Gaussian, torch.tensor([0.5, 2.6, 1.1], dtype=torch.float64)),
        (WhiteNoise, torch.tensor([0.0, 2.0, 30.0], dtype=torch.float64)),
        (Gaussian, torch.tensor([1, 2, 3])),
        (Sharpen, torch.tensor([0.0, 0.7, 3.0], dtype=torch.float64)),
        (sized, torch.tensor([0.5, 2.6, 1.1], dtype=torch.float64)),
    ],
)
def test_a_value_for_each_image_in_any_batch(astronaut, make, values):
    batch = Batch.of(three(astronaut))
    together = make(values).apply(batch)
    for n, value in enumerate(values.tolist()):
        alone = make(value).apply(batch[n : n + 1])
        assert torch.equal(together.pixels[n], alone.pixels[0])
    assert torch.equal(batch.pixels, three(astronaut))


def test_noise_is_white_normal_and_of_its_size():
    batch = Batch.of(torch.full((2, 3, 256, 256), 128, dtype=torch.uint8))
    noise = WhiteNoise(8.0).apply(batch).pixels.double() - 128
    # Standard errors: 8 / sqrt(393216) = 0.013 of the mean, 0.009 of the s.d.; rounding adds 1/12.
    assert abs(noise.mean()) < 0.06
    assert abs(noise.std() - (64 + 1 / 12) ** 0.5) < 0.05
    within = (noise.abs() < 8.5).double().mean()
    assert abs(within - 0.7121) < 0.004  # P(|N| < 8.5 / 8)
    for shifted in (noise[:, :, 1:], noise[..., 1:]):
        other = noise[:, :, :-1] if shifted.shape[2] == 255 else noise[..., :-1]
        assert abs((shifted * other).mean()) < 64 * 5 / 390_000**0.5
    assert abs((noise[:, 0] * noise[:, 1]).mean()) < 64 * 5 / 131_072**0.5
    assert not torch.equal(noise[0], noise[1])


def test_the_papers_share_of_changed_pixels():
    """S.d. 0.25 changes 4.6 % of the pixels by one level, 0.5 changes 31.7 %."""
    batch = Batch.of(torch.full((1, 1, 400, 400), 100, dtype=torch.uint8))
    for sigma, share in ((0.25, 0.0455), (0.5, 0.3173)):
        changed = WhiteNoise(sigma).apply(batch).pixels != 100
        assert abs(changed.double().mean() - share) < 5 * (share * (1 - share) / 160_000) ** 0.5


def test_noise_clips_and_does_not_wrap():
    batch = Batch.of(torch.tensor([0, 255], dtype=torch.uint8).repeat(500).view(1, 1, 10, 100))
    found = WhiteNoise(300).apply(batch).pixels
    assert (found == 0).sum() > 200
    assert (found == 255).sum() > 200


def test_noise_belongs_to_a_place_of_the_photograph_not_of_the_tile():
    pixels = torch.full((1, 1, 64, 64), 100, dtype=torch.uint8)
    keys, positions = torch.tensor([5]), torch.zeros(1, 2, dtype=torch.int64)

    def noisy(y, x):
        return WhiteNoise(4).apply(
            Batch(pixels, keys, ("p",), positions, None, torch.tensor([[y, x]]))
        )

    first, second = noisy(32, 48), noisy(48, 64)
    assert torch.equal(first.pixels[..., 16:, 16:], second.pixels[..., :-16, :-16])
    assert not torch.equal(first.pixels, second.pixels)


@pytest.mark.parametrize("make", [Median, Gaussian, WhiteNoise])
def test_margin_is_what_the_border_reaches(astronaut, make):
    """With noise outside, pixels further in than the margin stay, and some at it do not."""
    pixels = three(astronaut)
    operation = make(5)
    margin = operation.margin(color=True)
    whole = operation.apply(Batch.of(pixels)).pixels
    other = pixels.clone()
    generator = torch.Generator().manual_seed(0)
    noise = torch.randint(0, 256, pixels.shape, generator=generator).to(torch.uint8)
    edge = 20
    inside = (..., slice(edge, -edge), slice(edge, -edge))
    noise[inside] = other[inside]
    changed = operation.apply(Batch.of(noise)).pixels

    def middle(image, border):
        return image[..., border:-border, border:-border]

    assert torch.equal(middle(whole, edge + margin), middle(changed, edge + margin))
    if margin:
        tight = edge + margin - 1
        assert not torch.equal(middle(whole, tight), middle(changed, tight)) or make is Gaussian


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Median(4), "median takes an odd size from 1 to 31, not 4"),
        (lambda: Median(0), "not 0"),
        (lambda: Median(33), "not 33"),
        (lambda: Median(3.0), "not 3.0"),
        (lambda: Median(True), "not True"),
        (lambda: Median(torch.tensor([3, 6])), "not 6"),
        (lambda: Gaussian(0), "gaussian takes a s.d. in pixels from 0.1 to 20, not 0"),
        (lambda: Gaussian(21), "not 21"),
        (lambda: Gaussian(float("nan")), "not nan"),
        (lambda: Gaussian("wide"), "not wide"),
        (lambda: Gaussian(1.0, 4), "gaussian takes an odd size from 1 to 121, not 4"),
        (lambda: Gaussian(torch.tensor([1.0, 0.05])), "not 0.05"),
        (lambda: WhiteNoise(-1), "awgn takes a s.d. in grey levels from 0 to 1000, not -1"),
    ],
)
def test_values_out_of_their_domain(make, words):
    with pytest.raises(ForensicsError) as error:
        make()
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_blur_wider_than_the_image():
    with pytest.raises(ForensicsError, match="choose a smaller"):
        Gaussian(5.0).apply(Batch.of(torch.zeros(1, 1, 12, 40, dtype=torch.uint8)))
