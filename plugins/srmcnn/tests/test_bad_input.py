"""What nothing can be said of is n/a with the reason."""

import pytest
import torch

import forensics
from forensics.errors import ForensicsError
from forensics.plugin import Batch
from forensics_srmcnn.models import blank


def test_constant_and_saturated_are_reasons_and_no_numbers():
    torch.manual_seed(0)
    pixels = torch.randint(1, 255, (4, 1, 64, 64), dtype=torch.uint8)
    pixels[1] = 77
    pixels[2] = 255
    pixels[2, 0, :4, :8] = 100  # 32 of 4,096 pixels are not white
    assert blank(pixels[:, 0]) == (None, "constant", "saturated", None)
    scores = forensics.load("srmsvm-median").score(Batch.of(pixels))
    assert scores.reasons == (None, "constant", "saturated", None)
    assert scores.values.isnan().tolist() == [False, True, True, False]


def test_small_patches_are_refused_beforehand():
    needs = forensics.load("srmcnn-median").needs
    assert needs.refusal(1, 63, 200, False) == "smaller than 64 x 64"
    assert needs.refusal(3, 64, 64, False) is None


def test_a_strength_that_there_is_not():
    with pytest.raises(ForensicsError, match=r"gaussian is any, 1\.1, 0\.75 or 0\.5"):
        forensics.load("srmsvm-gaussian:strength=0.6")
