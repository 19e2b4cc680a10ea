"""The photographs that come with scikit-image and scikit-learn: nothing is downloaded."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from forensics.data.source import Photograph, Source
from forensics.errors import ForensicsError, UnreadableImage

# Which files, and by how much each is reduced: 2 where a JPEG history was found.
# docs/samples.md says what was found in each file and why the others are left out.
_FILES = {
    "skimage/data/astronaut.png": 1,
    "skimage/data/brick.png": 1,
    "skimage/data/camera.png": 1,
    "skimage/data/coffee.png": 1,
    "skimage/data/grass.png": 2,
    "skimage/data/gravel.png": 1,
    "skimage/data/moon.png": 1,
    "skimage/data/motorcycle_left.png": 1,
    "skimage/data/rocket.jpg": 2,
    "sklearn/datasets/images/china.jpg": 2,
    "sklearn/datasets/images/flower.jpg": 2,
}


def samples(split: str | None = None) -> Source:
    """Eleven photographs, six of them in colour, that never were JPEGs or are reduced by 2.

    Raises ForensicsError for any `split`: the samples have none, so nothing is trained on them.
    """
    if split is not None:
        raise ForensicsError(f"the samples have no splits; leave the split {split} out")
    photographs, skipped = [], []
    for name, reduced in _FILES.items():
        path = _installed(name)
        try:
            photographs.append(Photograph.at(path, name, None, reduced=reduced))
        except UnreadableImage as error:
            skipped.append(error)
    if not photographs:
        raise ForensicsError(
            "the samples of scikit-image and scikit-learn are not installed; install both from "
            "their wheels, or name a folder of photographs"
        )
    return Source("samples", tuple(photographs), None, tuple(skipped))


def _installed(name: str) -> Path:
    package, _, rest = name.partition("/")
    found = find_spec(package)
    if found is None or found.origin is None:
        return Path(name)
    return Path(found.origin).parent / rest
