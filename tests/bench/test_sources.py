"""What changes the hash of a model's sources, and what does not."""

import sys

import pytest

from forensics.bench import sources

FILES = {
    "__init__.py": '"""A package."""\n',
    "model.py": (
        '"""A model."""\n'
        "from forensics_made.inner import layers\n"
        "class Model:\n"
        '    """It scores."""\n'
        "    def score(self):\n"
        "        from .late import shift\n"
        "        return layers.GAIN + shift()\n"
    ),
    "late.py": "def shift():\n    return 1\n",
    "inner/__init__.py": "",
    "inner/layers.py": "GAIN = 3  # of nothing\n",
    "inner/deeper.py": "DEPTH = 1\n",
    "recipe.py": "from forensics_made.model import Model\nSTEPS = 100\n",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package, and the hash of its model after some of its files are written anew."""
    monkeypatch.syspath_prepend(str(tmp_path))
    folder = tmp_path / "forensics_made"

    def hashed(changed=None):
        for name, text in (FILES | (changed or {})).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        sources.of_module.cache_clear()
        return sources.of_module("forensics_made.model")

    yield hashed
    sys.modules.pop("forensics_made", None)


def edited(name, old, new):
    assert old in FILES[name]
    return {name: FILES[name].replace(old, new)}


@pytest.mark.parametrize(
    "change",
    [
        edited("inner/layers.py", "of nothing", "of something"),
        edited("inner/layers.py", "GAIN = 3", "# first\n\nGAIN   =   3"),
        edited("model.py", "A model", "The model"),
        edited("model.py", "It scores", "It scores a patch"),
        edited("__init__.py", "A package", "Some package"),
        edited("recipe.py", "100", "200"),
        edited("inner/deeper.py", "1", "2"),
    ],
    ids=lambda change: next(iter(change)),
)
def test_words_and_what_is_not_imported_change_nothing(package, change):
    assert package(change) == package()


@pytest.mark.parametrize(
    "change",
    [
        edited("inner/layers.py", "3", "4"),
        edited("late.py", "return 1", "return 2"),
        edited("model.py", "layers.GAIN +", "layers.GAIN -"),
        edited("__init__.py", '"""A package."""', "import os"),
        {"inner/__init__.py": "import forensics_made.inner.deeper"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_is_imported_changes_it(package, change):
    assert package(change) != package()


def test_an_import_that_is_new_brings_its_module_in(package):
    imports = edited("model.py", "import layers", "import deeper, layers")
    assert package(imports) != package(imports | edited("inner/deeper.py", "1", "2"))


def test_a_package_that_is_not_there():
    assert sources.of_module("forensics_nowhere.model") == sources.digest()
