"""What the README tells a newcomer to type is what works."""

import re
from pathlib import Path

import pytest

import forensics

README = Path(__file__).parents[1] / "README.md"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(), re.DOTALL)


def test_the_detector_in_the_readme_is_the_one_that_is_written(tmp_path, command):
    """What it does, CONTRIBUTING's tests say."""
    assert "    forensics plugins new streaks\n" in README.read_text()
    assert command("plugins", "new", "streaks", "--into", tmp_path)[0] == 0
    (shown,) = [b for b in blocks("python") if "class Streaks" in b]
    written = (tmp_path / "forensics-streaks" / "forensics_streaks" / "models.py").read_text()
    without_docstring = re.sub(r'    """A median.*?"""\n\n', "", written, flags=re.DOTALL)
    assert without_docstring != written
    assert shown in without_docstring


@pytest.mark.parametrize("line", ["requirements.txt", "requirements-dev.txt"])
def test_the_lines_name_files_that_are_there(line):
    assert re.search(rf"^    python3 -m venv .*-r {line} && ", README.read_text(), re.MULTILINE)
    assert (README.parent / line).is_file()


def test_links_lead_somewhere():
    targets = re.findall(r"\]\(([^)#]+)\)", README.read_text())
    assert len(targets) > 5
    missing = [t for t in targets if "://" not in t and not (README.parent / t).exists()]
    assert missing == []


@pytest.mark.parametrize("name", sorted({*forensics.__all__} - {"hookimpl", "jpeg"}))
def test_every_call_is_there_and_shown(name):
    assert getattr(forensics, name).__doc__
    shown = next(b for b in blocks("python") if "import forensics\n" in b)
    assert f"forensics.{name}(" in shown
