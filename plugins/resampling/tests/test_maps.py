"""Maps say of every window what a network says of it alone, whatever the image around it."""

import pytest
import torch

from forensics import progress
from forensics.errors import ForensicsError
from forensics_resampling.constrained import ConstrainedNetwork, differences, grown
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
        return ConstrainedNetwork(torch.tensor(1), 3).eval()
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


@torch.no_grad()
def test_a_grown_network_answers_as_before(image):
    small, large = network("fft"), ConstrainedNetwork(torch.tensor(1), 6)
    large.load_state_dict(grown(small.state_dict(), large))
    windows = image[None, :64, :64]
    torch.testing.assert_close(large.eval()(windows), small(windows))


def test_kernels_begin_as_differences_of_the_fourth_order():
    made = ConstrainedNetwork(torch.tensor(1), 3).errors
    made.free.data = differences()
    ramp = torch.arange(9.0)
    cubic = (ramp[:, None] ** 3 + ramp**3 + ramp[:, None] * ramp**2)[None, None]
    assert made(cubic).abs().max() < 1e-2  # of cubics nothing is left
    quartic = (ramp[:, None] * 0 + ramp**4)[None, None]
    # Fourth differences of x^4 are 24, over the centre's 6 (across) and 20 (biharmonic).
    found = made(quartic)[0, :, 0, 0].tolist()
    assert found == pytest.approx([-24 / 20, -4, 0], abs=1e-2)


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
