"""The rules against leaks: what could tell the sides of a trace apart other than image content."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from forensics import bench
from forensics.batch import Batch
from forensics.builtin import forensics_traces
from forensics.histories.operations import JpegCompression
from forensics.traces import crop
from forensics.traces import trace as traces

from .watching import accuracy, run

# Those with one side have nothing to tell apart.
PAIRED = [entry.name for entry in forensics_traces() if "pristine" in traces.get(entry.name).sides]
# In colour one of each kind, the others where there is time.
_QUICK = ("djpeg-shifted", "median-resaved", "operation-jpeg", "splice-q1")
BOTH = [(name, False) for name in PAIRED] + [
    pytest.param(name, True, marks=() if name in _QUICK else pytest.mark.slow) for name in PAIRED
]


def sides(seen, trace):
    """(pristine, other) batches to be told apart: every other side, clean and attacked, at every
    point, with the pristine side of the same parameters, attacked where that is possible."""
    for (side, attacked, point), batches in seen.items():
        if side == "pristine":
            continue
        shared = traces.get(trace).history("pristine").parameters
        used = tuple((k, v) for k, v in point if k in shared)
        if trace.startswith("operation"):
            used = next(p for s, _, p in seen if s == "pristine" and set(p) <= set(point))
        both = attacked and traces.get(trace).history("pristine").has_slot
        yield seen["pristine", both, used], batches


@pytest.mark.parametrize(("name", "color"), BOTH)
def test_nothing_but_image_content_tells_the_sides_apart(watch, squares, tmp_path, name, color):
    """Through tiles, attackers and crop of a real run: a tree that sees sizes, memory layouts,
    dtypes, channels, which fields there are, tables, samplings, keys, positions and names."""
    options = {"color": color, "limit": 8 if not color else 4}
    seen, _ = run(squares, tmp_path / "out", name, "watch-pixels", **options)
    compared = list(sides(seen, name))
    assert len(compared) >= 2 * (len(traces.get(name).sides) - 1)
    for pristine, other in compared:
        assert sum(map(len, pristine)) == sum(map(len, other)) >= 4
        assert accuracy(pristine, other) == 0.5
        # Rule 1, and something is left to be told apart.
        for one, two in zip(pristine, other, strict=True):
            assert one.photographs == two.photographs
            assert torch.equal(one.positions, two.positions)
            assert torch.equal(one.keys, two.keys)
            assert (one.jpeg is None) == (traces.get(name).input == "pixels")
        assert any(
            not torch.equal(a.pixels, b.pixels) for a, b in zip(pristine, other, strict=True)
        )


PLANTED = {
    "mask": lambda state, shown: replace(shown, mask=crop.mask(state, *state.window)),
    "origins": lambda state, shown: replace(shown, origins=state.origins),
    "jpeg": lambda state, shown: replace(shown, jpeg=state.jpeg),
    "layout": lambda state, shown: (
        replace(shown, pixels=shown.pixels.mT.contiguous().mT) if state.jpeg else shown
    ),
    "keys": lambda state, shown: replace(shown, keys=shown.keys // 9) if state.jpeg else shown,
    "positions": lambda state, shown: (
        replace(shown, positions=shown.positions + 999) if state.jpeg else shown
    ),
}


@pytest.mark.parametrize("leak", PLANTED)
def test_a_leak_is_found(watch, squares, tmp_path, monkeypatch, leak):
    cut = crop.cut

    def leaking(state, *rest):
        return PLANTED[leak](state, cut(state, *rest))

    monkeypatch.setattr(crop, "cut", leaking)
    name = {"mask": "splice-copy", "origins": "resize-bilinear"}.get(leak, "jpeg")
    # A resize by much moves where the tiles lie by much.
    far = {"set": {"f": [0.5]}} if leak == "origins" else {}
    seen, _ = run(squares, tmp_path / "out", name, (), limit=24, **far)
    for pristine, other in sides(seen, name):
        assert accuracy(pristine, other) > 0.8


def test_a_table_that_says_the_side_is_found(watch, squares, tmp_path):
    seen, _ = run(squares, tmp_path / "out", "watch-leak", (), limit=16)
    batches = {side: those for (side, _, _), those in seen.items()}
    assert accuracy(batches["pristine"], batches["altered"]) == 1.0


@pytest.mark.parametrize("name", ["splice-two", "rotate"])
def test_an_attacker_sees_the_image_alone(watch, squares, tmp_path, name):
    from forensics_watch.models import ATTACKED

    ATTACKED.clear()
    run(squares, tmp_path / "out", name, "watch-pixels")
    assert ATTACKED
    for batch in ATTACKED:
        assert (batch.mask, batch.donors, batch.window) == (None, None, None)


def test_who_acts_on_jpegs_acts_on_both_sides_of_what_is_saved_again(watch, squares, tmp_path):
    from forensics_watch.models import ATTACKED

    ATTACKED.clear()
    seen, matrix = run(squares, tmp_path / "out", "median-resaved", "watch-jpeg")
    assert all(batch.jpeg is not None for batch in ATTACKED)
    found = {(side, attacked): those for (side, attacked, _), those in seen.items()}
    assert set(found) == {(s, a) for s in ("pristine", "altered") for a in (False, True)}
    for side in ("pristine", "altered"):
        pairs = zip(found[side, False], found[side, True], strict=True)
        assert all(not torch.equal(clean.pixels, act.pixels) for clean, act in pairs)
    cells = matrix.cells
    assert {cell.attack for cell in cells} == {None, "watch-jpeg"}
    assert all(cell.na is None and cell.n == 8 for cell in cells)
    # Where there is no JPEG at the slot it says so.
    _, matrix = run(squares, tmp_path / "out", "median-jpeg", "watch-jpeg")
    reasons = {c.attack: c.na for c in matrix.cells}
    assert reasons == {None: None, "watch-jpeg": "not a JPEG at this place"}


def test_the_door_refuses_what_would_leak(astronaut):
    pixels = torch.from_numpy(astronaut).permute(2, 0, 1)[None, :, :160, :160]
    state = Batch.of(pixels)
    with pytest.raises(ValueError, match="does not end in one"):
        crop.cut(state, 16, 64, "jpeg")
    with pytest.raises(ValueError, match="no patch"):
        crop.cut(state, 112, 64, "pixels")
    compressed = JpegCompression(80).apply(state)
    assert crop.cut(compressed, 16, 64, "pixels").jpeg is None
    with pytest.raises(ValueError, match="block grid"):
        crop.cut(compressed, 8, 64, "jpeg")


def test_splits_never_mix(toy, photographs, tmp_path):
    paths = sorted(photographs.glob("*.png"))
    for path, split in zip(paths, ("train", "train", "val", "test"), strict=True):
        (photographs / split).mkdir(exist_ok=True)
        path.rename(photographs / split / path.name)
    used = {}
    for split in ("train", "val", "test"):
        made = bench.make(
            bench.Settings.of(
                {"data": str(photographs), "split": split, "detectors": "toy-grain", "patch": 64}
            )
        )
        used[split] = {p.sha256 for p in made.photographs}
        assert made.split == split
        assert all(Path(p.name).parts[0] == split for p in made.photographs)
    assert [len(used[s]) for s in ("train", "val", "test")] == [2, 1, 1]
    assert not used["train"] & used["test"]
    default = bench.make(
        bench.Settings.of({"data": str(photographs), "detectors": "toy-grain", "patch": 64})
    )
    assert default.split == "test"
