"""Presets: what a file may hold, which figure a cell means, and what the plugins ship."""

import json
from pathlib import Path

import pytest
import yaml

import forensics
from forensics import experiments
from forensics.bench.cells import Cost, ResultCell
from forensics.errors import ForensicsError
from forensics.experiments import readme
from forensics.experiments.reproducing import Result
from forensics.experiments.schema import Figure, read
from forensics.experiments.selecting import Measurement, chosen, frame, ours
from forensics.metrics.intervals import Value
from forensics.models.registry import package_folder

TABLE = {
    "title": "a table",
    "source": "Table 9",
    "run": {"trace": "jpeg", "detectors": ["toy-grain"], "set": {"q": [60]}, "patch": 64},
    "metric": "auc",
    "rows": [{"label": "all"}],
}


def preset(**changes):
    return read(yaml.safe_dump(TABLE | changes), "table9.yaml")


def asked(**changes):
    (one,) = preset(rows=[{"label": "all"} | changes]).cells()
    return one


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"metrik": "auc"}, ("metrik", "did you mean 'metric'")),
        ({"rows": [{"label": "a", "atack": "blur"}]}, ("rows.0", "did you mean 'attack'")),
        ({"columns": [{"label": "a", "modle": "kl"}]}, ("columns.0", "did you mean 'model'")),
        (
            {"rows": [{"label": "a", "paper": {"value": 1, "tolerence": 1}}]},
            ("rows.0.paper", "did you mean 'tolerance'"),
        ),
        (
            {"columns": [{"label": "K_L"}], "rows": [{"label": "a", "paper": {"K_I": 1}}]},
            ("row 'a'", "did you mean 'K_L'"),
        ),
        ({"rows": [{"label": "a"}, {"label": "a"}]}, ("two rows", "'a'")),
        ({"rows": []}, ("rows", "at least 1")),
        ({"rows": [{"label": 3}]}, ("rows.0.label", "string")),
        ({"rows": ["a"]}, ("rows.0", "takes the keys", "'a'")),
        ({"digits": "two"}, ("digits", "integer")),
        ({"model": [3]}, ("model.0", "string")),
        ({"point": {"q": "sixty"}}, ("point.q.0: ", "valid integer")),
        ({"metric": None}, ("row 'all'", "metric: auc")),
        ({"run": [3]}, ("run", "dictionary")),
    ],
)
def test_what_is_no_preset_is_one_sentence(changes, words):
    with pytest.raises(ForensicsError) as error:
        preset(**changes)
    text = str(error.value)
    assert text.startswith("table9.yaml: ")
    assert "\n" not in text
    assert [word for word in words if word not in text] == []


def test_a_missing_key_is_named():
    with pytest.raises(ForensicsError, match=r"table9.yaml: source: .*required"):
        read(yaml.safe_dump({k: v for k, v in TABLE.items() if k != "source"}), "table9.yaml")


@pytest.mark.parametrize("text", ["rows: [", "", "- 3", "\x00"])
def test_what_is_no_mapping_is_one_sentence(text):
    with pytest.raises(ForensicsError, match=r"^table9.yaml[^\n]*$"):
        read(text, "table9.yaml")


def test_a_row_wins_over_its_column_and_that_over_the_table():
    table = preset(
        digits=1,
        paper="plots",
        point={"q": 60, "r": 1},
        columns=[{"label": "K_L", "model": "kl", "metric": "pe", "point": {"q": 70}}],
        rows=[
            {"label": "first", "metric": "pe_cv", "point": {"q": [80, 90]}, "paper": {"K_L": 0.1}},
            {"label": "second"},
        ],
    )
    first, second = table.cells()
    assert (first.metric, second.metric) == ("pe_cv", "pe")
    assert (first.point, second.point) == ({"q": (80, 90), "r": (1,)}, {"q": (70,), "r": (1,)})
    assert (first.model, first.digits, first.attack) == (("kl",), 1, ("none",))
    assert (first.paper, second.paper) == (Figure(value=0.1), "plots")


def cell(model="kl", q=60, attack=None, n=10, kind="detector", **more):
    of_cell = {k: more.pop(k) for k in ("na", "cost", "reliability") if k in more}
    counts = {"n": n, "photographs": n // 2}
    return ResultCell("jpeg", {"q": q}, attack, model, kind, **counts, metrics=more, **of_cell)


def cost(psnr, before):
    return Cost(Value(psnr), Value(0.9), Value(before), Value(0.95), "the image before jpeg(60)")


def test_several_cells_are_their_mean():
    cells = [
        cell(q=60, auc=Value(0.6, 0.5, 0.8)),
        cell(q=80, n=8, auc=Value(0.8, 0.7, 0.8)),
        cell(q=90, auc=Value(0.1, 0.0, 0.2)),
        cell("kf", q=60, auc=Value(0.0)),
        cell(q=60, attack="blur", auc=Value(0.0)),
    ]
    found = ours(frame(cells), asked(model="kl", point={"q": [60, 80]}))
    assert found.value == pytest.approx(0.7)
    assert (found.low, found.high) == (pytest.approx(0.6), pytest.approx(0.8))
    assert (found.n, found.photographs) == (8, 4)
    assert ours(frame(cells), asked(model="kl")).value == pytest.approx(0.5)
    assert ours(frame(cells), asked(model=["kl", "kf"], point={"q": 60})).value == pytest.approx(
        0.3
    )
    assert ours(frame(cells), asked(model="kf")).low is None


def test_a_metric_by_its_name_or_in_a_group_or_of_a_parameter():
    one = cell(reliability={"right:0.1": Value(0.4)}, **{"mse:k": Value(2.0)})
    assert ours(frame([one]), asked(metric="reliability.right:0.1")).value == 0.4
    assert ours(frame([one]), asked(metric="mse", name="k")).value == 2.0
    assert ours(frame([one]), asked(metric="mse:k")).value == 2.0
    for words in ({"metric": "reliability"}, {"metric": "reliability.z"}, {"metric": "mse"}):
        with pytest.raises(ForensicsError, match="row 'all': no metric of its cells"):
            ours(frame([one]), asked(**words))
    with pytest.raises(ForensicsError, match="did you mean 'mse:k'"):
        ours(frame([one]), asked(metric="mze", name="k"))


def test_a_model_of_two_kinds_answers_as_the_one_that_has_the_metric():
    detector = cell(kind="detector", auc=Value(0.9))
    estimator = cell(kind="estimator", n=7, accuracy=Value(0.4))
    both = [detector, estimator]
    assert ours(frame(both), asked()).value == 0.9
    found = ours(frame(both), asked(metric="accuracy"))
    assert (found.value, found.n) == (0.4, 7)
    failed = cell(kind="estimator", na="no weights")
    assert ours(frame([detector, failed]), asked()).value == 0.9
    assert ours(frame([failed]), asked(metric="accuracy")).na == "no weights"


def test_costs_are_counted_once_and_unattacked_before_any_attack():
    first = cost(30.0, 35.0)
    second = cost(32.0, 35.0)
    third = cost(38.0, 39.0)
    cells = [
        *(cell(model, attack="blur", cost=first) for model in ("kl", "kf", "kv")),
        cell(attack="noise", cost=second),
        cell(q=90, attack="blur", cost=third),
        cell(auc=Value(0.5)),
    ]
    psnr = {"metric": "psnr", "point": {"q": 60}}
    assert ours(frame(cells), asked(**psnr, attack="blur")).value == 30.0
    assert ours(frame(cells), asked(**psnr, attack=["blur", "noise"])).value == 31.0
    assert ours(frame(cells), asked(metric="psnr", attack="blur")).value == 34.0
    assert ours(frame(cells), asked(metric="psnr")).value == 37.0
    cells.append(cell("ku", attack="blur", cost=first, n=0, na="no weights"))
    found = ours(frame(cells), asked(**psnr, attack="blur"))
    assert (found.value, found.n, found.na) == (30.0, 10, None)
    with pytest.raises(ForensicsError, match="wants an attack"):
        ours(frame([cell(auc=Value(0.5))]), asked(metric="psnr"))


def test_options_may_be_written_in_any_order():
    cells = [cell("ku2"), cell("ku2:a=1,b=2", auc=Value(0.7)), cell("ku2:a=1,b=3")]
    assert set(chosen(frame(cells), asked(model="ku2:b=2,a=1"))["cell"]) == {1}
    with pytest.raises(ForensicsError, match="no model of this run is called 'ku2:b=1,a=2'"):
        chosen(frame(cells), asked(model="ku2:b=1,a=2"))


def test_of_several_models_those_that_the_run_has_are_taken():
    cells = [cell("kl", auc=Value(0.7)), cell("ku", auc=Value(0.9))]
    assert ours(frame(cells), asked(model=["kf", "kl"])).value == 0.7
    with pytest.raises(ForensicsError, match="no model of this run is called 'kf'"):
        chosen(frame(cells), asked(model=["kf", "ks"]))


def test_what_has_no_figure_says_why():
    whole, part = cell(q=60, na="no weights"), cell(q=80, auc=Value(None, reason="one class"))
    assert ours(frame([whole]), asked()).na == "no weights"
    assert ours(frame([part]), asked()).na == "one class"
    both = ours(frame([cell(q=90, auc=Value(0.5)), part]), asked())
    assert (both.value, both.na) == (None, "one class")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "kll"}, "no model of this run is called 'kll'; did you mean 'kl'"),
        ({"attack": "blurr", "model": "kl"}, "did you mean 'blur'"),
        ({"trace": "jpg"}, "did you mean 'jpeg'"),
        ({"point": {"q": 65}, "model": "kl"}, "no point q=65; there are: q=60"),
        ({"point": {"k": 3}, "model": "kl"}, "no point k=3; there are: none with a k"),
        ({}, "leaves its model open: name one of kl, kf"),
    ],
)
def test_a_cell_that_the_run_has_not_is_one_sentence(changes, words):
    cells = [cell("kl"), cell("kf"), cell(attack="blur")]
    with pytest.raises(ForensicsError) as error:
        chosen(frame(cells), asked(**changes))
    assert str(error.value).startswith("row 'all'")
    assert words in str(error.value)


def test_agreement_is_within_the_interval_and_the_tolerance():
    found = Measurement(0.8, 0.75, 0.85)
    assert found.agrees(Figure(value=0.85)) is True
    assert found.agrees(Figure(value=0.86)) is False
    assert found.agrees(Figure(value=0.86, tolerance=0.02)) is True
    assert found.agrees(Figure(value=0.74)) is False
    assert found.agrees(Figure(value=0.74, tolerance=0.02)) is True
    assert Measurement(0.8).agrees(Figure(value=0.8)) is True
    assert found.agrees("plot only") is None
    assert Measurement(None).agrees(Figure(value=0.8)) is None


@pytest.mark.parametrize(
    ("number", "digits", "text"),
    [(0.054, 2, ".05"), (-0.5, 1, "-.5"), (10.04, 1, "10.0"), (0.999, 2, "1.00"), (3, 0, "3")],
)
def test_numbers_are_short(number, digits, text):
    assert readme.short(number, digits) == text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"run": TABLE["run"] | {"detectors": ["toy-grian"]}}, "did you mean 'toy-grain'"),
        ({"run": TABLE["run"] | {"set": {"q": [0]}}}, "1 to 100"),
        ({"run": TABLE["run"] | {"set": {"k": [3]}}}, "'k'"),
        ({"run": TABLE["run"] | {"pach": 64}}, "did you mean 'patch'"),
        ({"rows": [{"label": "a", "point": {"q": 65}}]}, "row 'a': the run has no point q=65"),
        ({"rows": [{"label": "a", "model": "toy-logs"}]}, "no model of this run"),
        ({"rows": [{"label": "a", "metric": "ssim"}]}, "wants an attack"),
        ({"run": {"trace": "jpeg", "set": {"q": [60]}, "patch": 64}}, "no model is asked"),
        (
            {"run": {"trace": "jpeg", "set": {"q": [60]}, "patch": 64, "attack": ["blur"]}},
            "auc wants a model",
        ),
    ],
)
def test_a_table_of_what_is_not_there_is_refused_before_anything_runs(
    toy, tmp_path, photographs, changes, words
):
    path = tmp_path / "table9.yaml"
    path.write_text(yaml.safe_dump(TABLE | changes))
    with pytest.raises(ForensicsError) as error:
        experiments.plans(
            experiments.Experiment("toy", "forensics_toy", path), data=str(photographs)
        )
    assert str(error.value).startswith("toy:table9: ")
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_no_model_runs_that_a_table_does_not_name(toy, tmp_path, photographs):
    path = tmp_path / "table9.yaml"
    run = {"trace": "jpeg", "attack": "toy-median", "patch": 64}
    path.write_text(yaml.safe_dump(TABLE | {"metric": "psnr", "run": run}))
    experiment = experiments.Experiment("toy", "forensics_toy", path)
    (plan,) = experiments.plans(experiment, data=str(photographs))
    assert {c.model for c in plan.cells} == {None}


def shipped():
    return [e for e in experiments.experiments() if e.plugin != "toy"]


@pytest.mark.parametrize("experiment", shipped(), ids=str)
def test_every_table_that_is_shipped_asks_for_what_is_there(experiment):
    # The samples are not the photographs of its folder, and some are small.
    plans = experiments.plans(experiment, photographs=(), patch=32, reduce=1)
    assert all(plan.cells for plan in plans)


@pytest.mark.parametrize("plugin", sorted({e.plugin for e in shipped()}))
def test_the_readme_has_the_tables_that_the_results_give(plugin):
    those = experiments.named(plugin)
    path = package_folder(those[0].package).parent / "README.md"
    text = path.read_text(encoding="utf-8")
    assert readme.filled(text, those) == text
    assert sorted(readme.marked(text)) == sorted(e.name for e in those)


@pytest.mark.parametrize("experiment", [e for e in shipped() if e.result.is_file()], ids=str)
def test_a_kept_result_holds_no_path_of_a_machine(experiment):
    for run in json.loads(experiment.result.read_text())["runs"]:
        protocol = run["protocol"]
        assert Path(protocol["data"]).name == protocol["data"]
        assert not any("/" in warning for warning in protocol["warnings"])


def test_rows_may_be_of_other_runs(toy, tmp_path, photographs):
    """A table over qualities, gray and in colour: each row has what a run of its own gives."""
    run = {"trace": "jpeg", "detectors": "toy-grain", "patch": 64, "limit": 4}
    table = TABLE | {
        "run": run | {"set": {"q": [60]}},
        "rows": [
            {"label": "gray"},
            {"label": "color", "run": {"color": True}},
            {"label": "color, 90", "run": {"color": True, "set": {"q": 90}}},
        ],
    }
    path = tmp_path / "table9.yaml"
    path.write_text(yaml.safe_dump(table))
    experiment = experiments.Experiment("toy", "forensics_toy", path)
    plans = experiments.plans(experiment, data=str(photographs))
    result = experiments.execute(experiment, plans, tmp_path / "out")
    assert [p["color"] for p in result.protocols] == ["gray", "RGB, 4:2:0", "RGB, 4:2:0"]
    for (_, figure), (color, q) in zip(
        result.cells, [(False, 60), (True, 60), (True, 90)], strict=True
    ):
        options = run | {"color": color, "set": {"q": q}, "data": str(photographs)}
        (alone,) = forensics.run(tmp_path / "out", **options).cells
        assert figure.value == alone.metrics["auc"].value
    assert len({figure.value for _, figure in result.cells}) > 1
    said = readme.notes(result)
    assert said[1].startswith("gray: 4 patches of 64 x 64 a side from ")
    assert said[2].startswith("color; color, 90: 4 patches")


def test_options_of_a_row_go_over_those_of_the_table_and_parameters_one_by_one():
    table = preset(
        run={"trace": "q1", "set": {"q1": [60, 70], "q2": [90]}, "patch": 64},
        columns=[{"label": "large", "run": {"patch": 128, "set": {"q2": [80]}}}],
        rows=[{"label": "all"}, {"label": "one", "run": {"set": {"q1": 60}}}],
    )
    assert table.runs() == [
        {"trace": "q1", "set": {"q1": [60, 70], "q2": [80]}, "patch": 128},
        {"trace": "q1", "set": {"q1": 60, "q2": [80]}, "patch": 128},
    ]


def test_a_reason_stands_once_below_the_table(tmp_path):
    path = tmp_path / "table9.yaml"
    columns = [{"label": "AUC", "metric": "auc"}, {"label": "pe", "metric": "pe"}]
    rows = [{"label": "one", "paper": {"AUC": 0.7}}, {"label": "two"}, {"label": "three"}]
    path.write_text(yaml.safe_dump(TABLE | {"columns": columns, "rows": rows}))
    experiment = experiments.Experiment("toy", "forensics_toy", path)
    figures = [Measurement(None, na="no weights"), Measurement(0.25, na=None)] * 2
    figures += [Measurement(None, na="no weights"), Measurement(None, na="too small")]
    made = Result(experiment, (), tuple(zip(experiment.preset.cells(), figures, strict=True)))
    text = readme.markdown(made)
    assert "| one | n/a (paper .700) | .250 |" in text
    assert text.count("no weights") == 1
    assert "- n/a for AUC: no weights" in text
    assert "- n/a for three: too small" in text
