"""Draws of parameters, and that every trace can be trained on, through the bench's own path."""

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
import torch
from PIL import Image

from forensics import data
from forensics.batch import Batch
from forensics.bench.positions import origins
from forensics.errors import ForensicsError
from forensics.models.registry import registry
from forensics.traces import crop
from forensics.traces import trace as traces
from forensics.traces.draws import Draw, dealt, described, parse
from forensics.training import LogUniform, NetworkRecipe, Phase, Uniform
from forensics.training.generator import Generator, Pool

CPU = torch.device("cpu")
KEYS = torch.arange(4000)


@dataclass(frozen=True, eq=False)
class Asked(NetworkRecipe):
    """Only what the generator asks of a recipe."""

    trace: str = "jpeg"
    drawn: Any = None
    phases: ClassVar[tuple[Phase, ...]] = (Phase(1, 16, 4, 1e-3),)
    part: ClassVar[str] = "any"

    def draws(self):
        return self.drawn

    def network(self):
        raise NotImplementedError

    loss = validate = network


@pytest.fixture(scope="module")
def pool(tmp_path_factory, astronaut):
    folder = tmp_path_factory.mktemp("astronaut") / "train"
    folder.mkdir()
    Image.fromarray(astronaut).save(folder / "astronaut.png")
    return Pool(data.resolve(str(folder.parent), "train"), False, CPU)


# Regions of other photographs have tests of their own.
ALONE = [name for name in sorted(registry().all("trace")) if not traces.get(name).donors]


@pytest.mark.parametrize("name", ALONE)
def test_every_trace_gives_what_a_run_would_show(pool, name):
    """At the same positions with the same values, from tiles of another size, one by one."""
    trace, patch = traces.get(name), 16
    points = [tuple(point[n] for n in trace.parameters) for point in trace.points()]
    drawn = {trace.parameters: points} if trace.parameters else {}
    example = Generator(Asked(name, drawn), pool).example(1, 2, patch, 12)
    shown = list(example.sides.values())
    assert {batch.size for batch in shown} == {(patch, patch)}
    assert {batch.pixels.shape for batch in shown} == {(12, 1, patch, patch)}

    photograph = torch.from_numpy(pool.source[0].load(False))
    margin, positions = trace.margin(False, patch), shown[0].positions
    inside = ((positions >= margin) & (positions <= 512 - patch - margin)).all(1).nonzero()[:, 0]
    assert len(inside) > 0
    for i in inside[:2].tolist():
        y, x = positions[i].tolist()
        side = patch + 2 * margin
        tile = photograph[:, y - margin : y - margin + side, x - margin : x - margin + side]
        keys, position = shown[0].keys[i : i + 1], positions[i : i + 1]
        window, where = (margin, patch), origins(position, margin)
        batch = Batch(tile[None], keys, ("p",), position, origins=where, window=window)
        values = {n: example.values[n][i].item() for n in trace.parameters} | trace.drawn(keys)
        for name, ours in example.sides.items():
            state = trace.history(name).fill(None).apply(batch, values)
            theirs = crop.cut(state, margin, patch, trace.input)
            assert torch.equal(ours.pixels[i], theirs.pixels[0])
            assert torch.equal(example.masks[name][i], crop.mask(state, margin, patch)[0])
            assert (ours.jpeg is None) == (theirs.jpeg is None)
            if theirs.jpeg is not None:
                assert torch.equal(ours.jpeg.coefficients[0][i], theirs.jpeg.coefficients[0][0])
            one = {n: value[i : i + 1] for n, value in example.values.items()}
            for what, answer in trace.answers(name, one, 1).items():
                assert example.targets[name][what][i] == answer[0]


def test_uniform_and_log_uniform_are_what_they_say():
    flat = Draw.of("f", Uniform(0.5, 2)).values(KEYS)["f"]
    steep = Draw.of("f", LogUniform(0.5, 2)).values(KEYS)["f"].log2()
    for found, low, high in ((flat, 0.5, 2), (steep, -1, 1)):
        assert found.dtype == torch.float64
        assert low <= found.min() < low + 0.01
        assert high - 0.01 < found.max() <= high
        # A uniform distribution's deciles; 4,000 draws miss by 3 % once in ten thousand times.
        deciles = torch.quantile(found, torch.arange(1, 10, dtype=torch.float64) / 10)
        expected = low + (high - low) * torch.arange(1, 10) / 10
        torch.testing.assert_close(deciles, expected.double(), atol=0.03 * (high - low), rtol=0)


def test_joint_draws_stay_together():
    pairs = [(60, 90), (70, 95), (80, 75)]
    found = Draw.of(("q1", "q2"), pairs).values(KEYS)
    drawn = list(zip(found["q1"].tolist(), found["q2"].tolist(), strict=True))
    counts = [drawn.count(pair) for pair in pairs]
    assert sum(counts) == 4000
    assert all(abs(count - 4000 / 3) < 150 for count in counts)


def test_a_trace_s_own_draw_is_replaced(pool):
    drawn = {"k": [3], "q0": range(40, 50), "q2": [90]}
    example = Generator(Asked("median-jpeg", drawn), pool).example(0, 0, 16, 40)
    assert 40 <= example.values["q0"].min() < example.values["q0"].max() <= 49
    left = Generator(Asked("median-jpeg", {"k": [3], "q2": [90]}), pool).example(0, 0, 16, 40)
    assert set(left.values["q0"].tolist()) == {95, 96, 97}


def test_the_tile_is_as_wide_as_the_draws_ask(pool):
    """Smaller for a narrow range, and no pixel depends on how the tile ends."""
    narrow = Generator(Asked("rotate", {"d": Uniform(-2, 2)}), pool)
    wide = Generator(Asked("rotate", {"d": Uniform(-180, 180)}), pool)
    widest = traces.get("rotate").margin(False, 32, {"d": (45,)}, slot=False)
    assert narrow.margin(32) < wide.margin(32) == widest


def test_truth_is_known_side_by_side(pool):
    generator = Generator(Asked("median", {"k": [3, 5]}), pool)
    example = generator.example(0, 0, 16, 10)
    assert example.targets["altered"]["k"].tolist() == example.values["k"].tolist()
    assert example.targets["pristine"]["k"].tolist() == [1] * 10


def test_a_validation_deals_ranges_and_pairs_evenly():
    drawn = parse({"f": Uniform(0, 1), ("a", "b"): [(1, 2), (3, 4)]})
    values = dealt(drawn, 8)
    assert values["f"].tolist() == [(i + 0.5) / 8 for i in range(8)]
    assert sorted(values["b"].tolist()) == [2] * 4 + [4] * 4 != values["b"].tolist()
    assert dealt(drawn, 32)["f"].tolist() == 2 * [(i + 0.5) / 16 for i in range(16)]
    assert dealt(drawn, 32)["b"].tolist() == [2] * 16 + [4] * 16


def test_draws_are_described_for_a_reader():
    assert described({"q": [50, 60]}) == "q in 50, 60"
    assert described({"q1": range(50, 96), "q2": [90]}) == "q1 in 50..95; q2 in 90"
    assert described({"t": [0, *range(50, 101)]}) == "t in 52 values of 0..100"
    assert described({"f": Uniform(0.5, 2)}) == "f in 0.5..2 (uniform)"
    assert described({"s": LogUniform(0.5, 8)}) == "s in 0.5..8 (log-uniform)"
    assert described({("a", "b"): [(1, 2), (3, 4)]}) == "(a, b) in (1, 2), (3, 4)"
    pairs = [(a, 90) for a in range(60, 70)]
    assert described({("q1", "q2"): pairs}).endswith("(64, 90) and 5 more")


@pytest.mark.parametrize(
    ("trace", "drawn", "sentence"),
    [
        ("jpeg", {"q": [60, 101]}, "quality from 1 to 100, not 101"),
        ("median", {"k": [3, 4]}, "median takes .* not 4"),
        ("gaussian", {"s": Uniform(-1, 2)}, "gaussian takes .* not -1"),
        ("jpeg", {}, "a recipe of jpeg draws q, not nothing"),
        ("jpeg", {"q": [60], "x": [1]}, "a recipe of jpeg draws q, not q, x"),
        ("q1", {"q1": [60], "q2": [90], "r": [1]}, "q1 draws r, c together"),
        ("jpeg", {"q": []}, "q is drawn from a range or from a list"),
        ("jpeg", {"q": "6"}, "q is drawn from a list of values"),
        ("djpeg", {("q1", "q2"): [(60, 90), (60,)]}, "with 2 values in each place"),
        ("djpeg", {("q1", "q2"): Uniform(60, 90)}, "is drawn from a list of values"),
    ],
)
def test_draws_that_do_not_fit_are_one_sentence(pool, trace, drawn, sentence):
    with pytest.raises(ForensicsError, match=sentence) as raised:
        Generator(Asked(trace, drawn), pool).holding(16)
    assert "\n" not in str(raised.value)


def test_ranges_that_are_none_are_one_sentence():
    with pytest.raises(ForensicsError, match="from a lower to a higher"):
        Uniform(2, 1)
    with pytest.raises(ForensicsError, match="from a lower to a higher"):
        Uniform(0, float("inf"))
    with pytest.raises(ForensicsError, match="begins above 0"):
        LogUniform(0, 1)
