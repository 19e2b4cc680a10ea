"""Pixel metrics against scikit-learn and scikit-image on the enlarged map, made by hand."""

import numpy as np
import pytest
import torch
from skimage.filters import threshold_otsu
from sklearn.metrics import f1_score, jaccard_score, precision_recall_curve, roc_auc_score

from forensics.metrics.intervals import resamples
from forensics.metrics.localization import Mapped, localizer_metrics
from forensics.metrics.mask_histogram import MaskHistogram, evidence
from forensics.models.interfaces import Heatmap


def enlarged(heat, stride, offset, size):
    """Each pixel has the value of the cell that stands nearest, of two the one further on."""
    made = np.empty((len(heat), *size))
    rows, columns = (
        [
            min(range(cells), key=lambda i, p=p: (abs(offset + i * stride - p), -i))
            for p in range(length)
        ]
        for cells, length in zip(heat.shape[1:], size, strict=True)
    )
    made[:] = heat[:, rows][:, :, columns]
    return made


def images(seed, n=5, size=(37, 50), stride=8, offset=3, levels=None):
    """Masks, heat maps that know a little of them, and the maps enlarged by hand."""
    generator = np.random.default_rng(seed)
    masks = np.zeros((n, *size), bool)
    for mask in masks:
        top, left = generator.integers(0, 20, 2)
        mask[top : top + 15, left : left + 20] = True
    cells = tuple(-(-(side - offset) // stride) for side in size)
    heat = generator.normal(0, 1, (n, *cells))
    heat += 2 * masks[:, offset::stride, offset::stride]
    if levels:
        heat = np.round(heat * levels) / levels
    heat = torch.tensor(heat, dtype=torch.float32)
    rounded = heat.to(torch.bfloat16).double().numpy()
    found = evidence(Heatmap(heat, stride, offset, torch.zeros(n)), torch.from_numpy(masks))
    return masks, found, enlarged(rounded, stride, offset, size)


@pytest.mark.parametrize("levels", [None, 1])
@pytest.mark.parametrize(("stride", "offset"), [(8, 4), (8, 3), (8, 0), (5, 2), (1, 0), (4, 9)])
def test_pixel_metrics_equal_scikit_learn(stride, offset, levels):
    masks, found, maps = images(stride + offset, stride=stride, offset=offset, levels=levels)
    result = localizer_metrics(Mapped(found, np.arange(5)), seed=0)
    pooled = roc_auc_score(masks.ravel(), maps.ravel())
    assert result["pixel_auc"].value == pytest.approx(pooled, abs=1e-12)
    pairs = list(zip(masks.reshape(5, -1), maps.reshape(5, -1), strict=True))
    mean = np.mean([roc_auc_score(mask, heat) for mask, heat in pairs])
    assert result["pixel_auc_mean"].value == pytest.approx(mean, abs=1e-12)
    best, f1, iou = [], [], []
    for mask, heat in pairs:
        precision, recall, _ = precision_recall_curve(mask, heat)
        best.append((2 * precision * recall / np.maximum(precision + recall, 1e-9)).max())
        values, counts = np.unique(heat, return_counts=True)
        hot = heat > threshold_otsu(hist=(counts, values))
        f1.append(f1_score(mask, hot))
        iou.append(jaccard_score(mask, hot))
    assert result["f1_best"].value == pytest.approx(np.mean(best), abs=1e-12)
    assert result["f1_otsu"].value == pytest.approx(np.mean(f1), abs=1e-12)
    assert result["iou_otsu"].value == pytest.approx(np.mean(iou), abs=1e-12)


def test_otsu_is_scikit_images_threshold_of_the_image():
    """On whole numbers, where its histogram has a bin a level."""
    generator = np.random.default_rng(0)
    mask = np.zeros((64, 64), bool)
    mask[10:40, 20:50] = True
    heat = generator.integers(0, 60, (64, 64)) + 80 * mask
    (found,) = evidence(
        Heatmap(torch.tensor(heat)[None].float(), 1, 0, torch.zeros(1)), torch.tensor(mask)[None]
    )
    hot = heat > threshold_otsu(heat.astype(np.uint8))
    result = localizer_metrics(Mapped([found], np.zeros(1)), 0)
    assert result["f1_otsu"].value == pytest.approx(f1_score(mask.ravel(), hot.ravel()))


def test_intervals_resample_photographs():
    masks, found, maps = images(3, n=6)
    photographs = np.array([0, 0, 1, 2, 3, 3])
    result = localizer_metrics(Mapped(found, photographs), seed=4)["pixel_auc"]
    areas = []
    for weight in np.concatenate(list(resamples(4, seed=4)))[:200]:
        w = np.repeat(weight[photographs], masks[0].size)
        areas.append(roc_auc_score(masks.ravel(), maps.ravel(), sample_weight=w))
    low, high = np.percentile(areas, [2.5, 97.5])
    assert result.low == pytest.approx(low, abs=0.02)
    assert result.high == pytest.approx(high, abs=0.02)


def test_every_pixel_is_counted_once_and_packs():
    masks, found, _ = images(5)
    for mask, one in zip(masks, found, strict=True):
        assert one.inside.sum() == mask.sum()
        assert one.inside.sum() + one.outside.sum() == mask.size
        again = MaskHistogram.unpack(one.pack())
        for name in ("levels", "inside", "outside"):
            assert np.array_equal(getattr(again, name), getattr(one, name))
        assert len(one.pack()) == 12 * len(one.levels)


def test_a_large_map_keeps_few_levels():
    heat = torch.rand(1, 1000, 1000, generator=torch.Generator().manual_seed(0))
    (one,) = evidence(Heatmap(heat, 1, 0, torch.zeros(1)), torch.zeros(1, 1000, 1000).bool())
    assert len(one.pack()) < 40_000
    assert one.outside.sum() == 1_000_000


def test_nan_cells_are_not_counted():
    heat = torch.tensor([[[0.0, float("nan")], [1.0, float("nan")]]])
    mask = torch.zeros(1, 4, 4).bool()
    mask[:, 2:, :] = True
    (one,) = evidence(Heatmap(heat, 2, 0, torch.zeros(1)), mask)
    # The pixel between two cells goes to the further one: of each row one pixel has a value.
    assert one.levels.tolist() == [0, 1]
    assert (one.inside.tolist(), one.outside.tolist()) == ([0, 2], [1, 1])


def test_masks_that_mark_nothing_or_everything():
    heat = torch.rand(3, 4, 4, generator=torch.Generator().manual_seed(0))
    masks = torch.zeros(3, 8, 8).bool()
    found = evidence(Heatmap(heat, 2, 0, torch.zeros(3)), masks)
    for value in localizer_metrics(Mapped(found, np.arange(3)), 0).values():
        assert (value.value, value.reason) == (None, "no mask marks a part of an image")
    for value in localizer_metrics(Mapped([], np.arange(0)), 0).values():
        assert value.reason == "no image has a map"
    masks[0] = True
    masks[1, 2:5, 2:5] = True
    found = evidence(Heatmap(heat, 2, 0, torch.zeros(3)), masks)
    result = localizer_metrics(Mapped(found, np.arange(3)), 0)
    only = localizer_metrics(Mapped(found[1:2], np.arange(1)), 0)
    assert result["pixel_auc_mean"].value == only["pixel_auc"].value
    # Everything is a mask of everything: the best threshold calls all of it.
    assert localizer_metrics(Mapped(found[:2], np.arange(2)), 0)["f1_best"].value == pytest.approx(
        (1 + only["f1_best"].value) / 2
    )


def test_a_flat_map_finds_nothing():
    masks = torch.zeros(1, 8, 8).bool()
    masks[:, :4] = True
    found = evidence(Heatmap(torch.ones(1, 1, 1), 8, 3, torch.zeros(1)), masks)
    result = localizer_metrics(Mapped(found, np.zeros(1)), 0)
    assert (result["f1_otsu"].value, result["iou_otsu"].value) == (0, 0)
    assert result["pixel_auc"].value == 0.5
    assert result["f1_best"].value == pytest.approx(2 / 3)


@pytest.mark.cuda
def test_the_gpu_counts_the_same():
    generator = torch.Generator().manual_seed(0)
    heat, mask = torch.randn(2, 90, 70, generator=generator), torch.zeros(2, 361, 283).bool()
    mask[:, 50:200, 80:150] = True
    here = evidence(Heatmap(heat, 4, 1, torch.zeros(2)), mask)
    there = evidence(Heatmap(heat.cuda(), 4, 1, torch.zeros(2).cuda()), mask.cuda())
    assert [one.pack() for one in here] == [one.pack() for one in there]
