"""CONTRIBUTING.md, step by step: the template becomes a wheel, is installed and meets attackers."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
PLUGIN = "forensics-streaks"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def commands():
    """Command -> the lines that are shown below it."""
    parts = re.split(r"^\$ ", "".join(blocks("console")), flags=re.MULTILINE)[1:]
    found = [part.partition("\n") for part in parts]
    return {command: shown.splitlines() for command, _, shown in found}


class Newcomer:
    """Somebody in a folder of their own, with a virtual environment that sees this one's packages
    and downloads nothing."""

    def __init__(self, folder):
        self.folder = folder
        venv.create(folder / "venv", with_pip=False)
        self.python = folder / "venv" / "bin" / "python"
        (site,) = (folder / "venv").glob("lib/python*/site-packages")
        there = sysconfig.get_path("purelib")
        (site / "these.pth").write_text(f"import site; site.addsitedir({there!r})\n")

    def call(self, *line, code=0):
        done = subprocess.run(
            [str(part) for part in line],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=os.environ | {"FORENSICS_HOME": str(self.folder / "home")},
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def type(self, command):
        """A command of the document, by this environment's programs."""
        program, *rest = shlex.split(command)
        module = {"forensics": "forensics.cli", "pytest": "pytest"}.get(program)
        if program == "python":
            return self.call(self.python, *rest)
        return self.call(self.python, "-m", module, *rest)

    def install(self, *what):
        """By this environment's pip: the new one has none."""
        pip = (sys.executable, "-m", "pip", "-q", "--python", self.python, "install")
        self.call(*pip, "--no-index", "--no-deps", "--no-build-isolation", *what)


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory):
    """One who has gone as far as the installation, by way of a wheel."""
    found = Newcomer(tmp_path_factory.mktemp("newcomer"))
    (first, shown), *_ = commands().items()
    assert found.type(first).splitlines() == shown
    build = next(c for c in commands() if c.startswith("pip wheel"))
    found.call(sys.executable, "-m", *shlex.split(build), "-q", "--no-build-isolation")
    found.install(*found.folder.glob("dist/*.whl"))
    return found


def test_the_tests_of_a_new_plugin_pass(newcomer):
    command = f"python -m pytest -q {PLUGIN}"
    (shown,) = commands()[command]
    assert shown in newcomer.type(f"{command} -p no:cacheprovider")
    command = "python -m forensics.testing streaks"
    printed, (*first, dots, last) = newcomer.type(command).splitlines(), commands()[command]
    assert (printed[: len(first)], dots, printed[-1]) == (first, "...", last)


def test_a_new_plugin_is_in_the_matrix(newcomer):
    command, shown = next((c, s) for c, s in commands().items() if c.startswith("forensics run"))
    printed = newcomer.type(command).splitlines()
    assert shown
    assert [line for line in shown if line not in printed] == []
    cells = json.loads(newcomer.type("forensics report --json"))["cells"]
    assert {c["model"] for c in cells} == {"streaks"}
    assert {c["attack"] for c in cells} == {None, "streaks-dither", "median3"}
    # The text: found, and hidden by the attack.
    clean, attacked = (
        [c["metrics"]["auc"]["value"] for c in cells if c["attack"] == attack]
        for attack in (None, "streaks-dither")
    )
    assert min(clean) > 0.8
    assert max(attacked) < 0.6


@pytest.fixture(scope="module")
def learner(newcomer, shared_photographs, tmp_path_factory):
    """One who has typed all files of the document into the plugin, with photographs to train on."""
    folder = tmp_path_factory.mktemp("learner")
    shutil.copytree(newcomer.folder / PLUGIN, folder / PLUGIN)
    for block in blocks("python"):
        where, _, source = block.removeprefix("# ").partition("\n")
        path, at_its_end, _ = where.partition(", at its end")
        file = folder / PLUGIN / path
        file.write_text(file.read_text() + source if at_its_end else block)
    found = Newcomer(folder)
    # Editable, as the document has it: --publish writes into the source.
    found.install("-e", PLUGIN)
    for split, names in (("train", "012"), ("val", "3")):
        (folder / "photographs" / split).mkdir(parents=True)
        for name in names:
            shutil.copy(shared_photographs / f"{name}.png", folder / "photographs" / split)
    return found


@pytest.fixture(scope="module")
def trained(learner):
    """The same, after a few steps of the trainings that the document has."""
    for model, steps in (("streaks-median", 2), ("streaks-smooth", 20)):
        command = next(c for c in commands() if c.startswith(f"forensics train {model}"))
        learner.type(re.sub(r"--steps \d+", f"--steps {steps}", command))
    return learner


def test_weights_are_published(trained):
    found = sorted((trained.folder / PLUGIN).glob("**/*.safetensors"))
    assert [path.parent.name + "/" + path.stem for path in found] == ["median/net", "smooth/lda"]


def test_what_is_trained_keeps_the_contract(trained):
    *lines, last = trained.type("python -m forensics.testing streaks").splitlines()
    assert re.fullmatch(r"streaks: \d+ checks ran, 0 failed, \d+ n/a", last)
    # Four of the five tasks have no weights.
    untrained = {line.split()[2].rstrip(":") for line in lines if line.startswith("n/a ")}
    assert untrained == {f"streaks-{task}" for task in ("gaussian", "awgn", "bilinear", "bicubic")}


def test_both_models_are_short():
    lines = [
        [line for line in block.splitlines()[1:] if line.strip()] for block in blocks("python")
    ]
    estimator, fitted = (sum(map(len, part)) for part in (lines[:3], lines[3:]))
    assert estimator <= 60
    assert fitted <= 40


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Streaks", "lower-case letters"),
        ("a--b", "lower-case letters"),
        ("forensics/../x", "lower-case letters"),
        ("builtin", "a plugin builtin is installed"),
        ("toy-grain", "forensics-toy has the detector toy-grain"),
        ("noise", "has the attacker noise"),
        ("tests", "is there already"),
        ("toy", "a plugin toy is installed"),
    ],
)
def test_a_name_that_cannot_be_had_is_one_sentence(toy, command, tmp_path, name, said):
    (tmp_path / "forensics-tests").mkdir()
    code, out, err = command("plugins", "new", name, "--into", tmp_path)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert said in err
    assert list((tmp_path / "forensics-tests").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_one_sentence(command, tmp_path):
    (tmp_path / "file").touch()
    code, _, err = command("plugins", "new", "streaks", "--into", tmp_path / "file" / "x")
    assert (code, err.count("\n")) == (1, 1)
    assert "choose another --into" in err


def test_a_name_with_a_hyphen_is_a_package_with_an_underscore(command, tmp_path):
    code, out, _ = command("plugins", "new", "two-words", "--into", tmp_path)
    assert (code, str(tmp_path / "forensics-two-words") in out) == (0, True)
    source = tmp_path / "forensics-two-words" / "forensics_two_words" / "plugin.py"
    assert '"two-words"' in source.read_text()
    assert "$" not in source.read_text()


def test_links_lead_somewhere():
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", TEXT)
    assert len(targets) > 5
    assert [t for t in targets if "://" not in t and not (ROOT / t).exists()] == []
