"""Reliability diagrams: what is drawn is what the cells hold."""

import json

import numpy as np
import pytest
from PIL import Image

from forensics.bench import Matrix
from forensics.cli.diagram import curves

pytest.importorskip("matplotlib")
pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture
def run(command, photographs, tmp_path):
    def call(*more):
        line = ["run", "--data", photographs, "--out", tmp_path / "out", "--patch", 64]
        return command(*line, "--limit", 6, "--trace", "jpeg", *more)

    return call


def test_a_curve_for_every_cell_that_states_probabilities(run, command, tmp_path):
    asked = ("--estimators", "toy-quality", "--attack", "toy-median", "--set", "q=60,90", "--pool")
    content = json.loads(run(*asked, "--json")[1])
    path = tmp_path / "reliability.png"
    code, out, err = command("report", tmp_path / "out", "--plot", path, "--json")
    assert (code, err) == (0, f"written: {path}\n")
    assert json.loads(out) == content
    found = curves(Matrix.load(tmp_path / "out"))
    assert list(found) == ["toy-quality jpeg", "toy-quality jpeg toy-median"]
    for bins, cell in zip(found.values(), content["cells"], strict=True):
        stored = cell["reliability"]
        right = [v["value"] for n, v in stored.items() if n.startswith("right:")]
        assert [share for _, share, *_ in bins] == [r for r in right if r is not None]
        assert all(low <= share <= high for _, share, low, high in bins)
    with Image.open(path) as drawn:
        assert drawn.format == "PNG"
        assert len(np.unique(np.asarray(drawn))) > 10


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("--detectors", "toy-grain"), "nothing to draw"),
        (("--estimators", "toy-quality", "--set", "q=60..72"), "13 cells are more than 12 curves"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(run, command, tmp_path, asked, words):
    run(*asked)
    code, out, err = command("report", tmp_path / "out", "--plot", tmp_path / "a.png")
    assert (code, out) == (1, "")
    assert words in err
    assert not (tmp_path / "a.png").exists()
