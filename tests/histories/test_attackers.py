"""The core's simple attackers: what they are, on any batch, in any tile."""

import numpy as np
import pytest
import torch

from forensics import bench
from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.histories.operations import Gaussian, JpegCompression, Median
from forensics.models import selection

NAMES = ("median3", "blur", "noise", "resave-90", "resave-75", "resize-back")
# What each is made of, where that draws nothing.
SAME = {
    "median3": Median(3),
    "blur": Gaussian(0.5),
    "resave-90": JpegCompression(90),
    "resave-75": JpegCompression(75),
}


def pictures(astronaut, channels=3):
    cuts = [astronaut[y : y + 96, x : x + 112, :channels] for y, x in ((0, 0), (90, 170))]
    return torch.from_numpy(np.stack(cuts)).permute(0, 3, 1, 2).contiguous()


def create(name):
    return selection.model(name, "attacker").create()


def test_all_are_registered_by_the_core():
    found = selection.registry().all("attacker")
    assert tuple(n for n, r in found.items() if r.distribution == "image-forensics") == NAMES
    assert all(found[name].entry.needs.acts_on == "pixels" for name in NAMES)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_an_attack_keeps_size_input_and_company(astronaut, name, channels):
    batch = Batch.of(pictures(astronaut, channels))
    before = batch.pixels.clone()
    attacked = create(name).apply(batch)
    assert torch.equal(batch.pixels, before)
    assert attacked.pixels.shape == before.shape
    assert attacked.pixels.dtype == torch.uint8
    assert attacked.jpeg is None
    assert not torch.equal(attacked.pixels, before)
    # It is near what it was made from: above 25 dB.
    assert (attacked.pixels.double() - before).square().mean() < 255**2 / 10**2.5
    for n in range(2):
        assert torch.equal(create(name).apply(batch[n : n + 1]).pixels[0], attacked.pixels[n])


@pytest.mark.parametrize("name", SAME)
def test_an_attacker_is_its_operation(astronaut, name):
    batch = Batch.of(pictures(astronaut))
    assert torch.equal(create(name).attack(batch), SAME[name].apply(batch).pixels)


def test_noise_is_white_and_of_two_grey_levels():
    flat = Batch.of(torch.full((2, 3, 256, 256), 128, dtype=torch.uint8))
    noise = create("noise").attack(flat).double() - 128
    assert noise.mean().abs() < 0.02
    assert noise.std().item() == pytest.approx((4 + 1 / 12) ** 0.5, abs=0.02)  # and rounding
    for shifted in (noise[..., 1:, :], noise[..., 1:]):
        kept = noise[..., : shifted.shape[-2], : shifted.shape[-1]]
        assert (kept * shifted).mean().abs() < 0.03
    assert (noise[0] * noise[1]).mean().abs() < 0.03


@pytest.mark.parametrize("name", NAMES)
def test_the_border_reaches_no_further_than_a_slot_gives(astronaut, name):
    attacker = create(name)
    assert attacker.margin(True) <= 32
    pixels = pictures(astronaut)
    other = pixels.clone()
    other[..., :8, :] = 255 - other[..., :8, :]
    inner = (..., slice(8 + 24, None), slice(None))
    found = attacker.apply(Batch.of(pixels)).pixels[inner]
    assert torch.equal(found, attacker.apply(Batch.of(other)).pixels[inner])


@pytest.mark.usefixtures("toy")
def test_a_matrix_with_all_of_them(photographs, tmp_path):
    options = {"detectors": "toy-grain", "attack": NAMES, "trace": "median", "limit": 4}
    options |= {"data": str(photographs), "patch": 64}
    with pytest.raises(ForensicsError, match="no model judges median: toy-grain judges jpeg"):
        bench.make(bench.Settings.of(options))
    options |= {"trace": "jpeg"}
    matrix = bench.execute(bench.make(bench.Settings.of(options)), tmp_path / "out")
    assert not matrix.failures
    attacked = [c for c in matrix.cells if c.attack in NAMES]
    assert {c.attack for c in attacked} == set(NAMES)
    assert all(c.n == 4 and c.cost.psnr.value > 20 for c in attacked)
