"""p-maps and the peaks of their spectra: by hand, and where the literature says that peaks lie."""

import numpy as np
import pytest
import torch
from skimage import data
from skimage.transform import rescale

from forensics.batch import Batch
from forensics.histories.operations import JpegCompression, Resize
from forensics_resampling import pmaps, spectrum


@pytest.fixture(scope="module")
def photograph():
    return torch.from_numpy(data.camera()).float()


def enlarged(image, factor, kernel="bilinear"):
    batch = Batch.of(image.to(torch.uint8)[None, None])
    return Resize(factor, kernel).apply(batch).pixels[0, 0].float()


def test_linear_map_by_hand():
    gray = torch.tensor([[[4.0, 8, 2], [6, 7, 5], [0, 3, 1]]])
    predicted = 0.5 * (8 + 6 + 5 + 3) - 0.25 * (4 + 2 + 0 + 1)
    assert pmaps.linear(gray).item() == pytest.approx(np.exp(-((7 - predicted) ** 2)))


def test_a_plane_is_its_neighbours_sum():
    ramp = torch.arange(20.0)[None, :, None] + 3 * torch.arange(20.0)
    assert (pmaps.linear(ramp) == 1).all()
    assert (pmaps.expectation_maximisation(ramp) > 0.95).all()


def test_expectation_maximisation_finds_every_second_pixel():
    """Each odd column is the mean of its neighbours, the even ones are noise."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 32))
    image = np.zeros((64, 63))
    image[:, ::2] = noise
    image[:, 1::2] = (noise[:, 1:] + noise[:, :-1]) / 2
    found = pmaps.expectation_maximisation(torch.from_numpy(image)[None].float())[0]
    odd, even = found[:, 1::2], found[:, ::2]  # the map begins two columns in
    assert odd.mean() > 0.9
    assert even.mean() < 0.3


def test_a_large_picture_in_strips(photograph, monkeypatch):
    patch = enlarged(photograph[:64, :64], 1.5)[None, :90, :90]
    whole = pmaps.expectation_maximisation(patch)
    monkeypatch.setattr(pmaps, "_TOGETHER", 86 * 11)
    torch.testing.assert_close(pmaps.expectation_maximisation(patch), whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize("factor", [1.1, 1.2, 1.3, 1.5, 1.8])
def test_peak_lies_at_the_inverse_factor(photograph, factor):
    """Popescu and Farid: at 1 / factor modulo 1, folded to 0..0.5."""
    patch = enlarged(photograph[:256, :256], factor)[None, :256, :256]
    found = spectrum.ratios(pmaps.linear(patch))[0]
    axis = found[0, : found.shape[1] // 2 + 1].clone()
    axis[: int(0.03 * found.shape[1]) + 1] = 0
    place = axis.argmax().item() / found.shape[1]
    expected = abs(1 / factor - round(1 / factor))
    assert place == pytest.approx(expected, abs=1.5 / found.shape[1])


def test_factor_2_with_half_pixel_centres_leaves_no_peak(photograph):
    """All new pixels lie 1/4 beside old ones; with corners aligned every second is an old one."""
    half = enlarged(photograph[:128, :128], 2.0)[None, :254, :254]
    corners = torch.zeros(254, 254)
    old = photograph[:127, :127]
    corners[::2, ::2] = old
    corners[1::2, ::2] = (old + photograph[1:128, :127]) / 2
    corners[::2, 1::2] = (old + photograph[:127, 1:128]) / 2
    corners[1::2, 1::2] = (
        old + photograph[1:128, :127] + photograph[:127, 1:128] + photograph[1:128, 1:128]
    ) / 4
    centred, aligned = (
        spectrum.peak(spectrum.ratios(pmaps.linear(one)), False).item()
        for one in (half, corners[None].round())
    )
    assert aligned > centred + 0.3


def test_jpeg_lines_are_not_looked_at(photograph):
    """A JPEG's own grid stands out; masked, its score falls to that of others."""
    batch = Batch.of(photograph.to(torch.uint8)[None, None])
    saved = JpegCompression(60).apply(batch).pixels[:, 0].float()[:, :256, :256]
    found = spectrum.ratios(pmaps.linear(saved))
    assert spectrum.peak(found, False) > spectrum.peak(found, True) + 0.5


def test_an_earlier_grid_is_found_where_it_was_moved_to(photograph):
    batch = Batch.of(photograph[:200, :200].to(torch.uint8)[None, None])
    once = JpegCompression(70).apply(batch)
    larger = Resize(1.3).apply(once).pixels[:, 0].float()[:, :256, :256]
    factors = torch.linspace(1.1, 2, 19)
    found = spectrum.comb(spectrum.ratios(pmaps.linear(larger)), factors)[0]
    assert factors[found.argmax()].item() == pytest.approx(1.3, abs=0.01)


def test_constant_maps_have_no_peak():
    assert spectrum.peak(spectrum.ratios(torch.ones(2, 64, 64)), True).isnan().all()


def test_enlarged_scores_higher_than_untouched(photograph):
    """Also where scikit-image resized, whose kernel and centres are its own."""
    larger = torch.from_numpy(np.round(rescale(photograph.numpy(), 1.2, order=1))).float()
    scores = [
        spectrum.peak(spectrum.ratios(pmaps.linear(one[None, 100:228, 100:228])), False)
        for one in (photograph, larger)
    ]
    assert scores[1] > scores[0] + 0.5
