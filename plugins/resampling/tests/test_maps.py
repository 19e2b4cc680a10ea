"""Maps say of every window what a network says of it alone, whatever the image around it."""

import pytest
import torch

from forensics import progress
from forensics.errors import ForensicsError
from forensics_resampling.constrained import ConstrainedNetwork
from forensics_resampling.maps import maps
from forensics_resampling.mask import Deviation, ResamplingMask
from forensics_resampling.networks import RadonNetwork, mirrored_labels, spec
from forensics_resampling.radon import Radon


@pytest.fixture(scope="module")
def image():
    return torch.rand(90, 112, generator=torch.Generator().manual_seed(0)) * 255


def network(kind):
    torch.manual_seed(0)
    if kind == "fft":
        return ConstrainedNetwork(torch.tensor(1)).eval()
    size = Radon().size
    return RadonNetwork(spec(Radon()), torch.zeros(size), torch.full((size,), 300.0), 16, 0).eval()


@pytest.mark.parametrize("kind", ["radon", "fft"])
@torch.no_grad()
def test_a_cell_is_its_window(image, kind):
    made = network(kind)
    heard = []
    with progress.heard(lambda done, of: heard.append((done, of))):
        found = maps(made, image)
    assert found.shape == (6, 4, 7)
    assert heard == [(1, 4), (2, 4), (3, 4), (4, 4)]
    window = image[None, 16:80, 40:104]
    alone = made(Radon().features(window)[:, 0]) if kind == "radon" else made.both(window)
    torch.testing.assert_close(found[:, 2, 5], alone[0].sigmoid(), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_a_mirror_image_swaps_the_directions(image):
    window = image[None, :64, :64]
    made = network("fft")
    torch.testing.assert_close(made.both(window.flip(2)), mirrored_labels(made.both(window)))


def test_options_that_there_are_not():
    with pytest.raises(ForensicsError, match="stage is one of mask, walker"):
        ResamplingMask("radon", stage="end")
    with pytest.raises(ForensicsError, match="map is one of all, jpegquality"):
        ResamplingMask("radon", map="left")


def test_deviation_scores_a_picture_of_one_history_lower():
    even = torch.rand(6, 30, 30, generator=torch.Generator().manual_seed(1)).double().numpy() * 0.1
    apart = even.copy()
    apart[1:, 5:15, 5:15] += 0.5
    assert Deviation("radon").answer(apart)[2] > Deviation("radon").answer(even)[2] + 0.2
