"""Image files in folders, and the files there that are ignored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = frozenset(
    [
        ".png",
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".mpo",
        ".tif",
        ".tiff",
        ".pgm",
        ".ppm",
        ".pnm",
        ".bmp",
        ".webp",
    ]
)
_SHOWN = 3  # names in a sentence


@dataclass(frozen=True)
class Found:
    """files: each once, those of a folder in sorted order. ignored: other files of the folders,
    each with the reason. missing: paths that are neither a file nor a folder."""

    files: tuple[Path, ...]
    ignored: tuple[tuple[Path, str], ...] = ()
    missing: tuple[Path, ...] = ()

    def note(self, every: bool = False) -> str | None:
        """A sentence on the ignored files, with the first names or with all; None without any."""
        if not self.ignored:
            return None
        shown = self.ignored if every else self.ignored[:_SHOWN]
        names = ", ".join(f"{path.name} ({reason})" for path, reason in shown)
        more = (
            f" and {len(self.ignored) - len(shown)} more" if len(shown) < len(self.ignored) else ""
        )
        count = len(self.ignored)
        what = "1 file or link was" if count == 1 else f"{count} files and links were"
        return f"{what} not looked at: {names}{more}."


def find(paths: Iterable[str | Path]) -> Found:
    """The image files among `paths`: files as they are, folders searched recursively.

    In a folder, only files with one of `SUFFIXES` count, and hidden ones do not exist; a file that
    is named outright is taken whatever its suffix. Links to files are followed, links to folders
    inside of a folder are not.
    """
    files: dict[Path, None] = {}
    ignored: dict[Path, str] = {}
    missing = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if not _hidden(p.relative_to(path)))
            for one in inside:
                reason = _ignored(one)
                if reason is None:
                    files[one] = None
                elif reason:
                    ignored[one] = reason
        elif path.is_file():
            files[path] = None
        else:
            missing.append(path)
    return Found(tuple(files), tuple(ignored.items()), tuple(missing))


def _ignored(path: Path) -> str | None:
    """Why an entry of a folder is ignored; empty for a folder that is searched."""
    if path.is_dir():
        return "a linked folder" if path.is_symlink() else ""
    if not path.is_file():
        return "a link that leads nowhere" if path.is_symlink() else "no file"
    return None if path.suffix.lower() in SUFFIXES else "no suffix of an image"


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
