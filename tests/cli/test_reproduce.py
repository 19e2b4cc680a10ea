"""`forensics reproduce`: the toy plugin's tables, run, kept, and put into its README."""

import csv
import io
import json

import pytest


@pytest.fixture
def reproduce(command, photographs, tmp_path):
    """`forensics reproduce` on the small photographs."""

    def call(name, *more):
        line = ["reproduce", name, "--data", photographs, "--out", tmp_path / "out"]
        return command(*line, *more)

    return call


def test_the_list(toy, command):
    code, out, err = command("reproduce")
    assert (code, err) == (0, "")
    assert "toy:table2" in out
    own = [line.split() for line in out.splitlines() if line.strip().startswith("toy:")]
    assert [line[-1] for line in own] == ["no", "no"]
    listed = json.loads(command("reproduce", "--json")[1])["tables"]
    (one,) = (each for each in listed if each["table"] == "toy:table2")
    assert one["title"] == "Mean gradient against a median"
    assert (one["kept"], one["error"]) == (None, None)


def test_a_broken_file_is_listed_with_what_is_wrong(own, command):
    path = own / "experiments" / "table2.yaml"
    path.write_text(path.read_text().replace("metric: auc", "metrik: auc"))
    code, out, _ = command("reproduce")
    assert code == 0
    assert "toy:words" in out
    assert "did you mean" in " ".join(out.split())
    code, out, err = command("reproduce", "toy")
    assert (code, out) == (1, "")
    assert err == f"error: {path}: no key is called 'metrik'; did you mean 'metric'?\n"


def test_the_table_has_the_paper_beside_ours(toy, reproduce):
    code, out, err = reproduce("toy:table2")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 100
    header, *rows = [line.split() for line in out.splitlines() if line.strip()]
    assert header == ["row", "column", "paper", "ours", "interval", "n", "photos", "note"]
    # The interval is written in three words.
    clean = next(row for row in rows if row[:2] == ["clean", "grain"])
    assert clean[2] == "2.00"
    assert float(clean[4]) <= float(clean[3]) <= float(clean[6])
    assert clean[7:] == ["12", "4", "differs"]
    text = " ".join(out.split())
    assert "plot only" in text
    assert "a median smooths" in text
    assert "Nothing here means anything." in text
    assert "Table 2 of a paper that nobody wrote" in text


def test_json_is_what_the_matrix_has(toy, reproduce, tmp_path):
    code, out, _ = reproduce("toy:table2", "--json")
    (table,) = json.loads(out)["tables"]
    assert code == 0
    cells = {(c["row"], c["column"]): c for c in table["cells"]}
    assert len(cells) == 6
    matrix = json.loads((tmp_path / "out" / "matrix.json").read_text())["cells"]

    def of(model, attack, q):
        (found,) = (
            c for c in matrix if (c["model"], c["attack"], c["point"]["q"]) == (model, attack, q)
        )
        return found

    grain = [of("toy-grain", None, q)["metrics"]["auc"]["value"] for q in (60, 90)]
    assert cells["clean", "grain"]["value"] == pytest.approx(sum(grain) / 2)
    costs = of("toy-logs", "toy-median", 60)["cost"]
    attacked = cells["attacked, 60", "PSNR"]
    assert attacked["value"] == costs["psnr"]["value"]
    assert attacked["paper"] is None
    # 4.5 on both sides of 5: any AUC above a half agrees.
    one = cells["attacked, 60", "grain"]
    assert one["paper"] == {"value": 5, "tolerance": 4.5}
    assert one["agrees"] is (one["high"] >= 0.5)
    assert cells["attacked, 60", "both"]["paper"] == "plot only"
    assert [p["photographs"] for p in table["protocols"]] == [4]


@pytest.mark.parametrize("style", ["csv", "markdown", "latex"])
def test_formats(toy, reproduce, style):
    code, out, err = reproduce("toy", "--format", style)
    assert (code, err) == (0, "")
    if style == "csv":
        rows = list(csv.DictReader(io.StringIO(out)))
        assert [r["table"] for r in rows] == ["toy:table2"] * 6 + ["toy:words"] * 2
        assert (rows[4]["model"], rows[4]["point"]) == ("toy-grain toy-logs", "q=60")
        assert rows[-1]["agrees"] == "False"
    if style == "markdown":
        lines = [line for line in out.splitlines() if line.startswith("|")]
        assert sorted({line.count("|") for line in lines}) == [8, 9]
        assert out.count("differs") == 2
    if style == "latex":
        assert out.count("\\begin{tabular}") == out.count("\\end{tabular}") == 2


def test_a_second_time_nothing_is_computed(toy, reproduce):
    reproduce("toy:table2")
    seen = toy.read_text()
    _, first, _ = reproduce("toy:table2", "--format", "csv")
    _, second, _ = reproduce("toy:table2", "--format", "csv")
    assert toy.read_text() == seen
    assert first == second


def test_a_plan_runs_nothing(toy, reproduce, tmp_path):
    code, out, _ = reproduce("toy", "--plan")
    assert code == 0
    assert out.count("expected time") == 2
    described = json.loads(reproduce("toy", "--plan", "--json")[1])["tables"]
    assert [d["table"] for d in described] == ["toy:table2", "toy:words"]
    # Two qualities, two models, with and without the attack.
    assert [[run["cells"] for run in d["runs"]] for d in described] == [[8], [2]]
    assert not toy.exists()
    assert not list((tmp_path / "out").rglob("*.parquet"))


def test_a_limit_is_smaller_than_the_tables(toy, reproduce):
    (table,) = json.loads(reproduce("toy:words", "--limit", 3, "--json")[1])["tables"]
    assert [c["n"] for c in table["cells"]] == [3, 3]


def test_a_result_is_kept_and_fills_the_readme(own, reproduce, command):
    text = "Before.\n<!-- table: table2 -->\nold\n<!-- end -->\nBetween.\n"
    page = own.parent / "README.md"
    page.write_text(text + "<!-- table: words -->\n<!-- end -->\nAfter.\n")
    code, out, err = command("reproduce", "toy", "--readme")
    assert (code, out) == (0, "")
    never = page.read_text()
    assert "old" not in never
    assert "Not run yet: `forensics reproduce toy:table2 --save`.\n<!-- end -->" in never
    code, out, err = reproduce("toy", "--save", "--json")
    assert code == 0
    kept = json.loads((own / "experiments" / "results" / "table2.json").read_text())
    (run,) = kept["runs"]
    assert run["protocol"]["data"] == "photographs"
    assert "seconds" not in run["protocol"]
    assert page.read_text() == never
    code, out, err = command("reproduce", "toy", "--readme")
    assert (code, out) == (0, "")
    assert str(page) in err
    made = page.read_text()
    assert made.startswith("Before.\n<!-- table: table2 -->\n|  | grain | both | PSNR |\n")
    assert "old" not in made
    assert "\n<!-- end -->\nBetween.\n" in made
    assert made.endswith("<!-- end -->\nAfter.\n")
    figure = next(c for c in kept["cells"] if (c["row"], c["column"]) == ("clean", "grain"))
    half = (figure["high"] - figure["low"]) / 2
    words = [f"{number:.2f}".replace("0.", ".", 1) for number in (figure["value"], half)]
    assert f"| clean | {words[0]} ±{words[1]} (paper 2.00, differs) |" in made
    assert "- attacked, 60: a median smooths" in made
    assert "- attacked, 60: the paper: plot only" in made
    assert "| differs: no error is above .5 |" in made
    assert "| clean | easily found |" in made
    # Once made, it stays; and a figure that changes changes it.
    command("reproduce", "toy", "--readme")
    assert page.read_text() == made
    figure["value"] += 0.1
    (own / "experiments" / "results" / "table2.json").write_text(json.dumps(kept))
    command("reproduce", "toy", "--readme")
    assert page.read_text() != made
    assert str(own) in json.loads(command("reproduce", "--json")[1])["tables"][-1]["kept"]


def test_a_result_of_another_preset_is_refused(own, reproduce, command):
    (own.parent / "README.md").write_text("<!-- table: words -->\n<!-- end -->\n")
    assert reproduce("toy:words", "--save", "--readme")[0] == 0
    path = own / "experiments" / "words.yaml"
    text = path.read_text()
    for old, new in (("limit: 12", "limit: 11"), ("metric: pe", "metric: auc")):
        path.write_text(text.replace(old, new))
        code, _, err = command("reproduce", "toy", "--readme")
        assert code == 1
        assert "is of another run" in err
    path.write_text(text.replace("easily", "hardly"))
    assert command("reproduce", "toy", "--readme")[0] == 0
    assert "hardly found" in (own.parent / "README.md").read_text()


def test_a_marker_of_no_table_is_refused(own, command):
    (own.parent / "README.md").write_text("<!-- table: wrods -->\n<!-- end -->\n")
    code, _, err = command("reproduce", "toy", "--readme")
    assert code == 1
    assert "did you mean 'words'" in err


def test_an_installed_copy_is_not_written_to(own, reproduce):
    record = own.parent / "forensics_toy-0.1.dist-info" / "RECORD"
    record.write_text("forensics_toy/plugin.py,,\n")
    code, _, err = reproduce("toy:words", "--save")
    assert code == 1
    assert "--save writes into a plugin's source" in err
    assert "installed copy" in err


def test_a_model_that_raises_is_a_loss(own, reproduce):
    path = own / "experiments" / "words.yaml"
    path.write_text(path.read_text().replace("toy-grain", "toy-raises"))
    code, out, err = reproduce("toy:words")
    assert code == 3
    assert "out of luck" in err
    assert "n/a: toy-raises raised" in " ".join(out.split())


@pytest.mark.parametrize(
    ("name", "more", "words"),
    [
        ("tyo", (), "did you mean 'toy'"),
        ("toy:tabel2", (), "did you mean 'table2'"),
        ("builtin", (), "no experiments/*.yaml"),
        ("toy", ("--limit", 0), "toy:table2: limit takes"),
        ("toy", ("--device", "abacus"), "abacus"),
    ],
)
def test_a_request_that_makes_no_sense(toy, reproduce, name, more, words):
    code, out, err = reproduce(name, *more)
    assert (code, out) == (1, "")
    assert words in err
    assert err.count("\n") == 1


def test_in_python(toy, photographs, tmp_path):
    import forensics

    (result,) = forensics.reproduce("toy:words", tmp_path / "out", data=photographs)
    frame = result.to_pandas()
    assert list(frame["row"]) == ["clean", "attacked"]
    assert frame["value"].between(0, 0.5).all()
