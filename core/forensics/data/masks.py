"""Masks of altered files: which belongs to which, and what is black and white in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forensics import images
from forensics.errors import ForensicsError, UnreadableImage

# What data sets put behind the name of the altered file, longest first.
_USUAL = ("_edgemask", "_mask", "_gt")
_NEAR = 40  # levels off black or white, which a mask that was saved as a JPEG has
_BETWEEN = 0.01  # of all pixels may lie between: smoothed edges
_SHOWN = 3


def paired(folder: Path, names: Sequence[str]) -> tuple[dict[str, Path], str | None]:
    """The mask of each altered file that has one, by the file's name, and what a user should know
    of the choice.

    A mask has the name of its file with any suffix; where every mask of the folder has one of the
    usual endings (`_gt`, `_mask`, `_edgemask`) before the suffix, it may be there too.

    Raises ForensicsError where the folder is missing, holds no mask of any of these files, or two
    for one of them.
    """
    if not folder.is_dir():
        raise ForensicsError(f"{folder} is not a folder; name one that holds masks")
    found = images.find([folder])
    stems = [path.relative_to(folder).with_suffix("") for path in found.files]
    ending = next((e for e in _USUAL if stems and all(s.name.endswith(e) for s in stems)), "")
    by_stem: dict[Path, list[Path]] = {}
    for path, stem in zip(found.files, stems, strict=True):
        bare = stem.with_name(stem.name.removesuffix(ending)) if ending else stem
        by_stem.setdefault(bare, []).append(path)
    pairs = {}
    for name in names:
        those = by_stem.get(Path(name).with_suffix(""), [])
        if len(those) > 1:
            both = " and ".join(path.name for path in those)
            raise ForensicsError(f"{name} has two masks in {folder}, {both}: leave one of them")
        if those:
            pairs[name] = those[0]
    if not pairs:
        raise ForensicsError(f"no mask in {folder} has the name of an altered file; {_held(found)}")
    note = f"Masks are named after their files with {ending} at the end." if ending else None
    return pairs, note


def _held(found: images.Found) -> str:
    """What a folder holds instead, in words."""
    those = [*(p.name for p in found.files), *(f"{p.name} ({why})" for p, why in found.ignored)]
    if not those:
        return "it is empty"
    more = f" and {len(those) - _SHOWN} more" if len(those) > _SHOWN else ""
    return f"it holds {', '.join(those[:_SHOWN])}{more}"


def read(path: Path, inverted: bool) -> NDArray[np.bool_]:
    """What a mask marks as altered, bool `[H, W]`: white, or black where masks are `inverted`.

    Raises UnreadableImage, which names the mask, where it is in colours or not in black and white.
    """
    pixels = images.open(path).pixels.astype(np.int16)
    if np.ptp(pixels, axis=2).max(initial=0) > _NEAR:
        raise UnreadableImage(path, "a mask in colours; save it in black and white (altered)")
    gray = pixels[:, :, 0]
    between = (gray > _NEAR) & (gray < 255 - _NEAR)
    if between.mean() > _BETWEEN:
        raise UnreadableImage(
            path, f"a mask with grays between black and white, such as {int(gray[between][0])}"
        )
    low, high = int(gray.min()), int(gray.max())
    if low != high and (high <= _NEAR or low >= 255 - _NEAR):
        raise UnreadableImage(
            path, f"a mask with values {low} to {high} only; save it in black (0) and white (255)"
        )
    marked: NDArray[np.bool_] = gray > 127
    return ~marked if inverted else marked
