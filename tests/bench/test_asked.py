"""Estimators, localizers and traces of many sides, against loops by hand and scikit-learn."""

import itertools
import json

import numpy as np
import pytest
import torch
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, confusion_matrix, roc_auc_score

import forensics
from forensics import bench, random
from forensics.batch import Batch
from forensics.histories.history import History
from forensics.jpeg import ZIGZAG, standard_tables
from forensics.models import selection
from forensics.models.interfaces import Estimate
from forensics.traces import trace as traces

pytestmark = pytest.mark.usefixtures("toy")

PATCH = 64


@pytest.fixture
def run(photographs, tmp_path):
    counter = iter(range(100))

    def call(**options):
        options = {"data": str(photographs), "patch": PATCH, "limit": 10, **options}
        plan = bench.make(bench.Settings.of(options))
        return plan, bench.execute(plan, tmp_path / f"out{next(counter)}")

    return call


def positions(plan, trace):
    return [
        (photograph.sha256, y, x)
        for photograph in plan.photographs
        for y, x in plan.positions[trace].get(photograph.sha256, [])
    ]


def value(cell, name):
    return cell.metrics[name].value


def test_an_estimator_of_steps_against_the_tables_by_hand(run):
    """The truth of a q1 patch: the first table's first steps, and the shift that was drawn."""
    plan, matrix = run(estimators="toy-table", trace="q1")
    assert [c.point["q1"] for c in matrix.cells] == [60, 80, 95]
    keys = torch.tensor([random.key(0, *position) for position in positions(plan, "q1")])
    shift = traces.get("q1").drawn(keys)["r"].numpy()
    last = standard_tables(90, 1).flatten().numpy()[list(ZIGZAG)]
    for cell in matrix.cells:
        assert (cell.kind, cell.n, cell.n_na, cell.photographs) == (
            "estimator",
            10,
            0,
            4,
        )
        assert cell.names == ("step1", "step2")
        first = standard_tables(cell.point["q1"], 1).flatten().numpy()[list(ZIGZAG)]
        errors = (last[:2] - first[:2]).astype(float)
        assert value(cell, "mse") == pytest.approx(np.mean(errors**2))
        assert value(cell, "mae") == pytest.approx(np.mean(np.abs(errors)))
        assert value(cell, "accuracy") == pytest.approx(np.mean(errors == 0))
        assert value(cell, "mse:step2") == pytest.approx(errors[1] ** 2)
        assert value(cell, "accuracy:r") == pytest.approx(np.mean(shift == 0))
        assert value(cell, "mse:r") == pytest.approx(np.mean(shift.astype(float) ** 2))
        assert cell.metrics["false_estimates"].reason == "no pristine patch has an answer"
        assert not any("mood" in name for name in cell.metrics)
        rows, counts = np.unique(shift, return_counts=True)
        assert cell.confusion["r"] == [(r, 0, n) for r, n in zip(rows, counts, strict=True)]
        # It says where it moved to, the interval holds it.
        low, high = cell.metrics["mse:r"].low, cell.metrics["mse:r"].high
        assert low < value(cell, "mse:r") < high
    json.loads(matrix.to_json())


def test_what_an_estimator_states_is_stored_and_held_against_the_truth(run):
    plan, matrix = run(estimators="toy-quality", set={"q": [60, 90]}, pool=True)
    (cell,) = matrix.cells
    model = forensics.load("toy-quality")
    stated, right = [], []
    for photograph in plan.photographs:
        pixels = torch.from_numpy(photograph.load(color=False))[None]
        for (y, x), q in itertools.product(
            plan.positions["jpeg"].get(photograph.sha256, []), (60, 90)
        ):
            patch = pixels[:, :, y : y + PATCH, x : x + PATCH]
            given = model.estimate(History.parse(f"jpeg({q})").apply(Batch.of(patch)))
            stated.append(float(given.beliefs["q"].shares.max()))
            right.append(float(given.values) == q)
    expected, means = calibration_curve(right, stated, n_bins=10)
    diagram = {
        what: [
            figure.value
            for name, figure in cell.reliability.items()
            if name.startswith(what) and figure.value is not None
        ]
        for what in ("right:", "stated:", "share:")
    }
    assert diagram["right:"] == pytest.approx(expected)
    assert diagram["stated:"] == pytest.approx(means, rel=1e-4)
    apart = [abs(e - m) for e, m in zip(expected, means, strict=True)]
    shares = [share for share in diagram["share:"] if share]
    assert value(cell, "ece") == pytest.approx(np.dot(shares, apart), rel=1e-4)
    assert json.loads(matrix.to_pandas()["reliability"][0]) == cell.to_dict()["reliability"]


def test_an_estimator_finds_the_quality_that_was_used(run):
    """On decoded JPEGs the lattice gives the quality away; a median filter hides it."""
    _, matrix = run(estimators="toy-quality", attack="toy-median")
    assert {c.trace for c in matrix.cells} == {"jpeg"}
    clean, attacked = ([c for c in matrix.cells if c.attack == a] for a in (None, "toy-median"))
    assert [value(c, "accuracy") for c in clean] == [1, 1, 1]
    assert [value(c, "mse") for c in clean] == [0, 0, 0]
    assert np.mean([value(c, "accuracy") for c in attacked]) < 1
    assert all(c.cost is not None for c in attacked)


def patches(plan, side, attack=None):
    """The patches of one side of toy-pasted, made without the bench."""
    trace = traces.get("toy-pasted")
    margin = trace.margin(False, PATCH)
    made = []
    for photograph in plan.photographs:
        whole = torch.from_numpy(photograph.load(False))
        for y, x in plan.positions["toy-pasted"].get(photograph.sha256, []):
            tile = whole[:, y - margin : y + PATCH + margin, x - margin : x + PATCH + margin]
            keys = torch.tensor([random.key(0, photograph.sha256, y, x)])
            state = Batch(tile[None], keys, (photograph.sha256,), torch.tensor([[y, x]]))
            state = trace.history(side).fill(None).apply(state, {"side": 24})
            if attack is not None and side != "pristine":
                state = state.with_pixels(attack.attack(state))
            made.append(state.pixels[:, :, margin : margin + PATCH, margin : margin + PATCH])
    return Batch.of(torch.cat(made))


@pytest.fixture
def model():
    return selection.model("toy-everything", "detector").create()


def test_the_altered_patches_of_a_detector_are_those_of_all_other_sides(run, model):
    plan, matrix = run(detectors="toy-everything")
    (cell,) = matrix.cells
    assert (cell.kind, cell.n, cell.photographs) == ("detector", 20, 4)
    scores = {s: model.score(patches(plan, s)).values for s in ("pristine", "pasted", "blurred")}
    auc = roc_auc_score(
        [0] * 10 + [1] * 20, torch.cat([scores[s] for s in ("pristine", "pasted", "blurred")])
    )
    assert value(cell, "auc") == pytest.approx(auc, abs=1e-12)


def test_an_estimator_with_beliefs_is_a_detector(run):
    plan, matrix = run(detectors=["toy-classes", "toy-classes:silent=true"])
    cell, silent = matrix.cells
    assert (cell.kind, cell.n) == ("detector", 20)
    assert silent.na == "it states no probabilities"
    model, sides = forensics.load("toy-classes"), ("pristine", "pasted", "blurred")
    shares = [model.estimate(patches(plan, side)).beliefs["which"].shares for side in sides]
    something = 1 - torch.cat(shares)[:, 0].double()
    auc = roc_auc_score([0] * 10 + [1] * 20, something)
    assert value(cell, "auc") == pytest.approx(auc, abs=1e-12)


def test_a_model_that_is_asked_as_both_estimates_once(run, monkeypatch):
    from forensics_toy import asked

    estimate, seen = asked.Grainy.estimate, []

    def counted(self, batch):
        seen.append(len(batch))
        return estimate(self, batch)

    monkeypatch.setattr(asked.Grainy, "estimate", counted)
    options = {"attack": "toy-median", "trace": "toy-pasted"}
    as_detector, as_estimator = {"detectors": "toy-classes"}, {"estimators": "toy-classes"}
    alone = run(**as_detector, **options)[1].cells + run(**as_estimator, **options)[1].cells
    counts, seen[:] = sum(seen), []
    both = run(**as_detector, **as_estimator, **options)[1].cells
    assert 2 * sum(seen) == counts
    order = lambda cell: (cell.kind, str(cell.attack))  # noqa: E731
    assert sorted(both, key=order) == sorted(alone, key=order)


def test_an_attack_on_many_sides_has_a_success_rate(run):
    _, matrix = run(detectors="toy-everything", attack="toy-median", patch=32, limit=44)
    attacked = matrix.cells[1]
    assert attacked.n == 88
    assert value(attacked, "asr") is not None
    assert attacked.cost.against == "the image before toy-paste(24) or the image before gaussian(2)"


def test_classes_with_words_count_the_untouched(run, model):
    plan, matrix = run(estimators="toy-everything")
    (cell,) = matrix.cells
    sides = ("pristine", "pasted", "blurred")
    given = [model.estimate(patches(plan, s)).values[:, 0].numpy() for s in sides]
    true = np.repeat([0, 1, 2], 10)
    assert (cell.n, cell.names) == (20, ("which",))
    assert value(cell, "accuracy") == pytest.approx(accuracy_score(true, np.concatenate(given)))
    assert value(cell, "false_estimates") == pytest.approx(np.mean(given[0] != 0))
    assert cell.metrics["mse"].reason == "classes have no distance"
    words = ["none", "pasted", "blurred"]
    expected = confusion_matrix(true, np.concatenate(given).astype(int), labels=[0, 1, 2])
    found = np.zeros((3, 3), int)
    for t, g, n in cell.confusion["which"]:
        found[words.index(t), words.index(g)] = n
    assert np.array_equal(found, expected)
    assert expected.sum() == 30


@pytest.mark.parametrize("attack", [None, "toy-median"])
def test_a_localizer_against_the_enlarged_map_by_hand(run, model, attack):
    plan, matrix = run(localizers="toy-everything", attack=attack or "none")
    cell = next(c for c in matrix.cells if c.attack == attack)
    attacker = selection.model(attack, "attacker").create() if attack else None
    pasted, blurred, pristine = (
        model.localize(patches(plan, s, attacker)) for s in ("pasted", "blurred", "pristine")
    )
    mask = np.zeros((PATCH, PATCH), bool)
    mask[20:44, 20:44] = True  # the middle of the tile is the middle of the patch

    def enlarged(heat):
        return np.kron(heat.values.to(torch.bfloat16).double().numpy(), np.ones((1, 8, 8)))

    maps = enlarged(pasted)
    means = [roc_auc_score(mask.ravel(), one.ravel()) for one in maps]
    assert value(cell, "pixel_auc_mean") == pytest.approx(np.mean(means), abs=1e-12)
    labels = np.concatenate([np.tile(mask, (10, 1, 1)), np.zeros((10, PATCH, PATCH))])
    pooled = roc_auc_score(labels.ravel(), np.concatenate([maps, enlarged(blurred)]).ravel())
    assert value(cell, "pixel_auc") == pytest.approx(pooled, abs=1e-12)
    scores = torch.cat([pristine.scores, pasted.scores, blurred.scores])
    auc = roc_auc_score([0] * 10 + [1] * 20, scores)
    assert value(cell, "auc") == pytest.approx(auc, abs=1e-12)
    assert (cell.kind, cell.n) == ("localizer", 20)
    assert ("asr" in cell.metrics) == (attack is not None)


def test_patches_that_an_estimator_refuses_are_counted_on_all_sides(run, monkeypatch):
    everything = selection.model("toy-everything", "estimator").create()
    full = type(everything).estimate

    def estimate(self, batch):
        found = full(self, batch)
        dark = batch.luma().mean((1, 2)) < 100
        values = found.values.masked_fill(dark[:, None], float("nan"))
        reasons = tuple("dark" if d else None for d in dark.tolist())
        return Estimate(found.names, values, found.beliefs, reasons)

    monkeypatch.setattr(type(everything), "estimate", estimate)
    plan, matrix = run(estimators="toy-everything")
    (cell,) = matrix.cells
    of_side = [
        int((patches(plan, side).luma().mean((1, 2)) < 100).sum())
        for side in ("pristine", "pasted", "blurred")
    ]
    assert 0 < of_side[0] < 10
    assert (cell.n_pristine, cell.n) == (10 - of_side[0], 20 - sum(of_side[1:]))
    assert (cell.n_na, cell.reasons) == (sum(of_side), {"dark": sum(of_side)})


def test_a_localizer_without_answers_says_why(run):
    _, matrix = run(localizers=["toy-everything:blind=true", "toy-everything"])
    blind, seeing = matrix.cells
    assert (blind.na, blind.n, blind.n_pristine, blind.n_na) == ("blind", 0, 0, 30)
    assert seeing.na is None
    assert blind.metrics["pixel_auc"].reason == "no image has a map"


def test_a_model_of_three_kinds_has_three_cells_and_one_hash(run):
    kinds = dict.fromkeys(("detectors", "estimators", "localizers"), "toy-everything")
    _, together = run(**kinds)
    assert [c.kind for c in together.cells] == ["detector", "estimator", "localizer"]
    assert list(together.protocol["models"]) == ["toy-everything"]
    alone = [run(**{kind: "toy-everything"})[1].cells[0] for kind in kinds]
    assert together.cells == alone


def test_naming_one_kind_leaves_the_others_out():
    everything = bench.make(bench.Settings.of({"trace": "toy-pasted", "patch": PATCH}))
    kinds = {c.kind for c in everything.cells}
    assert kinds == {"detector", "estimator", "localizer"}
    one = bench.Settings.of({"estimators": "toy-table"})
    assert (one.detectors, one.estimators, one.localizers) == ((), ("toy-table",), ())
    assert bench.Settings.of(bench.read_config(one.to_yaml(), "x")) == one
    assert {c.trace.name for c in bench.make(one).cells} == {"q1"}
    every = bench.make(bench.Settings.of({"estimators": "toy-table", "trace": "all"}))
    assert {c.trace.name for c in every.cells} == {"q1", "q1-aligned", "toy-slot"}
    assert {c.reason for c in every.cells if c.trace.name == "toy-slot"} == {
        "trace toy-slot has no truth to estimate"
    }


def test_stored_answers_are_not_asked_for_again(run, photographs, tmp_path, monkeypatch):
    from forensics_toy import asked

    kinds = dict.fromkeys(("detectors", "estimators", "localizers"), "toy-everything")
    options = {"data": str(photographs), "patch": PATCH, "limit": 10, **kinds}
    first = forensics.run(tmp_path / "out", **options)
    monkeypatch.setattr(asked.Everything, "heat", lambda self, batch: 1 / 0)
    assert forensics.run(tmp_path / "out", **options).cells == first.cells
    assert forensics.run(tmp_path / "other", **options).failures


@pytest.mark.parametrize(("how", "words"), [("shape", ""), ("infinite", "infinite value")])
@pytest.mark.parametrize("kind", ["estimators", "localizers"])
def test_answers_that_break_the_contract_lose_their_own_cells_only(run, kind, how, words):
    _, matrix = run(**{kind: [f"toy-everything:breaks={how}", "toy-everything"]})
    broken, whole = matrix.cells
    assert "raised ValueError" in broken.na
    assert words in broken.na
    assert whole.na is None
    assert whole == run(**{kind: "toy-everything"})[1].cells[0]
