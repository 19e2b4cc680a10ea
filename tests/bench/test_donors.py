"""Which photographs a splice takes its regions from, and what that means for stored rows."""

import numpy as np
import torch
from PIL import Image

import forensics
from forensics import bench
from forensics.bench import donors
from forensics.bench.evaluate import work

OPTIONS = {"detectors": "watch", "trace": "splice-q1", "patch": 32, "limit": 8}


def plan(folder, **options):
    return bench.make(bench.Settings.of(OPTIONS | {"data": str(folder)} | options))


def test_donors_are_others_in_an_order_of_each_patch():
    sizes = {f"p{n}": (100 + n, 300 - n) for n in range(20)}
    orders = {}
    for position in [(0, 0), (0, 32), (32, 0), (32, 32)] * 2:
        found = donors.ranked(sizes, "p3", position, 96, 0)
        assert sorted(name for name, _ in found) == sorted(set(sizes) - {"p3"})
        for name, (y, x) in found:
            assert 0 <= y <= sizes[name][0] - 96
            assert 0 <= x <= sizes[name][1] - 96
        assert orders.setdefault(position, found) == found
    assert len({tuple(f) for f in orders.values()}) == 4
    # A photograph that is added changes nothing about the order of the others.
    fewer = {name: size for name, size in sizes.items() if name != "p7"}
    expected = [f for f in orders[0, 0] if f[0] != "p7"]
    assert donors.ranked(fewer, "p3", (0, 0), 96, 0) == expected
    assert donors.ranked(sizes, "p3", (0, 0), 96, 1) != orders[0, 0]
    assert donors.ranked(sizes, "p4", (0, 0), 96, 0) != orders[0, 0]


def test_all_are_taken_from_alike():
    sizes = {f"p{n}": (200, 200) for n in range(5)}
    first = [donors.ranked(sizes, "p0", (8 * n, 0), 100, 0)[0][0] for n in range(800)]
    counts = np.unique(first, return_counts=True)[1]
    assert len(counts) == 4
    assert ((counts - 200) ** 2 / 200).sum() < 16.3  # chi-squared, 3 degrees: p < 1e-3


def test_tiles_are_cut_from_what_the_order_says(watch, squares):
    made = plan(squares)
    there, owner = made.donors, made.photographs[0].sha256
    positions = [(96, 96), (96, 128)]
    tiles = donors.tiles(there, owner, positions, 64, 2, False, 0)
    assert tiles.shape == (2, 2, 1, 64, 64)
    sizes = {sha256: there[sha256].size for sha256 in there}
    for position, those in zip(positions, tiles, strict=True):
        ranked = donors.ranked(sizes, owner, position, 64, 0)
        for (sha256, (y, x)), tile in zip(ranked, those, strict=True):
            pixels = there[sha256].load(False)[:, y : y + 64, x : x + 64]
            assert torch.equal(tile, torch.from_numpy(pixels))
    # Three are wanted, and there are two others.
    assert donors.tiles(there, owner, positions, 64, 3, False, 0) is None
    assert donors.tiles(there, owner, positions, 4096, 1, False, 0) is None


def test_a_damaged_donor_is_passed_over(watch, squares):
    made = plan(squares)
    there, owner = made.donors, made.photographs[0].sha256
    sizes = {sha256: photograph.size for sha256, photograph in there.items()}
    (first, _), (second, (y, x)) = donors.ranked(sizes, owner, (96, 96), 64, 0)
    there[first].path.write_bytes(b"no image")
    donors._loaded.cache_clear()
    tile = donors.tiles(there, owner, [(96, 96)], 64, 1, False, 0)[0, 0]
    expected = there[second].load(False)[:, y : y + 64, x : x + 64]
    assert torch.equal(tile, torch.from_numpy(expected))


def test_with_other_donors_it_is_another_condition(watch, squares):
    def digests(made):
        cells = [c for c in made.cells if c.attacker is None]
        return {
            (c.point, s): [p.digest for p in those] for c in cells for s, those in c.sides.items()
        }

    before = plan(squares)
    Image.fromarray(np.zeros((320, 320), np.uint8)).save(squares / "more.png")
    after = digests(plan(squares))
    for (point, side), digest in digests(before).items():
        assert (after[point, side] == digest) == (side == "pristine")


def test_one_photograph_alone_has_none_to_take_from(watch, squares, tmp_path):
    for path in sorted(squares.glob("*.png"))[1:]:
        path.unlink()
    cells = forensics.run(tmp_path / "out", **OPTIONS, data=str(squares), attack="toy-median").cells
    assert cells
    assert all("no other photograph" in cell.na for cell in cells)
    # What needs no other photograph goes on.
    options = OPTIONS | {"trace": "splice-copy"}
    copied = forensics.run(tmp_path / "out", **options, data=str(squares)).cells
    assert [cell.na for cell in copied] == [None]


def test_the_unit_of_work_is_a_pure_function(watch, squares):
    made = plan(squares)
    device = torch.device("cpu")
    first = [work(made, p, {}, device).rows for p in made.photographs]
    again = [work(made, p, {}, device).rows for p in reversed(made.photographs)][::-1]
    assert first == again
    assert sum(map(len, first)) == 8 * 4  # three points and the pristine side
