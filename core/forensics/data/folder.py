"""A folder of photographs and its splits."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from forensics import images
from forensics.data import lattice
from forensics.data.source import Photograph, Source
from forensics.errors import ForensicsError, UnreadableImage

# By how much a photograph has to be reduced for nothing to be left of a compression.
_ENOUGH = 2
_SUBFOLDERS = ("train", "val", "calib", "test")


@dataclass(frozen=True)
class _Listed:
    """A file, and what folder and table say of it."""

    name: str
    split: str | None
    gray: bool = False


def folder(
    path: str | Path,
    split: str | None = None,
    photographs: Sequence[str] = (),
    reduce: int = 1,
) -> Source:
    """The photographs in a folder and the folders below it, sorted by name, chosen and reduced as
    by `Source.chosen`.

    Splits come from a `files.csv` at its top with the columns `path` and `split` (a column
    `channels` that says 1 marks a gray photograph stored in three channels), else from the
    nearest such table in a folder above that lists a file of this one, else from folders train,
    val, calib and test at its top. Files outside every split are then left out. Without a choice
    the split is `test`, or the only split where it has another name than these four; a folder
    without splits is taken whole. Copies of one file count once.

    Raises ForensicsError where the folder is missing or holds no readable photograph, where the
    split is unknown, where there are splits but no `test` and none was chosen, and where
    `files.csv` lacks its columns; and as `Source.chosen` does.
    """
    found = read(path, split).chosen(photographs, reduce)
    return replace(found, warnings=_warnings(found))


def read(path: str | Path, split: str | None = None) -> Source:
    """As `folder`, without a search for earlier histories of the photographs."""
    root = Path(path)
    if not root.is_dir():
        raise ForensicsError(f"{root} is not a folder; name one that holds photographs")
    listed, beside = _list(root)
    if not listed:
        kinds = ", ".join(sorted(s.lstrip(".") for s in images.SUFFIXES))
        raise ForensicsError(f"{root} holds no image files; name a folder with some ({kinds})")
    split = _choose(root, listed, split)
    chosen = [entry for entry in listed if split is None or entry.split == split]

    photographs: dict[str, Photograph] = {}
    skipped: list[UnreadableImage] = []
    copies = 0
    for entry in chosen:
        try:
            found = Photograph.at(root / entry.name, entry.name, entry.split, entry.gray)
        except UnreadableImage as error:
            skipped.append(error)
            continue
        copies += found.sha256 in photographs
        photographs.setdefault(found.sha256, found)
    if not photographs:
        raise ForensicsError(
            f"none of the {len(chosen)} image files of {root} can be read; the first: {skipped[0]}"
        )
    said = [f"{copies} files are copies of others and were left out."] if copies else []
    note = beside.note() if beside is not None else None
    said += [note] if note else []
    return Source(str(path), tuple(photographs.values()), split, tuple(skipped), tuple(said))


def splits(path: str | Path) -> tuple[str, ...]:
    """The names of a folder's splits, sorted, without reading a photograph; none where it has
    none. Raises ForensicsError where the folder is missing or its `files.csv` lacks a column."""
    root = Path(path)
    if not root.is_dir():
        raise ForensicsError(f"{root} is not a folder; name one that holds photographs")
    return tuple(sorted({entry.split for entry in _list(root)[0] if entry.split is not None}))


def ignored(path: str | Path) -> str | None:
    """A sentence that names every file of a folder that is not looked at; None without any."""
    root = Path(path)
    found = _list(root)[1] if root.is_dir() else None
    return found.note(every=True) if found is not None else None


def _list(root: Path) -> tuple[list[_Listed], images.Found | None]:
    """The files, and what was found beside them where no table lists them."""
    table = root / "files.csv"
    if table.is_file():
        return _from_table(table), None
    above = _from_above(root)
    if above:
        return above, None
    found = images.find([root])
    return _from_subfolders([path.relative_to(root) for path in found.files]), found


def _from_table(table: Path) -> list[_Listed]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ForensicsError(f"{table} cannot be read ({error}); mend or remove it") from error
    if any(not row.get("path") or not row.get("split") for row in rows):
        raise ForensicsError(
            f"{table} must give a path and a split in every row; mend or remove it"
        )
    listed = {
        row["path"]: _Listed(row["path"], row["split"], row.get("channels") == "1") for row in rows
    }
    return sorted(listed.values(), key=lambda entry: entry.name)


def _from_above(root: Path) -> list[_Listed]:
    """The files of this folder that the nearest table above lists, if any."""
    # A link is below the folder that it lies in, and below the one that it leads to.
    for place in (root.absolute(), root.resolve()):
        for parent in place.parents:
            try:
                entries = _from_table(parent / "files.csv")
            except ForensicsError:
                continue  # there is none, or it is somebody else's and about something else
            inside = place.relative_to(parent)
            below = [
                replace(entry, name=PurePath(entry.name).relative_to(inside).as_posix())
                for entry in entries
                if PurePath(entry.name).is_relative_to(inside)
            ]
            if any((root / entry.name).is_file() for entry in below):
                return below
    return []


def _from_subfolders(names: Sequence[Path]) -> list[_Listed]:
    if not any(name.parts[0] in _SUBFOLDERS for name in names):
        return [_Listed(name.as_posix(), None) for name in names]
    return [
        _Listed(name.as_posix(), name.parts[0]) for name in names if name.parts[0] in _SUBFOLDERS
    ]


def _choose(root: Path, listed: list[_Listed], split: str | None) -> str | None:
    splits = sorted({entry.split for entry in listed if entry.split is not None})
    if not splits:
        if split is not None:
            raise ForensicsError(f"{root} has no splits; leave the split {split} out")
        return None
    names = ", ".join(splits)
    if split is None and len(splits) == 1 and splits[0] not in _SUBFOLDERS:
        return splits[0]  # a single one that is not kept for training is no choice
    if split is None and "test" not in splits:
        raise ForensicsError(f"{root} has no split test; choose one of {names}")
    if split is not None and split not in splits:
        raise ForensicsError(f"{root} has no split {split}; choose one of {names}")
    return split or "test"


def _warnings(source: Source) -> tuple[str, ...]:
    total = len(source)
    kinds = Counter(p.lossy for p in source if p.lossy is not None and p.reduced < _ENOUGH)
    sentences = [
        f"{count} of {total} photographs are stored as {kind}: they have a history of compression "
        "before the history under test; sources should be never compressed, or reduced by 2."
        for kind, count in sorted(kinds.items())
    ]
    on_a_lattice = lattice.warning(source.photographs)
    if on_a_lattice:
        sentences.append(on_a_lattice)
    return (*sentences, *source.warnings)
