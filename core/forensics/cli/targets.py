"""Where results of files go under one folder, without two of them meeting."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from forensics.errors import ForensicsError

_LONGEST = 255  # bytes of a name on most file systems
_BESIDE = 48  # what `atomic.replacing` puts before a name, and layers of maps behind it


def checked(folder: Path) -> Path:
    """The folder, made and tried, before any work is done for it. Raises ForensicsError where
    nothing can be written into it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ForensicsError(f"cannot write into {folder}: {error.strerror or error}") from None
    return folder


def checked_file(path: Path) -> Path:
    """A file that results will go to, tried before any work is done for it; it is not made yet.
    Raises ForensicsError where it cannot be written."""
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        if path.exists():
            path.open("ab").close()
        with tempfile.TemporaryFile(dir=path.absolute().parent):
            pass
    except OSError as error:
        raise ForensicsError(f"cannot write {path}: {error.strerror or error}") from None
    return path


def places(named: Sequence[str], found: Iterable[Path]) -> dict[Path, Path]:
    """By file, its place under the folder of the results: what was found in a folder keeps its path
    in it, what was named outright its name, and its folder's where that is there already."""
    folders = [Path(text) for text in named if Path(text).is_dir()]
    files = list(found)
    outright = {Path(text) for text in named} - set(folders)

    def short(path: Path) -> Path:
        within = [f for f in folders if path not in outright and path.is_relative_to(f)]
        return path.relative_to(within[0]) if within else Path(path.name)

    first = {path: short(path) for path in files}
    count = Counter(first.values())
    chosen: dict[Path, Path] = {}
    for path, place in first.items():
        whole = path.absolute()
        chosen[path] = place if count[place] == 1 else Path(whole.parent.name) / place
    again = Counter(chosen.values())
    return {
        path: place if again[place] == 1 else Path(_hash(str(path.absolute()))) / place
        for path, place in chosen.items()
    }


def result(place: Path, ending: str) -> Path:
    """A file's place with `ending` behind its whole name, so that `a.png` and `a.jpg` do not meet;
    a name that would be too long is cut and has a hash of itself in it."""
    name = place.name
    room = _LONGEST - _BESIDE - len(os.fsencode(ending))
    if len(os.fsencode(name)) > room:
        kept = os.fsencode(name)[: room - 10].decode(errors="ignore")
        name = f"{kept}~{_hash(name)}"
    return place.with_name(name + ending)


def _hash(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:8]
