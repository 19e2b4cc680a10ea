"""All points of a trace as one cell."""

import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from forensics import bench
from forensics.bench.store import Store
from forensics.errors import ForensicsError

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture
def run(photographs, tmp_path):
    def call(**options):
        given = {"data": str(photographs), "patch": 64, "limit": 6, "set": {"q": [60, 90]}}
        plan = bench.make(bench.Settings.of(given | options))
        return plan, bench.execute(plan, tmp_path / "out")

    return call


def scores(plan, folder, conditions, model):
    """By hand: the stored values of conditions, one after the other."""
    store = Store(folder)
    return np.array(
        [
            store.read(photograph.sha256)[p.digest, plan.hashes[model], "score"][position][0]
            for p in conditions
            for photograph in plan.photographs
            for position in plan.positions[p.sample].get(photograph.sha256, [])
        ]
    )


def test_a_detector_over_all_points_is_one_curve(run, tmp_path):
    plan, matrix = run(detectors="toy-grain", trace="jpeg", attack="toy-median", pool=True)
    apart, _ = run(detectors="toy-grain", trace="jpeg", attack="toy-median")
    assert [c.attack for c in matrix.cells] == [None, "toy-median"]
    for attack, cell in zip((None, "toy-median"), matrix.cells, strict=True):
        those = [c for c in apart.cells if str(c.attacker or None) == str(attack)]
        pristine, altered = (
            scores(apart, tmp_path / "out", conditions, "toy-grain")
            for conditions in (
                [p for c in those for p in c.pristine],
                [p for c in those for p in c.altered],
            )
        )
        target = np.repeat([0, 1], [len(pristine), len(altered)])
        auc = roc_auc_score(target, np.concatenate([pristine, altered]))
        assert cell.metrics["auc"].value == pytest.approx(auc)
        assert (cell.n, cell.point) == (12, {})
    assert matrix.protocol["points"] == {"jpeg": [{"q": 60}, {"q": 90}]}
    # The same rows: nothing is computed again.
    assert plan.conditions.keys() == apart.conditions.keys()


def test_an_estimator_over_all_points_is_their_mean_and_its_interval_is_its_own(run):
    _, together = run(estimators="toy-quality", trace="jpeg", pool=True)
    _, apart = run(estimators="toy-quality", trace="jpeg")
    (cell,) = together.cells
    for name in ("accuracy", "mse"):
        means = [c.metrics[name].value for c in apart.cells]
        assert cell.metrics[name].value == pytest.approx(np.mean(means))
    assert cell.n == sum(c.n for c in apart.cells)
    widths = [c.metrics["mse"].high - c.metrics["mse"].low for c in apart.cells]
    found = cell.metrics["mse"]
    assert found.high - found.low <= np.mean(widths) + 1e-9
    json.loads(together.to_json())


def test_what_is_n_a_at_one_point_is_n_a_over_all(run):
    options = {"detectors": "toy-narrow", "trace": "djpeg", "pool": True}
    _, one = run(**options, set={"q1": [60], "q2": [75]})
    _, two = run(**options, set={"q1": [60], "q2": [75, 85]})
    assert (one.cells[0].n, one.cells[0].na) == (6, None)
    assert (two.cells[0].n, two.cells[0].na) == (0, "judges q2=70..80 only")
    with pytest.raises(ForensicsError, match="pool takes true or false"):
        run(pool="yes")


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ("60..63", (60, 61, 62, 63)),
        ("60..61,90", (60, 61, 90)),
        (["60..61", 61], (60, 61)),
        ("-2..0", (-2, -1, 0)),
    ],
)
def test_a_range_is_all_whole_numbers_in_it(given, values):
    assert bench.Settings.of({"set": {"q": given}}).set == {"q": values}


@pytest.mark.parametrize("given", ["60..50", "6.5..8", "a..b", "60..", ".."])
def test_what_is_no_range_is_refused(given):
    with pytest.raises(ForensicsError, match=r"--set takes q=60,70 or q=60..98"):
        bench.Settings.of({"set": {"q": given}})
