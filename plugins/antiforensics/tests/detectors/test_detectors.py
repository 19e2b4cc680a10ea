"""The six detectors against hand-made images and against plain numpy written from the papers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.fft import idctn
from skimage import data

import forensics
from forensics.batch import Batch
from forensics.models.interfaces import Detector
from forensics_antiforensics.detectors import KF, KL, KQF, KU1, KU2, KV, variation

from . import reference

NAMES = ("kl", "kf", "ku1", "ku2", "kqf", "kv", "ku1:relative=true", "ku2:relative=true")
DETECTORS = [forensics.load(name) for name in NAMES]
SLOW = {
    KL: reference.kl,
    KF: reference.kf,
    KU1: lambda image: reference.ku(image, 1),
    KU2: lambda image: reference.ku(image, 2),
    KQF: reference.kqf,
    KV: lambda image: reference.kv(image) / image.size,
}

every = pytest.mark.parametrize("detector", DETECTORS, ids=repr)


def pixels(*images: np.ndarray) -> torch.Tensor:
    """uint8 `[N, C, H, W]` of N arrays `[H, W]` or `[H, W, 3]`."""
    stacked = torch.from_numpy(np.stack([np.atleast_3d(image) for image in images]))
    return stacked.movedim(3, 1).contiguous()


def score(detector: Detector, *images: np.ndarray) -> torch.Tensor:
    return detector.score(Batch.of(pixels(*images))).values


def photographs() -> list[np.ndarray]:
    """Gray 64 x 64: a natural patch, two JPEG ones, a patch with saturated blocks, noise."""
    camera, coins = data.camera(), data.coins()
    bright = np.clip(camera[200:264, 100:164].astype(int) * 2, 0, 255).astype(np.uint8)
    noise = np.random.default_rng(3).integers(1, 255, (64, 64), dtype=np.uint8)
    patch = camera[80:144, 200:264]
    return [
        patch,
        reference.jpeg(patch, 60),
        reference.jpeg(coins[100:164, 100:164], 85),
        bright,
        noise,
    ]


@pytest.mark.parametrize("kind", SLOW, ids=lambda kind: kind.__name__)
def test_equals_plain_numpy(kind: type[Detector]) -> None:
    images = photographs()
    expected = [SLOW[kind](image) for image in images]
    # K_L divides by variances of nearly constant subbands.
    assert score(kind(), *images).tolist() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("kind", [KU1, KU2])
def test_relative_blockiness_is_signed_and_divided_by_the_shifted_one(kind: type[KU1]) -> None:
    images = photographs()
    power = 1 if kind is KU1 else 2
    own = [reference.blockiness(image, power) for image in images]
    shifted = [reference.blockiness(image[4:, 4:], power) for image in images]
    expected = [(a - b) / b for a, b in zip(own, shifted, strict=True)]
    assert min(expected) < 0 < max(expected)
    assert score(kind(relative=True), *images).tolist() == pytest.approx(expected, rel=1e-5)


def checkerboard(dark: int, light: int) -> np.ndarray:
    """64 x 64 of flat 8 x 8 blocks."""
    board = np.indices((8, 8)).sum(0) % 2
    return np.kron(np.where(board, light, dark), np.ones((8, 8))).astype(np.uint8)


def test_blocking_signature_by_hand() -> None:
    # Every middle is 0, every corner 4 * 10 / 2: the histograms do not meet at all.
    assert score(KF(), checkerboard(100, 110)).item() == 2
    ramp = np.add.outer(np.arange(64), 2 * np.arange(64)).astype(np.uint8)
    assert score(KF(), ramp).item() == 0


def test_blockiness_by_hand() -> None:
    # A step of 10 between flat blocks: |100 - 3 * 100 + 3 * 110 - 110| = 20; off the grid, 0.
    board = checkerboard(100, 110)
    assert score(KU1(), board).item() == 20
    assert score(KU2(), board).item() == 400


def test_calibration_counts_variance_relative_to_the_grid_of_the_image() -> None:
    # One pattern repeated every 8 pixels gives no variance on any grid.
    tile = np.random.default_rng(1).integers(0, 256, (8, 8))
    answer = KL().score(Batch.of(pixels(np.tile(tile, (8, 8)).astype(np.uint8))))
    assert answer.values.isnan().all()
    assert answer.reasons == ("no high frequencies",)
    # Flat blocks have high frequencies off their grid only, as a strongly compressed sky has.
    board = np.kron(np.random.default_rng(2).integers(0, 256, (8, 8)), np.ones((8, 8)))
    assert score(KL(), board.astype(np.uint8)).item() > 1e6


@pytest.mark.parametrize("quantised", [64, 33, 5, 0])
def test_quantised_subbands_are_counted(quantised: int) -> None:
    """The coefficients of a known number of subbands are multiples of 12, the others of nothing."""
    random = np.random.default_rng(quantised)
    coefficients = random.laplace(0, 16, (1024, 64))
    chosen = random.permutation(64)[:quantised]
    coefficients[:, chosen] = 12 * np.round(coefficients[:, chosen] / 12)
    blocks = idctn(coefficients.reshape(32, 32, 8, 8), axes=(2, 3), norm="ortho") + 128
    assert blocks.min() > -128
    keep = (blocks.min((2, 3)) > 1) & (blocks.max((2, 3)) < 254)
    assert keep.mean() > 0.3
    image = np.clip(np.round(blocks), 0, 255).transpose(0, 2, 1, 3).reshape(256, 256)
    assert score(KQF(), image.astype(np.uint8)).item() == quantised


def test_quantised_steps_leave_out_saturated_and_flat_blocks() -> None:
    patch = photographs()[1]
    with_others = np.concatenate([patch, checkerboard(100, 110), checkerboard(0, 255)])
    assert score(KQF(), with_others).item() == score(KQF(), patch).item() > 0


def test_total_variation_is_of_pillows_recompression() -> None:
    images = [np.asarray(Image.fromarray(image)) for image in photographs()[:2]]
    natural, compressed = score(KV(), *images).tolist()
    expected = [reference.kv(image) / image.size for image in images]
    assert [natural, compressed] == pytest.approx(expected, rel=1e-6)
    assert compressed > natural


def test_total_variation_in_strips_is_that_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    image = data.camera()[:192, :96]
    whole = score(KV(), image)
    monkeypatch.setattr(variation, "_PIECE", 1)
    assert torch.equal(score(KV(), image), whole)


def test_a_sum_over_more_of_the_same_is_the_same_a_pixel() -> None:
    image = data.camera()[100:228, 200:328]
    once, often = score(KV(), image), score(KV(), np.tile(image, (3, 3)))
    assert often.item() == pytest.approx(once.item(), rel=0.05)


@every
def test_flat_images_have_no_score(detector: Detector) -> None:
    """Also where they were compressed: there is no coefficient but the first of each block."""
    flat = np.full((64, 64), 128, np.uint8)
    dot = flat.copy()
    dot[20, 30] = 131
    answer = detector.score(Batch.of(pixels(flat, dot)))
    assert answer.values.isnan().all()
    assert answer.reasons == ("flat: nothing to measure",) * 2


@every
def test_a_patch_alone_scores_as_in_a_batch(detector: Detector) -> None:
    images = photographs() * 5
    alone = torch.cat([score(detector, image) for image in images])
    assert torch.equal(score(detector, *images), alone)


@every
def test_rgb_scores_as_its_luma_cut_to_whole_blocks(detector: Detector) -> None:
    astronaut = data.astronaut()[40:117, 200:270]
    gray = np.asarray(Image.fromarray(astronaut).convert("L"))
    expected = score(detector, gray[:72, :64])
    assert torch.equal(score(detector, astronaut), expected)
    assert torch.equal(score(detector, gray), expected)


@every
def test_scores_are_float32_and_the_input_stays_as_it_was(detector: Detector) -> None:
    batch = Batch.of(pixels(*photographs()))
    before = batch.pixels.clone()
    values = detector.score(batch).values
    assert torch.equal(batch.pixels, before)
    assert values.dtype == torch.float32
    assert values.shape == (5,)
    assert values.isfinite().all()


@every
@pytest.mark.parametrize("side", [None, 64], ids=["smallest", "64"])
def test_constant_and_saturated_images_have_a_finite_score_or_a_reason(
    detector: Detector, side: int | None
) -> None:
    side = side or detector.needs.smallest
    images = [np.full((side, side), value, np.uint8) for value in (0, 1, 128, 255)]
    images.append(np.random.default_rng(0).choice([0, 255], (side, side)).astype(np.uint8))
    line = np.full((side, side), 128, np.uint8)
    line[side // 2] = 129
    images.append(line)
    answer = detector.score(Batch.of(pixels(*images)))
    reasons = answer.reasons or (None,) * len(images)
    for value, reason in zip(answer.values.tolist(), reasons, strict=True):
        assert np.isfinite(value) if reason is None else np.isnan(value)


@pytest.mark.cuda
@every
def test_scores_do_not_depend_on_the_device(detector: Detector) -> None:
    batch = Batch.of(pixels(*photographs()))
    there = detector.score(batch.to("cuda")).values
    assert there.device.type == "cuda"
    torch.testing.assert_close(there.cpu(), detector.score(batch).values, rtol=1e-6, atol=0)
