"""Resize, rotate and shear: against OpenCV and Pillow, on whole images and on tiles."""

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.histories.operations import Resize, Rotate, Shear
from forensics.histories.operations.resize import between

FLAGS = {"bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}
FILTERS = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}
HEIGHT, WIDTH = 200, 240


@pytest.fixture(scope="module")
def array(astronaut):
    return np.ascontiguousarray(astronaut[:HEIGHT, :WIDTH])


def batched(array):
    return Batch.of(torch.from_numpy(array).permute(2, 0, 1)[None].contiguous())


def apart(batch, expected):
    """Share of samples that differ, and the largest difference."""
    found = batch.pixels[0].permute(1, 2, 0).numpy()
    assert found.shape == expected.shape
    off = np.abs(found.astype(int) - expected)
    return (off > 0).mean(), off.max()


@pytest.mark.parametrize("factor", [0.37, 0.5, 0.75, 0.8, 0.9, 1.01, 1.125, 1.3, 1.5, 2.0])
@pytest.mark.parametrize(("kernel", "share"), [("bilinear", 0.13), ("bicubic", 0.09)])
def test_resize_against_opencv(array, factor, kernel, share):
    expected = cv2.resize(array, None, fx=factor, fy=factor, interpolation=FLAGS[kernel])
    off, most = apart(Resize(factor, kernel).apply(batched(array)), expected)
    assert most <= 1
    assert off < share


EVERY = [0.25, 0.5, 0.6, 0.75, 0.8, 0.9, 1.125, 1.3, 1.5]
# Where a new pixel lies half-way between two old ones, Pillow takes either.
CLEAR = [0.5, 0.6, 0.8, 2.0]
CASES = [("nearest", f) for f in CLEAR] + [(k, f) for k in FLAGS for f in EVERY]


@pytest.mark.parametrize(("kernel", "factor"), CASES)
def test_resize_equals_pillow(array, kernel, factor):
    """Antialiased, or to the nearest; both sides come out whole."""
    size = round(WIDTH * factor), round(HEIGHT * factor)
    expected = np.asarray(Image.fromarray(array).resize(size, FILTERS[kernel]))
    found = Resize(factor, kernel, antialias=kernel != "nearest").apply(batched(array))
    assert apart(found, expected) == (0, 0)


def test_resize_between_two_sizes_against_opencv(array):
    for size in ((180, 216), (222, 251)):
        expected = cv2.resize(array, size[::-1], interpolation=cv2.INTER_CUBIC)
        batch = batched(array)
        off, most = apart(batch.with_pixels(between(batch.pixels, size)), expected)
        assert most <= 1
        assert off < 0.09


@pytest.mark.parametrize("degrees", [-30, 2, 5, 15, 45, 90])
@pytest.mark.parametrize(("kernel", "share"), [("bilinear", 0.002), ("bicubic", 0.04)])
def test_rotate_against_opencv(array, degrees, kernel, share):
    centre = ((WIDTH - 1) / 2, (HEIGHT - 1) / 2)
    matrix = cv2.getRotationMatrix2D(centre, degrees, 1)
    expected = cv2.warpAffine(
        array, matrix, (WIDTH, HEIGHT), flags=FLAGS[kernel], borderMode=cv2.BORDER_REPLICATE
    )
    off, most = apart(Rotate(degrees, kernel).apply(batched(array)), expected)
    assert most <= 1
    assert off < share


def test_ninety_degrees_are_counter_clockwise():
    pixels = torch.arange(36, dtype=torch.uint8).view(1, 1, 6, 6)
    for kernel in FILTERS:
        found = Rotate(90, kernel).apply(Batch.of(pixels)).pixels
        assert torch.equal(found, pixels.rot90(1, (2, 3)))


@pytest.mark.parametrize("factor", [-0.2, 0.05, 0.3])
@pytest.mark.parametrize("kernel", FLAGS)
def test_shear_against_opencv(array, factor, kernel):
    matrix = np.array([[1, factor, -factor * (HEIGHT - 1) / 2], [0, 1, 0]])
    expected = cv2.warpAffine(
        array, matrix, (WIDTH, HEIGHT), flags=FLAGS[kernel], borderMode=cv2.BORDER_REPLICATE
    )
    off, most = apart(Shear(factor, kernel).apply(batched(array)), expected)
    assert most <= 1
    assert off < 0.1


def tiles(astronaut, corners, side):
    cuts = [astronaut[y : y + side, x : x + side] for y, x in corners]
    pixels = torch.from_numpy(np.stack(cuts)).permute(0, 3, 1, 2).contiguous()
    n = len(corners)
    keys, origins = torch.arange(n), torch.tensor(corners)
    return Batch(pixels, keys, ("p",) * n, origins, None, origins)


OPERATIONS = [
    Resize(0.5),
    Resize(0.7, "bicubic"),
    Resize(0.6, "bicubic", antialias=True),
    Resize(1.3, "bilinear", antialias=True),
    Resize(2.0, "nearest"),
    Rotate(5),
    Rotate(-40, "bicubic"),
    Shear(0.4),
]


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_a_tile_shows_what_the_whole_photograph_would(astronaut, operation):
    """The middle that `side_before` promises is the same in every tile that holds it."""
    side, good = 224, 32
    while good < 128 and operation.side_before(good + 16, False) <= side:
        good += 16
    assert operation.side_before(good, False) <= side
    batch = tiles(astronaut, [(64, 80), (96, 80), (144, 160)], side)
    moved = operation.apply(batch)
    assert moved.size == (side, side)
    assert not (moved.origins % 16).any()
    # A tile with much more around it, moved as one batch of its own.
    wide = 480
    photograph = tiles(astronaut, [(16, 16)], wide)
    large = operation.apply(photograph)
    margin = (side - good) // 2
    compared = 0
    for n in range(len(batch)):
        y, x = (moved.origins[n] - large.origins[0] + margin).tolist()
        middle = moved.pixels[n, :, margin : margin + good, margin : margin + good]
        if 0 <= y <= wide - good and 0 <= x <= wide - good:
            assert torch.equal(middle, large.pixels[0, :, y : y + good, x : x + good])
            compared += 1
    assert compared


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.25])
def test_a_resized_tile_is_a_window_of_the_resized_photograph(astronaut, factor):
    whole = Resize(factor, "bicubic").apply(batched(astronaut)).pixels[0]
    moved = Resize(factor, "bicubic").apply(tiles(astronaut, [(96, 112)], 256))
    margin, good = 80, 64
    y, x = (moved.origins[0] + margin).tolist()
    window = moved.pixels[0, :, margin : margin + good, margin : margin + good]
    assert torch.equal(window, whole[:, y : y + good, x : x + good])


@pytest.mark.parametrize(
    ("make", "values"),
    [
        (Resize, [0.5, 0.8, 1.3]),
        (lambda f: Resize(f, "bicubic", antialias=True), [0.5, 0.8, 1.3]),
        (Rotate, [3, -10, 45]),
        (lambda f: Shear(f, "bicubic"), [0.1, 0.0, 0.4]),
    ],
)
def test_a_value_for_each_tile_in_any_batch(astronaut, make, values):
    batch = tiles(astronaut, [(64, 80), (96, 80), (144, 160)], 160)
    together = make(torch.tensor(values, dtype=torch.float64)).apply(batch)
    for n, value in enumerate(values):
        alone = make(value).apply(batch[n : n + 1])
        assert torch.equal(together.pixels[n], alone.pixels[0])
        assert torch.equal(together.origins[n], alone.origins[0])


def test_the_old_content_stays_in_the_middle(astronaut):
    """To within half a step of the grid that windows lie on."""
    batch = tiles(astronaut, [(64, 80)], 160)
    for operation in OPERATIONS:
        moved = operation.apply(batch)
        (matrix,) = operation.matrices(1)
        centre = matrix @ (batch.origins[0] + 80.0).double()
        assert (moved.origins[0] + 80 - centre).abs().max() <= 8


def test_flat_images_stay_flat():
    for value in (0, 1, 128, 254, 255):
        batch = Batch.of(torch.full((1, 1, 40, 50), value, dtype=torch.uint8))
        for operation in OPERATIONS:
            assert (operation.apply(batch).pixels == value).all()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Resize(0), "resize takes a factor new / old from 0.1 to 8, not 0"),
        (lambda: Resize(True), "not True"),
        (lambda: Resize(0.5, "lanczos"), "nearest, bilinear, bicubic, not lanczos"),
        (lambda: Resize(0.5, "nearest", antialias=True), "choose bilinear or bicubic"),
        (lambda: Resize(0.5, "bilinear", antialias=1), "antialias=true or false, not 1"),
        (lambda: Rotate(400), "rotate takes degrees from -360 to 360, not 400"),
        (lambda: Rotate(5, "cubic"), "not cubic"),
        (lambda: Shear(float("inf")), "shear takes a factor from -2 to 2, not inf"),
    ],
)
def test_values_out_of_their_domain(make, words):
    with pytest.raises(ForensicsError) as error:
        make()
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_whole_images_that_would_become_ragged_or_nothing():
    batch = Batch.of(torch.zeros(2, 1, 4, 40, dtype=torch.uint8))
    with pytest.raises(ForensicsError, match="one factor for all"):
        Resize(torch.tensor([0.5, 0.6])).apply(batch)
    with pytest.raises(ForensicsError, match="leaves nothing of 40 x 4"):
        Resize(0.1).apply(batch)
