"""The rules against leaks: what could tell the sides of a trace apart other than image content."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier

from forensics import door, harness, jpeg, random, traces
from forensics.batch import Batch
from forensics.harness.places import lattice, origins
from forensics.harness.populations import Question
from forensics.histories import Step
from forensics.jpeg import standard_tables
from forensics.operations import JpegCompression

pytestmark = pytest.mark.usefixtures("toy")

TRACES = ("jpeg", "djpeg", "djpeg-shifted")
SINGLE = ("median", "gaussian", "awgn", "resize-bilinear", "resize-bicubic", "rotate", "shear")
MANIPULATIONS = tuple(name + kind for name in SINGLE for kind in ("", "-jpeg", "-resaved"))
RESAVED = tuple(name + "-resaved" for name in SINGLE)
PATCH = 64
MEDIAN = Step("toy-median")
# In colour, histories as long as they come: of one filter, one resampling and one warp, and of the
# others where there is time.
_QUICK = ("median-resaved", "resize-bicubic-resaved", "rotate-resaved")
COLOR = [pytest.param(n, True, marks=() if n in _QUICK else pytest.mark.slow) for n in RESAVED]


def photograph(astronaut, color):
    image = Image.fromarray(astronaut)
    array = np.array(image if color else image.convert("L")).reshape(512, 512, -1)
    return torch.from_numpy(array).permute(2, 0, 1)


def shown(trace, side, attacker, pixels, places, margin, point=None):
    """What the door hands over of these places, from tiles with `margin` pixels around."""
    cuts = [
        pixels[:, y - margin : y + PATCH + margin, x - margin : x + PATCH + margin]
        for y, x in places
    ]
    keys = torch.tensor([random.key(0, y, x) for y, x in places])
    positions = torch.tensor(places)
    tiles = Batch(
        torch.stack(cuts),
        keys,
        ("p",) * len(places),
        positions,
        origins=origins(positions, margin),
    )
    values = dict(point or trace.points()[0]) | trace.drawn(keys)
    state = trace.history(side).fill(attacker).apply(tiles, values)
    return door.cut(state, margin, PATCH, trace.handed)


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
    lead = trace.lead(color, PATCH)
    places = [(128, 112), (160, 240), (128, 288)]
    patch = shown(trace, side, attacker, pixels, places, lead)
    # A larger tile, so that its border lies elsewhere.
    assert same(patch, shown(trace, side, attacker, pixels, places, lead + 16))
    # Noise in the place of everything outside the tile.
    for y, x in places:
        noisy = torch.randint(
            256, pixels.shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(y)
        )
        tile = (slice(None), *(slice(c - lead, c + PATCH + lead) for c in (y, x)))
        noisy[tile] = pixels[tile]
        one = [(y, x)]
        expected = shown(trace, side, attacker, pixels, one, lead)
        assert same(expected, shown(trace, side, attacker, noisy, one, lead + 16))


@pytest.mark.parametrize(
    ("name", "color"),
    [(n, False) for n in (*MANIPULATIONS, "q1", "q1-aligned")] + COLOR,
)
def test_no_pixel_of_a_manipulated_patch_depends_on_a_border_rule(astronaut, name, color):
    """At both ends of the widest grid, on all sides, with an attacker where there is a slot."""
    trace = traces.get(name)
    pixels = photograph(astronaut, color)
    lead = trace.lead(color, PATCH)
    place = [(224, 224)]
    noisy = torch.randint(
        256, pixels.shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )
    tile = (slice(None), *(slice(224 - lead, 224 + PATCH + lead),) * 2)
    noisy[tile] = pixels[tile]
    points = trace.points("paper")
    for point in (points[0], points[-1]):
        for side in trace.sides:
            attacker = MEDIAN if trace.history(side).has_slot else None
            patch = shown(trace, side, attacker, pixels, place, lead, point)
            assert patch.size == (PATCH, PATCH)
            assert patch.origins is None
            assert same(patch, shown(trace, side, attacker, noisy, place, lead + 16, point))


@pytest.mark.parametrize("name", ["resize-bilinear", "rotate", "shear", "median-jpeg"])
def test_half_the_margin_would_depend_on_one(astronaut, name):
    """The test above can fail."""
    trace, pixels = traces.get(name), photograph(astronaut, False)
    values = max(trace.points("paper"), key=lambda p: abs(next(iter(p.values()))))
    point = trace.points("paper")[0] if name == "resize-bilinear" else values
    lead = trace.lead(False, PATCH)
    small = 16 if name != "median-jpeg" else 0
    wide = shown(trace, "altered", None, pixels, [(224, 224)], lead, point)
    bare = shown(trace, "altered", None, pixels, [(224, 224)], small, point)
    assert not same(wide, bare)


@pytest.mark.parametrize(("name", "color"), [(n, False) for n in MANIPULATIONS] + COLOR)
def test_nothing_but_image_content_tells_the_sides_apart(astronaut, name, color):
    """A tree that sees sizes, places, tables, samplings and the phase of the last grid."""
    trace = traces.get(name)
    pixels = photograph(astronaut, color)
    lead = trace.lead(color, PATCH)
    last = 512 - PATCH - lead
    places = [(lead + 16 * (n % 2), last - 16 * (n // 2)) for n in range(4)]
    for point in (trace.points()[0], trace.points("paper")[-1]):
        pristine = shown(trace, "pristine", None, pixels, places, lead, point)
        both = trace.history("pristine").has_slot
        attacked_pristine = shown(trace, "pristine", MEDIAN, pixels, places, lead, point)
        assert both != same(pristine, attacked_pristine)
        for attacker in (None, MEDIAN):
            against = attacked_pristine if attacker else pristine
            altered = shown(trace, "altered", attacker, pixels, places, lead, point)
            assert not torch.equal(altered.pixels, against.pixels)
            assert altered.photographs == against.photographs
            assert torch.equal(altered.keys, against.keys)
            assert altered.origins is against.origins is None
            rows = [fields(b, n) for b in (against, altered) for n in range(len(b))]
            labels = [0] * len(places) + [1] * len(places)
            folds = [([n for n in range(8) if n % 4 != g], [g, g + 4]) for g in range(4)]
            tree = DecisionTreeClassifier(random_state=0)
            assert np.mean(cross_val_score(tree, rows, labels, cv=folds)) == 0.5


@pytest.mark.parametrize("name", ["djpeg", "djpeg-shifted"])
def test_a_smaller_margin_would_depend_on_one(astronaut, name):
    """The test above can fail: in colour, a tile of the bare patch shows its border."""
    trace, pixels = traces.get(name), photograph(astronaut, True)
    places = [(128, 112)]
    wide = shown(trace, "altered", None, pixels, places, trace.lead(True, PATCH))
    bare = shown(trace, "altered", None, pixels, places, 16 if name == "djpeg-shifted" else 0)
    assert not same(wide, bare)


@pytest.mark.parametrize(
    ("name", "color"),
    [(n, c) for n in ("djpeg", "djpeg-shifted") for c in (False, True)]
    + [(n, False) for n in MANIPULATIONS if n.endswith(("-jpeg", "-resaved"))]
    + COLOR,
)
def test_the_grid_of_the_last_jpeg_starts_at_the_corner_of_the_patch(astronaut, name, color):
    trace, pixels = traces.get(name), photograph(astronaut, color)
    lead = trace.lead(color, PATCH)
    last = 512 - PATCH - lead
    places = [(lead, lead), (lead, last), (last, lead)]
    handed = shown(trace, "altered", MEDIAN, pixels, places, lead)
    # The pixels are those of the coefficients: libjpeg decodes the patch's own file to them, but
    # for chroma that was interpolated across the edge of the patch.
    inner = slice(16, -16) if color else slice(None)
    decoded = jpeg.decode(handed.jpeg)
    assert torch.equal(decoded[..., inner, inner], handed.pixels[..., inner, inner])
    point = trace.points()[0]
    quality = point.get("q3", point["q2"])
    tables = standard_tables(quality, 3 if color else 1)
    assert torch.equal(handed.jpeg.tables, tables.expand(3, -1, -1, -1))
    assert handed.jpeg.sampling == ("4:2:0" if color else "gray")


def test_every_tile_of_the_lattice_fits_and_is_in_step_with_its_patch():
    for name in (*TRACES, *MANIPULATIONS):
        for color in (False, True):
            lead = traces.get(name).lead(color, PATCH)
            found = lattice((600, 700), PATCH, lead)
            assert found
            # Tile and patch are in step, so the grid of a step on the tile is that of the patch.
            assert lead % (16 if color else 8) == 0
            assert all(lead <= y <= 600 - PATCH - lead for y, _ in found)
            assert all(lead <= x <= 700 - PATCH - lead for _, x in found)
            assert len(set(found)) == len(found)


def test_the_door_refuses_what_would_leak(astronaut):
    pixels = photograph(astronaut, True)[None, :, :160, :160]
    state = Batch.of(pixels)
    with pytest.raises(ValueError, match="does not end in one"):
        door.cut(state, 16, 64, "jpeg")
    with pytest.raises(ValueError, match="no patch"):
        door.cut(state, 112, 64, "pixels")
    compressed = JpegCompression(80).apply(state)
    assert door.cut(compressed, 16, 64, "pixels").jpeg is None
    with pytest.raises(ValueError, match="block grid"):
        door.cut(compressed, 8, 64, "jpeg")


@pytest.fixture
def handed(photographs, tmp_path):
    """Run a trace with an attack: by side and point, the batches that a detector is handed."""

    def run(name, color):
        from forensics_toy.models import KEPT

        options = {"detectors": "toy-keeps", "attack": "toy-median", "trace": name, "limit": 10}
        options |= {"data": str(photographs), "patch": PATCH, "color": color, "batch": 500}
        plan = harness.make(harness.Settings.of(options))
        KEPT.clear()
        harness.execute(plan, tmp_path / "out")
        # A model is called once for the patches of a photograph, all populations in a row.
        asked = Question("toy-keeps", "detector")
        kept = [plan.populations[d] for d, those in plan.wanted.items() if asked in those]
        seen = {}
        for batch in KEPT:
            n = len(batch) // len(kept)
            for number, population in enumerate(kept):
                pristine = population.template == population.trace.history("pristine")
                side = "attacked" if population.attacker else "altered"
                side = "pristine" if pristine else side
                part = batch[number * n : (number + 1) * n]
                seen.setdefault((side, population.point), []).append(part)
        return seen

    return run


def fields(batch, number):
    """Everything of one patch that is not image content, as numbers."""
    jpeg = batch.jpeg
    form = [*batch.pixels.shape[1:], batch.pixels.is_contiguous(), *batch.positions[number]]
    if jpeg is None:
        return [*form, 0]
    sizes = [side for c in jpeg.coefficients for side in c.shape[1:]]
    table = jpeg.tables[number].flatten().tolist()
    samplings = ("gray", "4:4:4", "4:2:2", "4:2:0")
    return [*form, 1, samplings.index(jpeg.sampling), *jpeg.size, *sizes, *table]


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("name", TRACES)
def test_one_door(handed, name, color):
    seen = handed(name, color)
    points = sorted({point for side, point in seen if side == "altered"})
    assert points
    for point in points:
        pristine_point = tuple((k, v) for k, v in point if name != "jpeg" and k == "q2")
        sides = [seen["pristine", pristine_point], seen["altered", point], seen["attacked", point]]
        assert len(sides[0]) == len(sides[1]) == len(sides[2]) == 4  # one batch a photograph
        for batches in zip(*sides, strict=True):
            first = batches[0]
            for batch in batches[1:]:
                assert batch.pixels.shape == first.pixels.shape
                assert batch.pixels.dtype == first.pixels.dtype
                # Rule 1: the same photographs, places and draws.
                assert batch.photographs == first.photographs
                assert torch.equal(batch.positions, first.positions)
                assert torch.equal(batch.keys, first.keys)
                assert not torch.equal(batch.pixels, first.pixels)
            assert all((b.jpeg is None) == (name == "jpeg") for b in batches)
        # A tree that sees everything but image content, tested on other patches, is at chance.
        for altered in sides[1:]:
            rows, labels = [], []
            for label, side in enumerate((sides[0], altered)):
                rows += [fields(b, n) for b in side for n in range(len(b))]
                labels += [label] * sum(map(len, side))
            tree = DecisionTreeClassifier(random_state=0)
            # Both sides of a place are in one fold or the tree would know it by its position.
            groups = np.tile(np.arange(len(rows) // 2) % 5, 2)
            folds = [(np.flatnonzero(groups != g), np.flatnonzero(groups == g)) for g in range(5)]
            assert np.mean(cross_val_score(tree, rows, labels, cv=folds)) == 0.5


def test_splits_never_mix(photographs, tmp_path):
    paths = sorted(photographs.glob("*.png"))
    for path, split in zip(paths, ("train", "train", "val", "test"), strict=True):
        (photographs / split).mkdir(exist_ok=True)
        path.rename(photographs / split / path.name)
    used = {}
    for split in ("train", "val", "test"):
        made = harness.make(
            harness.Settings.of(
                {"data": str(photographs), "split": split, "detectors": "toy-grain", "patch": 64}
            )
        )
        used[split] = {p.sha256 for p in made.photographs}
        assert made.split == split
        assert all(Path(p.name).parts[0] == split for p in made.photographs)
    assert [len(used[s]) for s in ("train", "val", "test")] == [2, 1, 1]
    assert not used["train"] & used["test"]
    default = harness.make(
        harness.Settings.of({"data": str(photographs), "detectors": "toy-grain", "patch": 64})
    )
    assert default.split == "test"
