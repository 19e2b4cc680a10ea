"""What all estimators have in common: windows and decoding."""

import pytest
import torch

import forensics
from forensics.errors import ForensicsError
from forensics_mpernet.answers import expected, windows


@pytest.mark.parametrize(
    ("height", "width", "count", "sides"),
    [
        (128, 128, 1, (128, 128)),
        (200, 135, 1, (200, 128)),
        (256, 256, 1, (256, 256)),
        (264, 300, 4, (256, 256)),
        (512, 512, 4, (256, 256)),
        (600, 130, 3, (256, 128)),
    ],
)
def test_windows_begin_on_the_grid_and_cover_the_patch(height, width, count, sides):
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    found = windows((1000 * rows + columns)[None])
    assert found.shape == (1, count, *sides)
    assert (found[0, :, 0, 0] // 1000 % 8 == 0).all()
    assert (found[0, :, 0, 0] % 1000 % 8 == 0).all()
    whole = (height // 8 * 8) * (width // 8 * 8)
    assert len(found.unique()) == whole


def test_expected_by_hand():
    classes = torch.tensor([0.5, 0.6, 0.7, 0.8])
    logits = torch.tensor([[0.0, 0.25, 0.5, 0.25], [0.6, 0.2, 0.1, 0.1]]).log()
    # 0.6, 0.7 and 0.8 in the shares 1 : 2 : 1; 0.5 and 0.6 in the shares 3 : 1.
    assert expected(classes, logits).tolist() == pytest.approx([0.7, 0.525])


def test_decode_is_checked():
    with pytest.raises(ForensicsError, match="best or mean"):
        forensics.load("mperfast-bicubic:decode=median")
