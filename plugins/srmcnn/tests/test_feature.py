"""The hand-made feature, against a value by hand, plain loops and sealwatch."""

import numpy as np
import pytest
import torch
from skimage import data

from forensics.plugin import Batch
from forensics_srmcnn import feature, which


def patches(side=128):
    image = torch.from_numpy(data.camera())
    return image.unfold(0, side, side).unfold(1, side, side).reshape(-1, side, side).contiguous()


def noise(*shape):
    return torch.randint(0, 256, shape, generator=torch.manual_seed(3), dtype=torch.uint8)


def by_loops(image):
    """The definition, one site after the other."""
    counts = np.zeros((2, 81), int)
    for plane in (image, image.T):
        x = plane.astype(int)
        r = x[:, :-3] - 3 * x[:, 1:-2] + 3 * x[:, 2:-1] - x[:, 3:]
        q = np.clip(np.round(r / 4.5), -1, 1).astype(int) + 1
        for i in range(q.shape[0]):
            for j in range(q.shape[1]):
                if j + 3 < q.shape[1]:
                    counts[0, int("".join(map(str, q[i, j : j + 4])), 3)] += 1
                if i + 3 < q.shape[0]:
                    counts[1, int("".join(map(str, q[i : i + 4, j])), 3)] += 1
    return counts.reshape(162)


@pytest.mark.parametrize("count", [feature.counts, feature.counts_on_tensors])
def test_counts_are_those_of_the_definition(count):
    images = torch.cat([noise(2, 21, 34), patches()[5:7, :21, :34]])
    wanted = np.stack([by_loops(image) for image in images.numpy()])
    np.testing.assert_array_equal(count(images).numpy(), wanted)


def test_one_bright_pixel_by_hand():
    # A row 0 0 0 1 0 0 0 of sevens has the residuals -1, 3, -3, 1 times the height of the peak.
    image = torch.full((1, 7, 7), 50, dtype=torch.uint8)
    image[0, 3, 3] = 57
    along = feature.counts(image)[0, :81]
    quiet, peak = 40, int("0202", 3)  # 1111 in base 3, and -1 +1 -1 +1 as digits
    assert along[peak] == 2  # its row and its column
    assert along[quiet] == 12  # the six others of each direction
    assert along.sum() == 14


def test_both_ways_agree_on_photographs():
    images = patches()
    assert torch.equal(feature.counts(images), feature.counts_on_tensors(images))


def test_halves_are_shares():
    shares = feature.histograms(noise(3, 64, 90)).view(3, 2, 81).sum(2)
    torch.testing.assert_close(shares, torch.ones(3, 2))


def test_green_is_looked_at():
    pixels = noise(2, 3, 32, 32)
    assert torch.equal(feature.plane(Batch.of(pixels)), pixels[:, 1])


def test_sealwatch_gives_the_same():
    cooccurrence = pytest.importorskip("sealwatch.srm.cooccurrence", exc_type=ImportError)
    for image in patches()[:3]:
        wanted = np.zeros((2, 81))
        for plane in (image.numpy().astype(float), image.numpy().T.astype(float)):
            r = plane[:, :-3] - 3 * plane[:, 1:-2] + 3 * plane[:, 2:-1] - plane[:, 3:]
            q = np.clip(np.round(r / 4.5), -1, 1)
            for half, kind in enumerate(("hor", "ver")):
                wanted[half] += cooccurrence.cooccurrence4(q, kind, T=1).reshape(81) / 2
        ours = feature.histograms(image[None])[0]
        np.testing.assert_allclose(ours, wanted.reshape(162), atol=1e-7)


def test_the_wide_feature_holds_this_one():
    images = patches()[:4]
    third = which.wide(images).view(4, 4, 2, 81)[:, 2]
    wanted = feature.rooted(feature.histograms(images)).view(4, 2, 81)
    torch.testing.assert_close(third, wanted)
