"""Dense maps against the loop over patches."""

import numpy as np
import pytest
import torch
from skimage import data

import forensics
from forensics.errors import NotApplicable
from forensics.plugin import Batch
from forensics_srmcnn import feature, maps, network
from forensics_srmcnn.network import DescriptorNetwork

IMAGE = torch.from_numpy(data.astronaut()[:104, 150:290, 1].copy())


def windows(image, side, stride):
    return image.unfold(0, side, stride).unfold(1, side, stride).contiguous()


@pytest.mark.parametrize("way", [maps.hard_shares, maps.hard_shares_on_tensors])
@pytest.mark.parametrize(("side", "stride"), [(64, 8), (40, 12), (16, 40)])
def test_hard_shares_are_those_of_each_window(way, side, stride):
    patches = windows(IMAGE, side, stride)
    wanted = feature.histograms(patches.flatten(0, 1)).view(*patches.shape[:2], 162)
    ours = way(IMAGE, side, stride)
    torch.testing.assert_close(ours, wanted, atol=1e-7, rtol=0)


def test_soft_shares_are_those_of_each_window():
    torch.manual_seed(1)
    net = DescriptorNetwork()
    with torch.no_grad():
        for parameter in (*net.along.parameters(), *net.across.parameters()):
            parameter += 0.05 * torch.randn_like(parameter)
        patches = windows(IMAGE, 64, 16)
        wanted = net.shares(patches.flatten(0, 1)[:, None].float())
        ours = maps.soft_shares(net, IMAGE, 64, 16)
    torch.testing.assert_close(ours, wanted.view(*patches.shape[:2], 162), atol=1e-5, rtol=0)


def test_a_map_is_the_detector_on_windows():
    detector, localizer = forensics.load("srmsvm-gaussian"), forensics.load("srmmap-gaussian")
    heat = localizer.localize(Batch.of(IMAGE[None, None]))
    patches = windows(IMAGE, 64, 8)
    scores = detector.score(Batch.of(patches.flatten(0, 1)[:, None])).values
    torch.testing.assert_close(heat.values[0].flatten(), scores, atol=1e-4, rtol=0)
    assert (heat.stride, heat.offset, heat.values.shape) == (8, 32, (1, 6, 10))
    assert heat.scores.item() == pytest.approx(scores.max().item(), abs=1e-4)


@pytest.mark.parametrize("name", ["srmmap-gaussian", "srmcnnmap-gaussian", "srmwidemap-gaussian"])
def test_a_large_image_in_strips(name, monkeypatch):
    """Of strips that hold no more than one or two rows of windows."""
    localizer, batch = forensics.load(name), Batch.of(IMAGE[None, None])
    whole = localizer.localize(batch)
    monkeypatch.setattr(network, "LARGE", 140 * 20)
    strips = localizer.localize(batch)
    torch.testing.assert_close(strips.values, whole.values, atol=1e-4, rtol=0)
    assert strips.values.shape == (1, 6, 10)


def test_what_there_is_no_map_of():
    localizer = forensics.load("srmmap-gaussian")
    heat = localizer.localize(Batch.of(torch.full((1, 1, 80, 80), 9, dtype=torch.uint8)))
    assert heat.reasons == ("constant",)
    assert np.isnan(heat.values.numpy()).all()
    with pytest.raises(NotApplicable, match="smaller than 64 x 64"):
        localizer.localize(Batch.of(torch.zeros(1, 1, 63, 90, dtype=torch.uint8)))
