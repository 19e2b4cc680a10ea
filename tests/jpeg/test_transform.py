"""The float side: transforms, differentiable decoding, and how far rounding carries."""

import io
from dataclasses import replace

import numpy as np
import pytest
import scipy.fft
import skimage.data
import torch
from PIL import Image

from forensics.jpeg import (
    ZIGZAG,
    block_dct,
    block_idct,
    compress,
    decode,
    decode_float,
    decode_luma,
)


def test_block_dct_is_scipys():
    planes = torch.randn(2, 16, 24, dtype=torch.float64)
    blocks = planes.numpy().reshape(2, 2, 8, 3, 8).swapaxes(2, 3)
    expected = scipy.fft.dctn(blocks, axes=(-2, -1), norm="ortho")
    np.testing.assert_allclose(block_dct(planes).numpy(), expected, atol=1e-12)
    torch.testing.assert_close(block_idct(block_dct(planes)), planes)


def test_block_dct_wants_whole_blocks():
    with pytest.raises(ValueError, match="12 x 16"):
        block_dct(torch.zeros(1, 12, 16))


def test_block_dct_ignores_autocast():
    planes = 255 * torch.rand(2, 32, 32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert (block_dct(planes) - block_dct(planes.double())).abs().max() < 1e-3


def test_zigzag():
    """The order in which T.81, figure A.6, numbers the first and last coefficients."""
    assert ZIGZAG[:10].tolist() == [0, 1, 8, 16, 9, 2, 3, 10, 17, 24]
    assert ZIGZAG[-4:].tolist() == [47, 55, 62, 63]
    assert sorted(ZIGZAG.tolist()) == list(range(64))


@pytest.mark.parametrize("sampling", ["gray", "4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("size", [(11, 19), (9, 3)])
def test_gradients(sampling, size):
    pixels = torch.randint(0, 256, (1, 1 if sampling == "gray" else 3, *size), dtype=torch.uint8)
    jpeg = compress(pixels, 95, sampling)
    levels = [c.double().requires_grad_() for c in jpeg.coefficients]

    def decoded(*coefficients):
        return decode_float(replace(jpeg, coefficients=coefficients))

    assert torch.autograd.gradcheck(decoded, levels, fast_mode=True)
    planes = torch.randn(1, 8, 16, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(block_dct, planes)


def test_a_basis_made_in_inference_mode_still_trains():
    with torch.inference_mode():
        block_dct(torch.zeros(1, 8, 8, dtype=torch.float16).float())
    planes = torch.ones(1, 8, 8, requires_grad=True)
    block_dct(planes)[0, 0, 0, 0, 0].backward()
    torch.testing.assert_close(planes.grad, torch.full((1, 8, 8), 0.125))


def test_rounding_noise_of_gray():
    """Away from flat and clipped blocks the decoder's error is that of rounding to integers,
    1/12, and of its first pass, 1/1536: 0.0840."""
    photograph = torch.from_numpy(skimage.data.camera())[None, None]
    jpeg = compress(photograph, 75)
    exact, error = decode_float(jpeg), decode(jpeg) - decode_float(jpeg)
    assert exact.dtype == torch.float32
    busy = (jpeg.coefficients[0] != 0).sum((-2, -1)) > 15
    inside = ((exact > 1) & (exact < 254))[:, 0].view(1, 64, 8, 64, 8).all(4).all(2)
    chosen = (busy & inside).repeat_interleave(8, 1).repeat_interleave(8, 2)
    errors = error[:, 0][chosen]
    assert errors.numel() > 20_000
    assert float(errors.var()) == pytest.approx(1 / 12 + 1 / 1536, abs=0.001)
    assert float(errors.abs().max()) <= 0.59


@pytest.mark.parametrize(
    ("sampling", "chroma_roundings"), [("4:4:4", 1), ("4:2:2", 2), ("4:2:0", 2)]
)
def test_float_colour_differs_from_pixels_by_rounding_only(sampling, chroma_roundings):
    """Where nothing clips: each rounding adds at most 1/12, chroma's times the weight squared
    with which Cb and Cr enter R, G and B (T.871)."""
    photograph = torch.from_numpy(skimage.data.astronaut())[:401, :367].permute(2, 0, 1)[None]
    jpeg = compress(64 + photograph // 2, 90, sampling)
    error = (decode_float(jpeg) - decode(jpeg)).transpose(0, 1).flatten(1)
    weights = torch.tensor([1.402**2, 0.344136**2 + 0.714136**2, 1.772**2])
    bound = (2 + chroma_roundings * weights) / 12
    assert (error.var(1) < 1.05 * bound).all()
    assert (error.mean(1).abs() < 0.05).all()
    assert float(error.abs().max()) < 3


def test_luma_is_the_inverse_transform_of_the_first_component():
    photograph = torch.from_numpy(skimage.data.astronaut())[:43, :61].permute(2, 0, 1)[None]
    jpeg = compress(64 + photograph // 2, 80, "4:2:0")
    found, whole = decode_luma(jpeg), decode_luma(jpeg, whole_blocks=True)
    assert (found.dtype, found.shape, whole.shape) == (torch.float32, (1, 43, 61), (1, 48, 64))
    assert torch.equal(whole[:, :43, :61], found)
    levels, steps = jpeg.coefficients[0][0, 2, 3].numpy(), jpeg.tables[0, 0].numpy()
    block = scipy.fft.idctn(levels * steps.astype(float), norm="ortho") + 128
    np.testing.assert_allclose(whole[0, 16:24, 24:32].numpy(), block, atol=1e-3)
    file = io.BytesIO()
    Image.fromarray((64 + photograph // 2)[0].permute(1, 2, 0).numpy()).save(
        file, "JPEG", quality=80
    )
    opened = Image.open(file)
    opened.draft("L", opened.size)  # libjpeg's luma plane, before colours are converted
    assert np.abs(np.asarray(opened) - found[0].numpy()).max() < 0.6
