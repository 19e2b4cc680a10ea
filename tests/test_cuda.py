"""A GPU gives what a CPU gives: whole numbers to the bit, floats within the tolerance stated.

The codec and the generator of training batches have their own, beside their other tests.
"""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from forensics import jpeg, nn, random
from forensics.batch import Batch
from forensics.bench import inference
from forensics.histories.history import History
from forensics.histories.operations import (
    Crop,
    Gaussian,
    JpegCompression,
    Median,
    Resize,
    Rotate,
    Shear,
    WhiteNoise,
)
from forensics.histories.operations.resize import between
from forensics.metrics.cost import psnr, ssim
from forensics.models import selection
from forensics.models.registry import registry
from forensics.traces import trace as traces

pytestmark = pytest.mark.cuda

DEVICE = "cuda"
KERNELS = ("nearest", "bilinear", "bicubic")


def reals(*values):
    return torch.tensor(values, dtype=torch.float64)


EXACT = [
    *(Median(k) for k in (1, 3, 5, 7, 9)),
    Median(torch.tensor([3, 7, 5])),
    *(Gaussian(s) for s in (0.5, 1.1, 4.0)),
    Gaussian(reals(0.3, 3.0, 1.1)),
    *(Resize(f, k) for f in (0.37, 0.8, 1.3) for k in KERNELS),
    *(Resize(f, k, True) for f in (0.37, 0.8, 1.3) for k in KERNELS[1:]),
    *(Rotate(d, k) for d in (-7, 45, 90) for k in KERNELS),
    *(Shear(0.1, k) for k in KERNELS),
    Crop(3, 5),
    Crop(torch.tensor([0, 7, 3]), 2),
    *(JpegCompression(75, s) for s in ("4:4:4", "4:2:2", "4:2:0")),
    JpegCompression(torch.tensor([30, 75, 98])),
]
ON_TILES = [
    Resize(reals(0.3, 0.8, 1.7), "bicubic"),
    Resize(reals(0.3, 0.8, 1.7), "bilinear", True),
    Rotate(reals(3, -10, 45), "bicubic"),
    Shear(reals(0.1, 0.0, 0.4)),
]


HOLDING = [
    "splice(jpeg(60) crop(3,5),donor=1)",
    "jpeg(60) splice(resize(0.8),donor=0) splice(median(3),donor=copy)",
    "maybe(0.5,rotate(7) jpeg(70)) splice(gaussian(2),donor=self)",
]


def batch(astronaut, channels=3, side=120, tiles=False):
    places = ((0, 0), (100, 200), (300, 60))
    cuts = [astronaut[y : y + side, x : x + side, :channels] for y, x in places]
    pixels = torch.from_numpy(np.stack(cuts)).permute(0, 3, 1, 2).contiguous()
    mask = pixels[:, 0] > 128
    positions = torch.tensor(places)
    origins = torch.tensor([[48, 2000], [0, 0], [160, 32]]) if tiles else None
    donors = torch.stack([pixels.flip(2), pixels.flip(3)], 1)
    window = (side // 4, side // 2)
    keys = torch.arange(3) - 1
    return Batch(pixels, keys, ("p",) * 3, positions, None, origins, mask, donors, window)


def assert_same(here, there):
    assert there.pixels.device.type == DEVICE
    back = there.to("cpu")
    assert torch.equal(back.pixels, here.pixels)
    for one, other in ((back.origins, here.origins), (back.mask, here.mask)):
        assert (one is None) == (other is None)
        assert one is None or torch.equal(one, other)
    if here.jpeg is not None:
        for a, b in zip(back.jpeg.coefficients, here.jpeg.coefficients, strict=True):
            assert torch.equal(a, b)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("operation", EXACT, ids=str)
def test_operations(astronaut, operation, channels):
    images = batch(astronaut, channels)
    assert_same(operation.apply(images), operation.apply(images.to(DEVICE)))


@pytest.mark.parametrize("operation", ON_TILES, ids=str)
def test_operations_on_tiles(astronaut, operation):
    tiles = batch(astronaut, tiles=True)
    assert_same(operation.apply(tiles), operation.apply(tiles.to(DEVICE)))


@pytest.mark.parametrize("text", HOLDING)
@pytest.mark.parametrize("masked", [False, True])
def test_steps_that_hold_a_history(astronaut, text, masked):
    tiles = batch(astronaut, 1, 192, tiles=True)
    tiles = tiles if masked else replace(tiles, mask=None)
    history = History.parse(text)
    assert_same(history.apply(tiles), history.apply(tiles.to(DEVICE)))


@pytest.mark.parametrize("sigma", [0.5, 2.0, 30.0])
def test_noise_to_a_level_in_a_rare_pixel(astronaut, sigma):
    """Logarithm and cosine may differ in their last bits."""
    images = batch(astronaut, tiles=True)
    here = WhiteNoise(sigma).apply(images).pixels
    there = WhiteNoise(sigma).apply(images.to(DEVICE)).pixels.cpu()
    off = (here.int() - there.int()).abs()
    assert off.max() <= 1
    assert (off > 0).double().mean() < 1e-4


def test_resizing_between_two_sizes(astronaut):
    pixels = batch(astronaut).pixels
    found = between(pixels.to(DEVICE), (108, 131)).cpu()
    assert torch.equal(found, between(pixels, (108, 131)))


@pytest.mark.parametrize("name", registry().all("trace"))
def test_histories_of_every_trace(astronaut, name):
    """At the first and the last point, without an attacker; but for noise, see
    above."""
    trace = traces.get(name)
    tiles = batch(astronaut, 1, 192, tiles=True)
    tiles = replace(tiles, donors=tiles.pixels.flip(0, 2)[:, None])
    drawn = trace.drawn(tiles.keys)
    points = trace.points()
    for point in (points[0], points[-1]):
        for side in trace.sides:
            history, values = trace.history(side).fill(None), dict(point) | drawn
            if "awgn" in str(history):
                continue
            here = history.apply(tiles, values)
            on_device = {
                k: v.to(DEVICE) if isinstance(v, torch.Tensor) else v for k, v in values.items()
            }
            there = history.apply(tiles.to(DEVICE), on_device)
            assert torch.equal(here.pixels, there.pixels.cpu()), (side, point)


@pytest.mark.parametrize("name", ["median3", "blur", "resave-90", "resave-75", "resize-back"])
def test_simple_attackers(astronaut, name):
    attacker = selection.model(name, "attacker").create()
    images = batch(astronaut)
    found = attacker.attack(images.to(DEVICE))
    assert found.device.type == DEVICE
    assert torch.equal(found.cpu(), attacker.attack(images))


def test_random_numbers():
    keys = torch.tensor([5, -7, 2**62, -(2**63)])
    for draw in (random.bits, random.uniform, lambda *a: random.integers(*a[:2], 63, a[2])):
        found = draw(keys.to(DEVICE), "name", (100,)).cpu()
        assert torch.equal(found, draw(keys, "name", (100,)))
    found = random.normal(keys.to(DEVICE), "name", (1000,)).cpu()
    torch.testing.assert_close(found, random.normal(keys, "name", (1000,)), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("measure", [psnr, ssim])
def test_costs(astronaut, measure):
    images = batch(astronaut)
    changed = WhiteNoise(4.0).apply(images).pixels
    found = measure(images.pixels.to(DEVICE), changed.to(DEVICE)).cpu()
    torch.testing.assert_close(found, measure(images.pixels, changed), rtol=1e-9, atol=0)


def test_an_estimated_table(astronaut):
    saved = JpegCompression(75).apply(batch(astronaut, 1, 200)).pixels
    found = jpeg.estimate_table(saved.to(DEVICE))
    assert torch.equal(found.cpu(), jpeg.estimate_table(saved))


def smooth(planes):
    return nn.soft_histogram(planes.flatten(1))


LAYERS = [
    nn.ConstrainedConv2d(4, 3),
    nn.Residuals(nn.rich_model()),
    nn.Residuals(nn.third_order("along")),
    nn.Type1(4, 3),
    nn.Type2(4),
    nn.Type3(4, 3),
    nn.Type4(4, 3),
    nn.DenseBlock(4, layers=2, growth=3),
    nn.Transition(4),
    smooth,
    lambda planes: nn.hard_histogram(planes.flatten(1)),
    lambda planes: nn.phase_dct(planes[:, 0], 3, 5),
    lambda planes: nn.sliding_dct(planes[:, 0]),
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_layers_and_their_gradients(layer):
    """In double precision, where no device takes shortcuts."""
    generator = torch.Generator().manual_seed(2)
    values = 20 * torch.randn(2, 4, 20, 24, dtype=torch.float64, generator=generator)
    results = []
    for name in ("cpu", DEVICE):
        if isinstance(layer, torch.nn.Module):
            layer.to(name, torch.float64).eval()
        planes = values.to(name).requires_grad_()
        found = layer(planes)
        found.square().sum().backward()
        results.append((found.detach().cpu(), planes.grad.cpu()))
    for here, there in zip(*results, strict=True):
        torch.testing.assert_close(there, here, rtol=1e-7, atol=1e-7)


def test_a_batch_is_halved_where_memory_runs_out(astronaut):
    seen = []

    def act(part):
        if len(part) > 1:
            torch.empty(1 << 50, dtype=torch.uint8, device=DEVICE)
        seen.append(len(part))
        return part.pixels + 1

    images = batch(astronaut).to(DEVICE)
    found = inference._halving(act, images)
    assert seen == [1, 1, 1]
    assert torch.equal(torch.cat(found), images.pixels + 1)


def test_a_matrix(photographs, tmp_path, command):
    """Costs on whole numbers: the same figures from the command line on."""
    words = ("run", "--detectors", "none", "--attack", "median3", "--trace", "jpeg", "--json")
    chosen = ("--data", photographs, "--patch", 64, "--limit", 8, "--set", "q=60")
    outputs = []
    for name in ("cpu", DEVICE):
        code, out, err = command(*words, *chosen, "--device", name, "--out", tmp_path / name)
        assert (code, err) == (0, "")
        outputs.append(_figures(out))
    assert outputs[0]
    assert outputs[1] == pytest.approx(outputs[0], rel=1e-9)


def _figures(text):
    found = []

    def walk(value):
        if isinstance(value, dict):
            for key, inner in value.items():
                if key == "value" and isinstance(inner, float):
                    found.append(inner)
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(json.loads(text)["cells"])
    return found
