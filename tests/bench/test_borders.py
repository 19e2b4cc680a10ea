"""Tiles and borders: no pixel of a patch depends on what a step does at the border of its input,
and the last JPEG's grid begins at the patch's corner."""

import numpy as np
import pytest
import torch
from PIL import Image

from forensics import jpeg, random
from forensics.batch import Batch
from forensics.bench.positions import lattice, origins
from forensics.histories.history import Step
from forensics.jpeg import standard_tables
from forensics.traces import crop
from forensics.traces import trace as traces

pytestmark = pytest.mark.usefixtures("toy")

TRACES = ("jpeg", "djpeg", "djpeg-shifted")
SINGLE = (
    "median",
    "gaussian",
    "gaussian-kernel",
    "awgn",
    "resize-bilinear",
    "resize-bicubic",
    "rotate",
    "shear",
)
MANIPULATIONS = tuple(name + kind for name in SINGLE for kind in ("", "-jpeg", "-resaved"))
RESAVED = tuple(name + "-resaved" for name in SINGLE)
OPERATION = ("operation", "operation-jpeg", "operation-resaved")
SPLICES = ("q1", "two", "resize", "rotate", "blur", "noise", "copy")
SPLICED = tuple("splice-" + name for name in SPLICES)
COMPOSITES = (*OPERATION, *SPLICED)
PATCH = 64
# The least and the most that papers ask of the parameters of the traces.
ENDS = {"k": (3, 15), "s": (0.5, 2.6), "f": (0.5, 2.0), "d": (-45, 45), "h": (0.05, 0.4)}
MEDIAN = Step("toy-median")
# In colour, histories as long as they come: of one filter, one resampling, one warp and one splice,
# and of the others where there is time.
_QUICK = ("median-resaved", "resize-bicubic-resaved", "rotate-resaved", "splice-q1")
COLOR = [
    pytest.param(n, True, marks=() if n in _QUICK else pytest.mark.slow)
    for n in (*RESAVED, *OPERATION[1:], *SPLICED)
]


def photograph(astronaut, color):
    image = Image.fromarray(astronaut)
    array = np.array(image if color else image.convert("L")).reshape(512, 512, -1)
    return torch.from_numpy(array).permute(2, 0, 1)


def shown(trace, side, attacker, pixels, positions, margin, point=None):
    """What the crop shows of these positions, from tiles with `margin` pixels around. Donors
    are the same positions of the picture upside down, and of its mirror image."""
    others = (pixels, pixels.flip(1), pixels.flip(2))
    cuts = [
        [p[:, y - margin : y + PATCH + margin, x - margin : x + PATCH + margin] for p in others]
        for y, x in positions
    ]
    keys = torch.tensor([random.key(0, y, x) for y, x in positions])
    positions = torch.tensor(positions)
    tiles = Batch(
        torch.stack([own for own, *_ in cuts]),
        keys,
        ("p",) * len(positions),
        positions,
        origins=origins(positions, margin),
        donors=torch.stack([torch.stack(donors) for _, *donors in cuts]),
        window=(margin, PATCH),
    )
    values = dict(point or trace.points()[0]) | trace.drawn(keys)
    state = trace.history(side).fill(attacker).apply(tiles, values)
    return crop.cut(state, margin, PATCH, trace.input)


def same(a, b):
    if not torch.equal(a.pixels, b.pixels) or (a.jpeg is None) != (b.jpeg is None):
        return False
    if a.jpeg is None:
        return True
    planes = zip(a.jpeg.coefficients, b.jpeg.coefficients, strict=True)
    return all(torch.equal(p, q) for p, q in planes) and torch.equal(a.jpeg.tables, b.jpeg.tables)


SIDES = [("pristine", None), ("altered", None), ("altered", MEDIAN)]


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("name", TRACES)
@pytest.mark.parametrize(("side", "attacker"), SIDES)
def test_no_pixel_of_a_patch_depends_on_a_border_rule(astronaut, name, side, attacker, color):
    trace = traces.get(name)
    pixels = photograph(astronaut, color)
    margin = trace.margin(color, PATCH)
    positions = [(128, 112), (160, 240), (128, 288)]
    patch = shown(trace, side, attacker, pixels, positions, margin)
    # A larger tile, so that its border lies elsewhere.
    assert same(patch, shown(trace, side, attacker, pixels, positions, margin + 16))
    # Noise in the place of everything outside the tile.
    for y, x in positions:
        noisy = torch.randint(
            256, pixels.shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(y)
        )
        tile = (slice(None), *(slice(c - margin, c + PATCH + margin) for c in (y, x)))
        noisy[tile] = pixels[tile]
        one = [(y, x)]
        expected = shown(trace, side, attacker, pixels, one, margin)
        assert same(expected, shown(trace, side, attacker, noisy, one, margin + 16))


@pytest.mark.parametrize(
    ("name", "color"),
    [(n, False) for n in (*MANIPULATIONS, *COMPOSITES, "q1", "q1-aligned", "q1-shifted")] + COLOR,
)
def test_no_pixel_of_a_manipulated_patch_depends_on_a_border_rule(astronaut, name, color):
    """At both ends of what papers ask, on all sides, with an attacker where there is a slot."""
    trace = traces.get(name)
    pixels = photograph(astronaut, color)
    margin = trace.margin(color, PATCH, ENDS)
    position = [(224, 224)]
    noisy = torch.randint(
        256, pixels.shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )
    tile = (slice(None), *(slice(224 - margin, 224 + PATCH + margin),) * 2)
    noisy[tile] = pixels[tile]
    points = trace.points(ENDS)
    for point in (points[0], points[-1]):
        for side in trace.sides:
            attacker = MEDIAN if trace.history(side).has_slot else None
            patch = shown(trace, side, attacker, pixels, position, margin, point)
            assert patch.size == (PATCH, PATCH)
            assert patch.origins is None
            assert same(patch, shown(trace, side, attacker, noisy, position, margin + 16, point))


@pytest.mark.parametrize(
    "name", ["resize-bilinear", "rotate", "shear", "median-jpeg", "splice-copy"]
)
def test_half_the_margin_would_depend_on_one(astronaut, name):
    """The test above can fail."""
    trace, pixels = traces.get(name), photograph(astronaut, False)
    points = trace.points(ENDS)
    point = points[0 if name == "resize-bilinear" else -1]
    margin = trace.margin(False, PATCH, ENDS)
    small = 16 if name not in ("median-jpeg", "splice-copy") else 0
    positions = [(224, 224), (160, 192), (192, 272), (224, 144)]
    wide = shown(trace, "altered", None, pixels, positions, margin, point)
    bare = shown(trace, "altered", None, pixels, positions, small, point)
    assert not same(wide, bare)


@pytest.mark.parametrize("name", ["djpeg", "djpeg-shifted"])
def test_a_smaller_margin_would_depend_on_one(astronaut, name):
    """The test above can fail: in colour, a tile of the bare patch shows its border."""
    trace, pixels = traces.get(name), photograph(astronaut, True)
    positions = [(128, 112)]
    wide = shown(trace, "altered", None, pixels, positions, trace.margin(True, PATCH))
    bare = shown(trace, "altered", None, pixels, positions, 16 if name == "djpeg-shifted" else 0)
    assert not same(wide, bare)


@pytest.mark.parametrize(
    ("name", "color"),
    [(n, c) for n in ("djpeg", "djpeg-shifted") for c in (False, True)]
    + [
        (n, False)
        for n in (*MANIPULATIONS, *COMPOSITES)
        if "-" in n and traces.get(n).input == "jpeg"
    ]
    + COLOR,
)
def test_the_grid_of_the_last_jpeg_starts_at_the_corner_of_the_patch(astronaut, name, color):
    trace, pixels = traces.get(name), photograph(astronaut, color)
    margin = trace.margin(color, PATCH)
    last = 512 - PATCH - margin
    positions = [(margin, margin), (margin, last), (last, margin)]
    input = shown(trace, trace.sides[-1], MEDIAN, pixels, positions, margin)
    # The pixels are those of the coefficients: libjpeg decodes the patch's own file to them, but
    # for chroma that was interpolated across the edge of the patch.
    inner = slice(16, -16) if color else slice(None)
    decoded = jpeg.decode(input.jpeg)
    assert torch.equal(decoded[..., inner, inner], input.pixels[..., inner, inner])
    point = trace.points()[0]
    quality = point.get("q3", point["q2"])
    tables = standard_tables(quality, 3 if color else 1)
    assert torch.equal(input.jpeg.tables, tables.expand(3, -1, -1, -1))
    assert input.jpeg.sampling == ("4:2:0" if color else "gray")


def test_every_tile_of_the_lattice_fits_and_is_in_step_with_its_patch():
    for name in (*TRACES, *MANIPULATIONS, *COMPOSITES):
        for color in (False, True):
            margin = traces.get(name).margin(color, PATCH)
            found = lattice((600, 700), PATCH, margin)
            assert found
            # Tile and patch are in step, so the grid of a step on the tile is that of the patch.
            assert margin % (16 if color else 8) == 0
            assert all(margin <= y <= 600 - PATCH - margin for y, _ in found)
            assert all(margin <= x <= 700 - PATCH - margin for _, x in found)
            assert len(set(found)) == len(found)
