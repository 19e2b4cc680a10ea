"""The features against scipy, numpy and values counted by hand."""

import numpy as np
import pytest
import torch
from scipy.fft import dctn

from forensics.jpeg import standard_tables
from forensics.jpeg.transform import block_idct
from forensics.plugin import Batch, Trace
from forensics_mpernet.features import GROUPS, features
from forensics_mpernet.features.blocks import dct32, grid, jpeg
from forensics_mpernet.features.levels import noise
from forensics_mpernet.features.neighbours import local, words
from forensics_mpernet.features.spectra import period


def textured(count, seed=0, side=128):
    """Noise with a spectrum like a photograph's, float32 of 0..255."""
    generator = np.random.default_rng(seed)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    frequency[0, 0] = 1
    spectra = np.fft.fft2(generator.normal(size=(count, side, side))) / frequency
    spectra[:, 0, 0] = 0
    images = np.fft.ifft2(spectra).real
    images = 128 + 40 * images / images.std((1, 2), keepdims=True)
    return torch.from_numpy(images.round().clip(0, 255)).float()


STEPS = standard_tables(90, 1).flatten(1).float()


@pytest.mark.parametrize("group", GROUPS)
def test_a_window_and_its_transpose_have_the_same_features(group):
    luma = textured(2)
    found = features(luma, STEPS.expand(2, 64), [group])
    turned = STEPS.reshape(1, 8, 8).mT.flatten(1).expand(2, 64)
    assert torch.allclose(features(luma.mT, turned, [group]), found, atol=2e-5)
    assert found.isfinite().all()


@pytest.mark.parametrize("level", [0.0, 128.0, 255.0])
def test_constant_windows_have_finite_features(level):
    luma = torch.full((1, 128, 128), level)
    assert features(luma, STEPS, GROUPS).isfinite().all()


def test_dct32_agrees_with_scipy():
    luma = textured(1)
    blocks = (
        luma[0].double().numpy().reshape(4, 32, 4, 32).transpose(0, 2, 1, 3).reshape(16, 32, 32)
    )
    energy = dctn(blocks, axes=(1, 2), norm="ortho") ** 2
    whole = energy.sum((1, 2)) - energy[:, 0, 0] + 50
    logs = np.log((energy / whole[:, None, None]).mean(0) + 1e-6)
    logs[0, 0] = np.log(whole.mean())
    rows, columns = np.triu_indices(32)
    expected = (logs[rows, columns] + logs[columns, rows]) / 2
    assert np.allclose(dct32(luma)[0].numpy(), expected, atol=2e-3)


def test_jpeg_counts_levels():
    levels = torch.zeros(1, 16, 16, 8, 8)
    levels[:, :8, :, 0, 1] = 1  # in half of the blocks
    levels[:, :, :, 3, 3] = 2
    luma = block_idct(levels * STEPS.reshape(8, 8)) + 128
    zero, one = jpeg(luma, STEPS)[0].split(36)[1:3]
    where = {pair: i for i, pair in enumerate(zip(*np.triu_indices(8), strict=True))}
    # Each place stands for itself and for its transpose, where there is nothing.
    assert zero[where[0, 1]] == pytest.approx((np.sqrt(0.5) + 1) / 2, abs=1e-4)
    assert one[where[0, 1]] == pytest.approx(np.sqrt(0.5) / 2, abs=1e-4)
    assert zero[where[3, 3]] == pytest.approx(0, abs=1e-4)


def test_grid_sees_where_blocks_end():
    levels = torch.arange(256.0).reshape(1, 16, 16) * 7 % 91
    luma = levels.repeat_interleave(8, 1).repeat_interleave(8, 2)
    first = grid(luma)[0, :8]
    assert first.argmax() == 7
    assert first[:7].abs().max() == 0


def test_words_are_counted_by_hand():
    image = torch.tensor(
        [[[0, 1, 2, 2]]], dtype=torch.uint8
    )  # of 3 levels; words of two: 01, 12, 22
    found = words(image, 3, 2, along=True)[0]
    # Classes: 00 and 22; 01, 10, 21 and 12; 02 and 20; 11.
    assert sorted(found.tolist(), reverse=True) == pytest.approx([2 / 3, 1 / 3, 0, 0])


def test_autocorrelation_agrees_with_numpy():
    luma = textured(1, seed=3)
    values = []
    for image in (luma[0].numpy(), luma[0].numpy().T):
        d = np.diff(image, axis=1)
        values.append((d[:, 2:] * d[:, :-2]).mean() / ((d * d).mean() + 0.05))
    assert local(luma)[0, 1] == pytest.approx(np.mean(values), abs=1e-4)


def test_noise_counts_what_is_clipped():
    luma = torch.full((1, 128, 128), 100.0)
    luma[0, :32] = 0
    luma[0, 32:40] = 254
    found = noise(luma)[0]
    black, white = found[16:21], found[21:26]
    assert torch.allclose(black, torch.full((5,), 0.5))
    assert torch.allclose(white, torch.tensor([0, 8 / 128, 8 / 128, 8 / 128, 8 / 128]).sqrt())


@pytest.mark.parametrize(("factor", "bin"), [(1.25, 50), (1.5, 84)])
def test_a_resized_texture_has_a_peak_at_its_period(factor, bin):
    """Enlarged by f, the interpolation repeats f pixels apart: at 1 - 1 / f cycles a pixel."""
    source = textured(8, seed=5, side=256).to(torch.uint8)[:, None]
    trace = Trace("up", (("altered", f"resize({factor})"),), (), "pixels", ())
    resized = trace.history("altered").fill(None).apply(Batch.of(source), {}).pixels[:, 0]
    after, before = (
        period(one[:, 40:168, 40:168].float())[:, 127:254].mean(0)
        for one in (resized, source[:, 0])
    )
    assert abs(int(after[4:122].argmax()) + 4 - bin) <= 1
    assert after[bin - 1 : bin + 2].max() > before[bin - 1 : bin + 2].max() + 0.5
