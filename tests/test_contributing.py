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
    (shown,) = commands()[f"pytest -q {PLUGIN}"]
    assert shown in newcomer.type(f"pytest -q {PLUGIN} -p no:cacheprovider")
    command = "python -m forensics.testing streaks"
    assert newcomer.type(command).splitlines() == commands()[command]


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


def test_a_network_can_be_added_and_trained(newcomer, photographs, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(newcomer.folder / PLUGIN, other / PLUGIN)
    files = {}
    for block in blocks("python"):
        where, _, source = block.removeprefix("# ").partition("\n")
        path, comma, _ = where.partition(", at its end")
        files[path] = (other / PLUGIN / path).read_text() + source if comma else block
    assert len(files) == 3
    for path, text in files.items():
        (other / PLUGIN / path).write_text(text)
    learner = Newcomer(other)
    # Editable, as the document has it: --publish writes into the source.
    learner.install("-e", PLUGIN)
    for split, names in (("train", "012"), ("val", "3")):
        (other / "photographs" / split).mkdir(parents=True)
        for name in names:
            shutil.copy(photographs / f"{name}.png", other / "photographs" / split)
    command = next(c for c in commands() if c.startswith("forensics train"))
    learner.type(command.replace("--steps 200", "--steps 2"))
    assert (other / PLUGIN / "forensics_streaks" / "weights" / "net.safetensors").is_file()
    report = learner.type("python -m forensics.testing streaks")
    assert re.search(r"^streaks: \d+ checks ran, 0 failed, 0 n/a$", report, re.MULTILINE)


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
