"""`mperfast`: windows, decoding, its network."""

import pytest
import torch

import forensics
from forensics.errors import ForensicsError
from forensics.jpeg import compress, decode
from forensics.plugin import Batch
from forensics_mpernet.fast import Perceptron, expected, perceptron, windows


def compressed(pixels, quality=90):
    jpeg = compress(pixels, quality)
    return Batch.of(decode(jpeg), jpeg)


@pytest.mark.parametrize(
    ("height", "width", "count"), [(128, 128, 1), (256, 256, 4), (200, 300, 6)]
)
def test_windows_lie_on_the_grid_within_the_patch(height, width, count):
    rows = torch.arange(height)[:, None] // 8 % 32 * 8 + torch.zeros(width, dtype=torch.int64)
    pixels = rows.to(torch.uint8)[None, None]  # each row of blocks has a level of its own
    batch = compressed(pixels, 100)
    luma, steps = windows(batch)
    assert luma.shape == (1, count, 128, 128)
    assert steps.shape == (1, 64)
    blocks = luma[0].unflatten(1, (16, 8))
    assert (blocks.amax(2) - blocks.amin(2)).max() < 3  # no window cuts a block


def test_expected_by_hand():
    classes = torch.tensor([0.5, 0.6, 0.7, 0.8])
    logits = torch.tensor([[0.0, 0.25, 0.5, 0.25], [0.6, 0.2, 0.1, 0.1]]).log()
    # 0.6, 0.7 and 0.8 in the shares 1 : 2 : 1; 0.5 and 0.6 in the shares 3 : 1.
    assert expected(classes, logits).tolist() == pytest.approx([0.7, 0.525])


def test_a_network_comes_back_from_its_state():
    torch.manual_seed(0)
    made = Perceptron(torch.randn(9), torch.rand(9) + 0.5, 8, 3).eval()
    again = perceptron(made.state_dict())
    again.load_state_dict(made.state_dict())
    features = 3 * torch.randn(5, 9)
    found = made(features)
    assert torch.equal(again.eval()(features), found)
    # The same as its layers say, in single precision.
    assert torch.allclose(made.layers(made.standard(features)), found, atol=1e-5)


def test_decode_is_checked():
    with pytest.raises(ForensicsError, match="best or mean"):
        forensics.load("mperfast-bicubic:decode=median")
