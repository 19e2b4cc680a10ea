"""The compiled path of a CPU gives what the tensor path gives, pixel by pixel."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from forensics import device
from forensics.batch import Batch
from forensics.histories.operations import Gaussian, Median, Resize, Rotate, Shear, WhiteNoise
from forensics.histories.operations.resize import between


@pytest.fixture
def tensor_path(monkeypatch):
    """Apply an operation as a GPU would, on the CPU."""

    def apply(act, *arguments):
        with monkeypatch.context() as patch:
            patch.setattr(device, "compiled", lambda values: False)
            return act(*arguments)

    return apply


def reals(*values):
    return torch.tensor(values, dtype=torch.float64)


KERNELS = ("nearest", "bilinear", "bicubic")
FILTERS = [
    *(Median(k) for k in (1, 3, 5, 7, 9, 15)),
    Median(torch.tensor([3, 7, 5])),
    *(Gaussian(s) for s in (0.1, 0.5, 0.8, 1.1, 4.0)),
    Gaussian(1.0, 3),
    Gaussian(reals(0.3, 3.0, 1.1)),
    *(WhiteNoise(s) for s in (0, 0.5, 2.0, 300.0)),
    WhiteNoise(reals(0.3, 3.0, 11.0)),
]
MOVES = [
    *(Resize(f, k) for f in (0.1, 0.37, 0.8, 1.0, 1.3, 8) for k in KERNELS),
    *(Resize(f, k, True) for f in (0.1, 0.6, 0.8, 1.3) for k in KERNELS[1:]),
    *(Rotate(d, k) for d in (0, -7, 45, 90, 359.5) for k in KERNELS),
    *(Shear(f, k) for f in (0.1, -2) for k in KERNELS),
]
TILES = [
    *(Resize(reals(0.3, 0.8, 1.7), k) for k in KERNELS),
    *(Resize(reals(0.3, 0.8, 1.7), k, True) for k in KERNELS[1:]),
    *(Rotate(reals(3, -10, 45), k) for k in KERNELS),
    *(Shear(reals(0.1, 0.0, 0.4), k) for k in KERNELS),
]


def pictures(astronaut, channels):
    """A photograph, noise, and noise of the two ends of the range; of odd sides."""
    generator = torch.Generator().manual_seed(3)
    noise = torch.randint(0, 256, (2, channels, 67, 91), generator=generator).to(torch.uint8)
    noise[1] = (noise[1] > 127) * 255
    whole = torch.from_numpy(np.ascontiguousarray(astronaut[100:167, 200:291, :channels]))
    return torch.cat([whole.permute(2, 0, 1)[None], noise])


def as_tiles(batch):
    origins = torch.tensor([[48, 2000], [0, 0], [160, 32]])
    return Batch(batch.pixels, batch.keys, batch.photographs, batch.positions, None, origins)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("operation", [*FILTERS, *MOVES], ids=str)
def test_both_paths_are_one(astronaut, tensor_path, operation, channels):
    batch = Batch.of(pictures(astronaut, channels))
    before = batch.pixels.clone()
    found, expected = operation.apply(batch), tensor_path(operation.apply, batch)
    assert torch.equal(found.pixels, expected.pixels)
    assert torch.equal(batch.pixels, before)


@pytest.mark.parametrize("operation", [*FILTERS[-5:], *TILES], ids=str)
def test_both_paths_are_one_on_tiles_with_a_value_each(astronaut, tensor_path, operation):
    batch = as_tiles(Batch.of(pictures(astronaut, 3)))
    found, expected = operation.apply(batch), tensor_path(operation.apply, batch)
    assert torch.equal(found.pixels, expected.pixels)
    assert torch.equal(found.origins, expected.origins)


def test_both_paths_are_one_between_sizes(astronaut, tensor_path):
    pixels = pictures(astronaut, 3)
    for size in ((60, 82), (67, 91), (80, 100)):
        assert torch.equal(between(pixels, size), tensor_path(between, pixels, size))


@pytest.mark.parametrize("operation", [Median(5), Gaussian(2.0), Resize(0.5), Rotate(8)], ids=str)
def test_images_smaller_than_the_neighbourhood(tensor_path, operation):
    sides = [(5, 1), (4, 7), (2, 2)] if not isinstance(operation, Gaussian) else [(7, 7)]
    for height, width in sides:
        pixels = torch.arange(2 * height * width).view(2, 1, height, width).to(torch.uint8) * 7
        if isinstance(operation, Resize) and 1 in (height, width):
            continue
        batch = Batch.of(pixels)
        expected = tensor_path(operation.apply, batch).pixels
        assert torch.equal(operation.apply(batch).pixels, expected)


def test_more_threads_and_strange_strides_change_nothing(astronaut):
    """Enough pixels for two threads; columns and rows exchanged, as a view."""
    pixels = torch.from_numpy(astronaut).permute(2, 1, 0)[:, None].repeat(3, 1, 1, 1)
    batch, copied = Batch.of(pixels), Batch.of(pixels.contiguous())
    threads = torch.get_num_threads()
    try:
        for operation in (Median(3), Median(5), Gaussian(1.0), WhiteNoise(2.0), Resize(0.8)):
            torch.set_num_threads(1)
            expected = operation.apply(copied).pixels
            torch.set_num_threads(3)
            assert torch.equal(operation.apply(batch).pixels, expected)
    finally:
        torch.set_num_threads(threads)


MEMORY = """
import resource, torch
from forensics import device
from forensics.batch import Batch
from forensics.histories.operations import Resize, Rotate
device.compiled = lambda values: False
def peak(side):
    pixels, zeros = torch.zeros(64, 1, side, side, dtype=torch.uint8), torch.zeros(64, 2).long()
    tiles = Batch(pixels, torch.arange(64), ("p",) * 64, zeros, None, zeros)
    for operation in (Resize(0.8, "bicubic"), Rotate(5)):
        operation.apply(tiles)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(-peak(16) + peak(448))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts pages as Linux does")
def test_a_large_batch_of_large_tiles_takes_little_memory_on_the_tensor_path():
    """64 tiles of 448 x 448 are 13 MB, and were gigabytes when they moved all at once."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    line = [sys.executable, "-c", MEMORY]
    done = subprocess.run(line, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 300_000  # kilobytes
