"""Plugins that are written for one test."""

import sys
from importlib.metadata import PathDistribution

import pytest

HEAD = "from forensics import hookimpl\nfrom forensics.models.registry import Entry, ModelEntry\n"


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Write a distribution with one plugin module and an entry point; gives its entry points."""
    made = []

    def make(name, source):
        module = name.replace("-", "_")
        folder = tmp_path / f"site-{name}"
        info = folder / f"{module}-2.5.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.5\n")
        (info / "entry_points.txt").write_text(f"[forensics]\n{name} = {module}\n")
        (folder / f"{module}.py").write_text(HEAD + source)
        monkeypatch.syspath_prepend(str(folder))
        made.append(module)
        return list(PathDistribution(info).entry_points)

    yield make
    for module in made:
        sys.modules.pop(module, None)
