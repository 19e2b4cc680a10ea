"""Plugins that are broken: each is named where one of its names is asked for, and costs itself."""

import json

import pytest

from forensics import bench
from forensics.errors import ForensicsError, UnknownName
from forensics.models import registry, selection
from forensics.models.registry import Registry

MEAN = """
from dataclasses import dataclass
from forensics.plugin import Detector, Scores
@dataclass(frozen=True)
class Mean(Detector):
    def score(self, batch):
        return Scores(batch.pixels.float().mean((1, 2, 3)))
"""


def detector(name, factory="nowhere:X", trace="jpeg", hook="first"):
    return (
        f"\n@hookimpl(specname='forensics_detectors')\ndef {hook}():\n"
        f"    return [ModelEntry({name!r}, {factory!r}, 'a test', traces=({trace!r},))]\n"
    )


@pytest.fixture
def renewed():
    """A registry that is made anew, before and after."""
    registry.registry.cache_clear()
    yield
    registry.registry.cache_clear()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import not_there_at_all\n", "No module named 'not_there_at_all'"),
        ("def (:\n", "SyntaxError"),
        ("@hookimpl\ndef forensics_traces():\n    raise OSError('no luck')\n", "no luck"),
    ],
)
def test_who_asks_for_a_name_of_a_broken_plugin_is_told_so(install, source, words):
    good = install("aa-good", detector("good"))
    found = Registry([*good, *install("broken", source + detector("lost"))])
    with pytest.raises(UnknownName, match="'lost', as its plugin broken is broken: ") as error:
        found.get("lost", "detector")
    assert words in str(error.value)
    with pytest.raises(UnknownName, match="as its plugin broken is broken"):
        selection.models(["plugin:broken"], "detector", within=found)
    with pytest.raises(UnknownName, match=r"mean 'good'\? \(or it is of a broken plugin: broken"):
        found.get("goood", "detector")
    assert "broken" not in str(Registry(good).unknown("detector", "goood", ["good"]))
    assert found.get("good", "detector").plugin == "aa-good"


@pytest.mark.parametrize(
    ("source", "name", "words"),
    [
        (MEAN, "Nobody", "has no attribute 'Nobody'"),
        ("raise TypeError('no luck')\n", "Mean", "TypeError: no luck"),
        (None, "Mean", "ModuleNotFoundError"),
    ],
)
def test_a_class_that_cannot_be_had_costs_its_model_alone(
    install, renewed, command, photographs, tmp_path, source, name, words
):
    where = f"models_of_{words[:4]}".replace(" ", "_")
    install("own-good", MEAN + detector("good", "own_good:Mean"))
    install("own-bad", detector("bad", f"{where}:{name}"))
    if source is not None:
        (tmp_path / "site-own-bad" / f"{where}.py").write_text(source)
    named = ["--detectors", "good", "--detectors", "bad", "--data", photographs]
    rest = ["--patch", 64, "--limit", 2, "--out", tmp_path / "out", "--json"]
    code, out, err = command("run", *named, *rest)
    cells = json.loads(out)["cells"]
    assert code == 3
    assert {(c["model"], c["na"] is None) for c in cells} == {("good", True), ("bad", False)}
    assert "Traceback" not in err
    for said in (err, *(c["na"] for c in cells if c["na"])):
        assert f"bad cannot be made of {where}:{name}: " in said
        assert words in said
    code, _, err = command("models", "bad")
    assert (code, err.count("\n")) == (1, 1)
    assert words in err
    everyone = ["--detectors", "plugin:own-good", "--detectors", "plugin:own-bad", "--json"]
    code, out, err = command("analyze", photographs / "0.png", *everyone)
    assert (code, words in err) == (3, True)
    assert list(json.loads(out)["files"][0]["scores"]) == ["good"]


def test_a_trace_that_nobody_registers_costs_its_model_alone(install, renewed, command):
    bad = detector("bad", "own:Mean", trace="jpge", hook="second")
    install("own", MEAN + detector("good", "own:Mean") + bad)
    plan = bench.make(bench.Settings.of({"detectors": ["good", "bad"], "limit": 2}))
    assert {str(cell.model) for cell in plan.cells} == {"good"}
    assert plan.unasked == ("bad: no trace is called 'jpge'; did you mean 'jpeg'?",)
    with pytest.raises(ForensicsError, match=r"^bad: no trace is called 'jpge'"):
        bench.make(bench.Settings.of({"detectors": ["bad"]}))
    assert "traces      jpge (no such trace)\n" in command("models", "bad")[1]
