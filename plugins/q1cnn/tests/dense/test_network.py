"""DenseNet-40: its size, and what it looks at."""

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from torch import nn

from forensics.batch import Batch
from forensics_q1cnn.dense.network import DenseNet40, shown, windows


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("channels", "trainable", "all_values"), [(1, 1_157_578, 1_176_298), (3, 1_158_010, 1_176_730)]
)
def test_it_has_the_parameters_of_the_paper(channels, trainable, all_values):
    network = DenseNet40(226, channels)
    assert parameters(network) == trainable
    assert parameters(network.last) == 103_282
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    assert trainable + sum(2 * norm.num_features for norm in norms) == all_values
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) + 1 == 40


def test_weights_say_what_network_they_belong_to():
    torch.manual_seed(0)
    network = DenseNet40(15, 3).eval()
    again = DenseNet40.of(network.state_dict()).eval()
    pixels = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(again(pixels), network(pixels))


def test_the_first_block_begins_linear():
    """What it gives for the sum of two pictures is the sum of what it gives for each."""
    torch.manual_seed(0)
    network = DenseNet40(15).begin(torch.zeros(15)).eval()
    for filters in network.first.weight[:, 0]:
        assert float(filters.detach().sum().abs()) < 1e-6
    a, b = torch.rand(2, 1, 1, 32, 32)
    whole, first, second = (network.trunk[0](network.first(x)) for x in (a + b, a, b))
    assert first.std() > 0.1
    torch.testing.assert_close(whole, first + second, rtol=1e-3, atol=1e-3)


def test_it_begins_with_its_biases():
    biases = torch.arange(15.0) + 1
    network = DenseNet40(15).begin(biases).train()
    spread = network(torch.rand(8, 1, 32, 32)).detach() - biases
    assert spread.abs().mean() < 0.5


def test_luma_is_that_of_pillow():
    picture = data.astronaut()[:64, 100:164]
    batch = Batch.of(torch.from_numpy(picture.copy()).permute(2, 0, 1)[None])
    luma = np.asarray(Image.fromarray(picture).convert("L"))
    np.testing.assert_array_equal((shown(batch, 1)[0, 0] * 255).round().numpy(), luma)
    assert shown(batch, 3).shape == (1, 3, 64, 64)


def test_a_gray_image_has_three_equal_channels():
    batch = Batch.of(torch.from_numpy(data.camera()[None, None, :64, :64].copy()))
    colours = shown(batch, 3)
    assert torch.equal(colours[:, 0], colours[:, 2])
    torch.testing.assert_close(colours[:, :1], shown(batch, 1))


def test_windows_lie_side_by_side():
    planes = torch.arange(2 * 1 * 10 * 13).reshape(2, 1, 10, 13)
    cut = windows(planes, 4)
    assert cut.shape == (2, 6, 1, 4, 4)
    assert torch.equal(cut[1, 4], planes[1, :, 4:8, 4:8])


def test_of_many_windows_some_rows_and_columns_are_taken():
    rows, columns = torch.meshgrid(torch.arange(17.0), torch.arange(16.0), indexing="ij")
    number = (16 * rows + columns).repeat_interleave(4, 0).repeat_interleave(4, 1)[None, None]
    assert windows(number[:, :, :-4], 4).shape[1] == 256
    expected = [16 * row + column for row in range(0, 17, 2) for column in range(0, 16, 2)]
    assert windows(number, 4)[0, :, 0, 0, 0].tolist() == expected  # 72 of 272
