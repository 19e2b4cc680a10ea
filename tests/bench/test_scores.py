"""The table of every patch's scores: figures can be computed anew from it, by other hands."""

import pandas
import pytest
from sklearn.metrics import roc_auc_score

from forensics import bench
from forensics.bench.matrix import Matrix
from forensics.errors import ForensicsError

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture
def run(photographs, tmp_path):
    def call(**options):
        options = {"data": str(photographs), "patch": 64, "limit": 10} | options
        return bench.execute(bench.make(bench.Settings.of(options)), tmp_path / "out")

    return call


def test_every_auc_can_be_computed_from_it(run, tmp_path):
    matrix = run(detectors=["toy-grain"], attack=["toy-median"], trace=["jpeg", "djpeg"])
    matrix.save_scores(tmp_path / "scores.parquet")
    matrix.save_scores(tmp_path / "scores.csv")
    table = pandas.read_parquet(tmp_path / "scores.parquet")
    read = pandas.read_csv(tmp_path / "scores.csv")
    pandas.testing.assert_frame_equal(table.drop(columns="reason"), read.drop(columns="reason"))
    for cell in matrix.cells:
        point = " ".join(f"{k}={v}" for k, v in cell.point.items())
        wanted = (cell.trace, cell.model, point, cell.attack or "clean")
        chosen = table[(table[["trace", "model", "point", "attack"]] == wanted).all(axis=1)]
        assert len(chosen) == 20
        expected = roc_auc_score(chosen["altered"], chosen["value"])
        assert cell.metrics["auc"].value == pytest.approx(expected)
    assert set(matrix.to_pandas()["attack"]) == {"clean", "toy-median"}


def test_answers_that_there_are_not_have_a_reason(run):
    table = run(detectors=["toy-picky"], trace=["jpeg"]).scores()
    assert (table["value"].isna() == table["reason"].notna()).all()


def test_estimators_have_a_row_a_target(run):
    table = run(estimators=["toy-table"], trace=["q1"]).scores()
    assert set(table["kind"]) == {"estimator"}
    assert {"estimate:step1", "estimate:r"} <= set(table["name"])


def test_a_run_from_its_file_has_none(run, tmp_path):
    run(detectors=["toy-grain"], trace=["jpeg"])
    with pytest.raises(ForensicsError, match="run it again, --scores"):
        Matrix.load(tmp_path / "out").scores()


def test_a_trace_that_no_model_judges_is_a_sentence(run):
    with pytest.raises(ForensicsError, match="no model judges median: toy-zeros judges "):
        run(detectors=["toy-zeros"], trace=["median"])


def test_slow_models_run_where_they_are_all_that_was_asked_for(run):
    assert run(detectors=["toy-slow*"], trace=["jpeg"]).cells
