"""What the README tells a newcomer to type is what works."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(), re.DOTALL)


def test_the_plugin_in_the_readme_meets_an_attacker(
    toy, tmp_path, monkeypatch, photographs, command
):
    module = next(b for b in blocks("python") if b.startswith("# forensics_mine.py"))
    entry_points = next(b for b in blocks("toml") if "entry-points" in b)
    assert 'mine = "forensics_mine"' in entry_points
    site = tmp_path / "site"
    info = site / "forensics_mine-0.1.dist-info"
    info.mkdir(parents=True)
    (site / "forensics_mine.py").write_text(module)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: forensics-mine\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[forensics]\nmine = forensics_mine\n")
    monkeypatch.syspath_prepend(str(site))
    code, out, err = command(
        *("run", "--attack", "toy-median", "--detectors", "grain"),
        *("--data", photographs, "--patch", 64, "--limit", 8, "--set", "q=60", "--format", "csv"),
    )
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert len(lines) == 3
    assert all(",grain," in line for line in lines[1:])


@pytest.mark.parametrize("line", ["requirements.txt", "requirements-dev.txt"])
def test_the_lines_name_files_that_are_there(line):
    assert re.search(rf"^    python3 -m venv .*-r {line} && ", README.read_text(), re.MULTILINE)
    assert (README.parent / line).is_file()


def test_links_lead_somewhere():
    targets = re.findall(r"\]\(([^)#]+)\)", README.read_text())
    assert len(targets) > 5
    missing = [t for t in targets if "://" not in t and not (README.parent / t).exists()]
    assert missing == []
