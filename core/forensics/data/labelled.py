"""Real files with labels: altered ones, untouched ones, and masks of what was altered."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from forensics.data import masks
from forensics.data.folder import read
from forensics.data.source import Photograph, Source
from forensics.errors import ForensicsError, UnreadableImage


def labelled(
    positive: str,
    negative: str | None,
    mask_folder: str | None,
    split: str | None = None,
    inverted: bool = False,
) -> tuple[Source, Source | None]:
    """The altered files of a folder and, where one is named, the untouched ones of another.

    mask_folder: a folder with a mask for each altered file (`masks.paired`), of its size; white
    pixels, or with `inverted` black ones, were altered. A file whose mask is missing or does not
    fit is skipped. The sources warn where the kind of file gives the label away.

    Raises ForensicsError as `folder` does, where a file is in both folders, and where no file has
    a mask that fits.
    """
    altered = read(positive, split)
    untouched = None if negative is None else read(negative, split)
    if untouched is not None:
        names = {p.sha256: p.name for p in untouched}
        for photograph in altered:
            if photograph.sha256 in names:
                raise ForensicsError(
                    f"{photograph.name} of {positive} is also {names[photograph.sha256]} of "
                    f"{negative}: a file is altered or it is not; take it out of one"
                )
        altered = replace(altered, warnings=(*altered.warnings, *_given_away(altered, untouched)))
    if mask_folder is not None:
        altered = _masked(altered, Path(mask_folder), inverted)
    return altered, untouched


def _masked(altered: Source, folder: Path, inverted: bool) -> Source:
    pairs, note = masks.paired(folder, [photograph.name for photograph in altered])
    kept: list[Photograph] = []
    skipped = list(altered.skipped)
    marks = False
    for photograph in altered:
        try:
            if photograph.name not in pairs:
                raise UnreadableImage(photograph.path, f"{folder} holds no mask of its name")
            kept.append(photograph.with_mask(pairs[photograph.name], inverted))
            marks = marks or bool(masks.read(pairs[photograph.name], inverted).any())
        except UnreadableImage as error:
            skipped.append(error)
    if not kept:
        raise ForensicsError(
            f"no image of {altered.name} has a mask in {folder} that fits; the first: {skipped[0]}"
        )
    if not marks:
        raise ForensicsError(
            f"no mask in {folder} marks a single pixel: white is altered (--masks-inverted where "
            "it is the other way round)"
        )
    warnings = (*altered.warnings, *([note] if note else []))
    return replace(altered, photographs=tuple(kept), skipped=tuple(skipped), warnings=warnings)


def _given_away(altered: Source, untouched: Source) -> list[str]:
    """Where the kinds of files differ between the labels."""
    shares = [Counter(p.lossy or "lossless" for p in source) for source in (altered, untouched)]
    words = [", ".join(f"{n} {kind}" for kind, n in sorted(share.items())) for share in shares]
    if shares[0].keys() == shares[1].keys():
        return []
    return [
        f"the altered files are {words[0]}, the untouched {words[1]}: a model may tell the kinds "
        "of files apart, and not what was done to them."
    ]
