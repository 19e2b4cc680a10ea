"""Photographs and ordered lists of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from forensics import images
from forensics.data import masks
from forensics.errors import ForensicsError, NotApplicable, UnreadableImage

_NAMED = 12  # folders, where a glob matches nothing


@dataclass(frozen=True)
class Photograph:
    """One source image: the unit of work and of every split. Nothing is decoded before `load`.

    name: the path within its source, with forward slashes.
    sha256: of the file's bytes, and of `reduced` where that is not 1: the photograph's identity.
    size: (height, width) in pixels, of what `load` gives.
    channels: 1 for a gray photograph, 3 for colour.
    split: "train", "test", ...; None where the source has no splits.
    lossy: what lossy compression the file itself applies, None where it applies none.
    reduced: the factor by which each side is reduced (Lanczos) when it is loaded.
    mask: a file that marks the altered pixels, in white or, `mask_inverted`, in black; part of
        the identity too.
    """

    name: str
    sha256: str
    size: tuple[int, int]
    channels: int
    split: str | None
    path: Path
    lossy: str | None = None
    reduced: int = 1
    mask: Path | None = None
    mask_inverted: bool = False

    @classmethod
    def at(
        cls, path: Path, name: str, split: str | None, gray: bool = False, reduced: int = 1
    ) -> Photograph:
        """The photograph in the file at `path`; reads the header and the bytes for their hash.

        gray: the file is known to hold a gray photograph, whatever its channels.
        Raises UnreadableImage.
        """
        header = images.header(path)
        return cls(
            name=name,
            sha256=_identity_of(_hash(path), reduced),
            size=(header.height // reduced, header.width // reduced),
            channels=1 if gray else header.channels,
            split=split,
            path=path,
            lossy=header.lossy,
            reduced=reduced,
        )

    def smaller(self, by: int) -> Photograph:
        """The photograph with each side reduced further by this factor. Raises UnreadableImage."""
        if by == 1:
            return self
        gray = self.channels == 1
        return Photograph.at(self.path, self.name, self.split, gray, self.reduced * by)

    def with_mask(self, mask: Path, inverted: bool = False) -> Photograph:
        """The same with a mask, white or, `inverted`, black where it was altered. Raises
        UnreadableImage where the mask is none of this image, or is not in black and white."""
        header = images.header(mask)
        if (header.height, header.width) != self.size:
            height, width = self.size
            raise UnreadableImage(
                self.path,
                f"its mask {mask} has {header.width} x {header.height} pixels, not {width} x "
                f"{height}: give a mask of the image's size",
            )
        masks.read(mask, inverted)
        sha256 = _identity_of(self.sha256, mask=_mask_identity(mask, inverted))
        return replace(self, mask=mask, mask_inverted=inverted, sha256=sha256)

    def picture(self) -> images.Picture:
        """The file as it is. Raises UnreadableImage where it is damaged or no longer what it was
        when it was listed."""
        picture = images.open(self.path)
        mask = None if self.mask is None else _mask_identity(self.mask, self.mask_inverted)
        if _identity_of(picture.sha256, self.reduced, mask) != self.sha256:
            raise UnreadableImage(self.path, "it has changed since it was listed; start again")
        return picture

    def marked(self) -> NDArray[np.bool_] | None:
        """The altered pixels by the mask, bool `[H, W]`; None without a mask. Raises
        UnreadableImage."""
        return None if self.mask is None else masks.read(self.mask, self.mask_inverted)

    def load(self, color: bool) -> NDArray[np.uint8]:
        """The pixels, uint8 `[C, H, W]`: RGB for `color`, else gray, Pillow's `convert("L")`.

        Raises UnreadableImage where the file is damaged or no longer what it was when it was
        listed, and NotApplicable where colour is asked of a gray photograph, be it known as one
        or stored as three equal channels.
        """
        pixels = self.picture().pixels
        if color and (self.channels == 1 or pixels.shape[2] == 1 or _equal_channels(pixels)):
            raise NotApplicable(f"{self.name}: a gray photograph has no colour")
        image = Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[:, :, 0])
        if self.reduced != 1:
            height, width = self.size
            image = image.resize((width, height), Image.Resampling.LANCZOS)
        if color:
            return np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1))
        return np.array(image.convert("L"))[None]


def _hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnreadableImage(path, error.strerror or str(error)) from error


def _mask_identity(path: Path, inverted: bool) -> str:
    return _hash(path) + (" inverted" if inverted else "")


def _identity_of(sha256: str, reduced: int = 1, mask: str | None = None) -> str:
    if reduced != 1:
        sha256 = hashlib.sha256(f"{sha256} reduced {reduced} lanczos".encode()).hexdigest()
    if mask is not None:
        sha256 = hashlib.sha256(f"{sha256} mask {mask}".encode()).hexdigest()
    return sha256


def _equal_channels(pixels: NDArray[np.uint8]) -> bool:
    red, green, blue = (pixels[:, :, i] for i in range(3))
    return np.array_equal(red, green) and np.array_equal(green, blue)


@dataclass(frozen=True)
class Source:
    """An ordered list of photographs; no two have the same content.

    name: of the folder or data set, for the protocol line.
    split: the chosen split, None for a source without splits.
    skipped: the files whose header could not be read. Damage further inside shows only when a
        photograph is loaded, as UnreadableImage.
    warnings: sentences for the user on photographs that may mislead.
    """

    name: str
    photographs: tuple[Photograph, ...]
    split: str | None = None
    skipped: tuple[UnreadableImage, ...] = ()
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.photographs)

    def __iter__(self) -> Iterator[Photograph]:
        return iter(self.photographs)

    def __getitem__(self, index: int) -> Photograph:
        return self.photographs[index]

    def chosen(self, patterns: Sequence[str] = (), reduce: int = 1) -> Source:
        """The photographs whose path matches one of these globs from its end on (`kodak/*`,
        `*.png`), all where there are none, with each side reduced by a factor.

        Raises ForensicsError for a glob that matches none.
        """
        paths = [PurePosixPath(p.name) for p in self]
        for pattern in patterns:
            if not pattern or not any(path.match(pattern) for path in paths):
                there = list(dict.fromkeys(f"{path.parent}/*" for path in paths))
                more = ", ..." if len(there) > _NAMED else ""
                raise ForensicsError(
                    f"no photograph of {self.name} matches {pattern!r}; there are "
                    f"{', '.join(there[:_NAMED])}{more}"
                )
        kept, lost = [], list(self.skipped)
        for one, path in zip(self, paths, strict=True):
            if not patterns or any(path.match(pattern) for pattern in patterns):
                try:
                    kept.append(one.smaller(reduce))
                except UnreadableImage as error:
                    lost.append(error)
        return replace(self, photographs=tuple(kept), skipped=tuple(lost))
