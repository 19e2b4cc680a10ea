"""A plugin with a recipe, installed for one test, and a folder of small photographs."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data as pictures

from forensics.models.registry import registry


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """The folder of the plugin's source, writable."""
    home = tmp_path / "source"
    shutil.copytree(Path(__file__).parent / "plugin", home)
    monkeypatch.syspath_prepend(str(home))
    registry.cache_clear()
    yield home
    registry.cache_clear()
    for name in [n for n in sys.modules if n.startswith("forensics_tiny")]:
        del sys.modules[name]


@pytest.fixture(scope="session")
def photographs(tmp_path_factory):
    """Four photographs to train on, two to choose by, of several sizes."""
    folder = tmp_path_factory.mktemp("photographs")
    camera = pictures.camera()
    for number in range(6):
        place = folder / ("train" if number < 4 else "val")
        place.mkdir(exist_ok=True)
        top, left = divmod(number, 3)
        part = camera[top * 200 :, left * 150 :][: 60 + number, : 90 - 5 * number]
        Image.fromarray(np.ascontiguousarray(part)).save(place / f"{number}.png")
    return folder
