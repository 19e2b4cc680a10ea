import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data as pictures

PLUGIN = Path(__file__).parent / "plugin"


@pytest.fixture
def watch(toy, monkeypatch):
    """The plugin that keeps what it is shown."""
    monkeypatch.syspath_prepend(str(PLUGIN))
    monkeypatch.setenv("PYTHONPATH", str(PLUGIN), prepend=os.pathsep)


@pytest.fixture
def squares(tmp_path):
    """A folder of three colour photographs with room for a patch of 32 pixels in the widest tile;
    what a picture lacks is mirrored."""
    folder = tmp_path / "squares"
    folder.mkdir()
    whole = (pictures.astronaut(), pictures.coffee(), pictures.rocket())
    for number, picture in enumerate(whole):
        part = picture[20:340, 60:412]
        wider = np.pad(part, ((0, 128), (0, 96), (0, 0)), mode="reflect")
        Image.fromarray(wider).save(folder / f"{number}.png")
    return folder
