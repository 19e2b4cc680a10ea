"""The DCT off its grid against scipy's, block by block."""

import numpy as np
import pytest
import torch
from scipy.fft import dctn

from forensics.jpeg import block_dct
from forensics.nn import phase_dct, sliding_dct


@pytest.fixture
def planes():
    return torch.from_numpy(np.random.default_rng(0).normal(0, 50, (2, 25, 32)))


def test_every_phase_against_scipy(planes):
    everywhere = sliding_dct(planes)
    assert everywhere.shape == (2, 18, 25, 8, 8)
    for row in range(8):
        for column in range(8):
            found = phase_dct(planes, row, column)
            assert found.shape == (2, (25 - row) // 8, (32 - column) // 8, 8, 8)
            for i in range(found.shape[1]):
                for j in range(found.shape[2]):
                    y, x = row + 8 * i, column + 8 * j
                    block = planes[:, y : y + 8, x : x + 8].numpy()
                    expected = dctn(block, axes=(1, 2), norm="ortho")
                    np.testing.assert_allclose(found[:, i, j].numpy(), expected, atol=1e-10)
            torch.testing.assert_close(everywhere[:, row::8, column::8], found)


def test_phase_0_is_the_jpeg_grid(planes):
    assert torch.equal(phase_dct(planes, 0, 0), block_dct(planes[:, :24]))


def test_gradients(planes):
    few = planes[:1, :10, :11].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: phase_dct(x, 1, 3), few)
    assert torch.autograd.gradcheck(sliding_dct, few)


@pytest.mark.parametrize("phase", [(8, 0), (0, -1)])
def test_a_phase_that_does_not_exist(planes, phase):
    with pytest.raises(ValueError, match="no phase"):
        phase_dct(planes, *phase)
