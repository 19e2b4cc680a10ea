"""The input of models and operations: a batch of patches, and the JPEG they come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import torch
from torch import Tensor

from forensics.jpeg.coefficients import Jpeg
from forensics.jpeg.colour import luma

# Blocks of 4:2:0 JPEGs begin at multiples of this, and so do patches, in runs and in trainings.
GRID = 16

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Batch:
    """N patches of one size. Immutable: writing into its tensors is an error of the writer.

    pixels: uint8 `[N, C, H, W]`, C = 1 (gray) or 3 (RGB).
    keys: int64 `[N]`, the identity of each patch for `forensics.random`: equal keys, equal noise,
        whatever the batch.
    photographs: N names (content hashes) of the photographs that the patches come from.
    positions: int64 `[N, 2]`, (y, x) of each patch in its photograph.
    jpeg: the `Jpeg` whose decoded pixels these are, or None.
    origins: None for whole images. For tiles, int64 `[N, 2]`: (y, x) of each tile's first pixel in
        the whole image as it stands after the steps so far. Models never see it.
    mask: None, or bool `[N, H, W]`: the pixels that come from elsewhere (`splice`). Steps that
        move pixels move it along. Models never see it.
    donors: None, or uint8 `[N, D, C, H, W]`: tiles of D other photographs of the same split for
        each patch, at hand for `splice`. Models never see them.
    window: None for whole images. For tiles, (margin, side): the patch that will be cut is the
        square of this side whose corner is (margin, margin); what is spliced in goes there. Models
        never see it.
    """

    pixels: Tensor
    keys: Tensor
    photographs: tuple[str, ...]
    positions: Tensor
    jpeg: Jpeg | None = None
    origins: Tensor | None = None
    mask: Tensor | None = None
    donors: Tensor | None = None
    window: tuple[int, int] | None = None
    _made: dict[object, object] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        if self.pixels.dtype != torch.uint8 or self.pixels.ndim != 4:
            raise TypeError(
                f"pixels must be uint8 [N, C, H, W], not {self.pixels.dtype} "
                f"{list(self.pixels.shape)}"
            )
        if self.pixels.shape[1] not in (1, 3):
            raise TypeError(f"pixels have 1 or 3 channels, not {self.pixels.shape[1]}")

    @classmethod
    def of(cls, pixels: Tensor, jpeg: Jpeg | None = None, first_key: int = 0) -> Batch:
        """A batch of bare pixels, uint8 `[N, C, H, W]`; keys count up from `first_key`."""
        n = len(pixels)
        keys = torch.arange(first_key, first_key + n, device=pixels.device)
        positions = torch.zeros(n, 2, dtype=torch.int64, device=pixels.device)
        return cls(pixels, keys, ("",) * n, positions, jpeg)

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def device(self) -> torch.device:
        return self.pixels.device

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.pixels.shape[2], self.pixels.shape[3]

    def to(self, device: torch.device | str) -> Batch:
        """The same on `device`."""
        return replace(
            self,
            pixels=self.pixels.to(device),
            keys=self.keys.to(device),
            positions=self.positions.to(device),
            jpeg=None if self.jpeg is None else self.jpeg.to(device),
            origins=None if self.origins is None else self.origins.to(device),
            mask=None if self.mask is None else self.mask.to(device),
            donors=None if self.donors is None else self.donors.to(device),
        )

    def with_pixels(
        self,
        pixels: Tensor,
        jpeg: Jpeg | None = None,
        origins: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Batch:
        """The same patches after a step: other pixels, the JPEG they are, if one, and, after a
        step that moves pixels, the tiles' new origins and the mask moved along."""
        origins = self.origins if origins is None else origins
        mask = self.mask if mask is None else mask
        return replace(self, pixels=pixels, jpeg=jpeg, origins=origins, mask=mask)

    def once(self, key: object, make: Callable[[], T]) -> T:
        """What `make` makes of these patches, made the first time that it is asked for by this
        key, which names the model and all of its options that matter. For what several answers
        about one batch have in common; nobody may write into it."""
        if key not in self._made:
            self._made[key] = make()
        found: T = self._made[key]  # type: ignore[assignment]
        return found

    def luma(self) -> Tensor:
        """float32 `[N, H, W]`, whole numbers on 0..255: gray as it is, RGB as Pillow's `L`."""
        if self.pixels.shape[1] == 1:
            return self.pixels[:, 0].float()
        return luma(self.pixels.int()).float()

    def cut(self, top: int, left: int, height: int, width: int) -> Batch:
        """The rectangle of every patch with this corner and size: pixels, JPEG and mask; origins
        and window as they are counted from there. Donors stay behind, and so does a window that
        no longer begins on the diagonal. Keys, photographs and positions remain the patch's.

        Raises ValueError where the rectangle reaches out of the patches, and where they are JPEGs
        on whose block grid the corner does not lie: `replace(batch, jpeg=None)` leaves these out.
        """
        down, across = self.size
        if min(top, left) < 0 or top + height > down or left + width > across:
            raise ValueError(
                f"no {height} x {width} pixels at ({top}, {left}) in {down} x {across}"
            )
        rows, columns = slice(top, top + height), slice(left, left + width)
        window = self.window
        if window is not None:
            kept = top == left <= window[0]
            window = (window[0] - top, window[1]) if kept else None
        corner = torch.tensor([top, left], device=self.device)
        return replace(
            self,
            pixels=self.pixels[:, :, rows, columns].contiguous(),
            jpeg=None if self.jpeg is None else self.jpeg.cut(top, left, height, width),
            origins=None if self.origins is None else self.origins + corner.to(self.origins.device),
            mask=None if self.mask is None else self.mask[:, rows, columns].contiguous(),
            donors=None,
            window=window,
        )

    def __getitem__(self, index: slice) -> Batch:
        return Batch(
            self.pixels[index],
            self.keys[index],
            self.photographs[index],
            self.positions[index],
            None if self.jpeg is None else self.jpeg[index],
            None if self.origins is None else self.origins[index],
            None if self.mask is None else self.mask[index],
            None if self.donors is None else self.donors[index],
            self.window,
        )

    @staticmethod
    def cat(batches: Sequence[Batch]) -> Batch:
        """One batch of several of the same size, channels and (all or none) chroma sampling."""
        jpegs = [b.jpeg for b in batches]
        jpeg = None
        if jpegs[0] is not None:
            full = [j for j in jpegs if j is not None]
            parts = zip(*(j.coefficients for j in full), strict=True)
            jpeg = Jpeg(
                tuple(torch.cat(p) for p in parts),
                torch.cat([j.tables for j in full]),
                full[0].sampling,
                full[0].size,
            )
        origins = [b.origins for b in batches if b.origins is not None]
        masks = [b.mask for b in batches if b.mask is not None]
        donors = [b.donors for b in batches if b.donors is not None]
        return Batch(
            torch.cat([b.pixels for b in batches]),
            torch.cat([b.keys for b in batches]),
            tuple(p for b in batches for p in b.photographs),
            torch.cat([b.positions for b in batches]),
            jpeg,
            torch.cat(origins) if origins else None,
            torch.cat(masks) if masks else None,
            torch.cat(donors) if donors else None,
            batches[0].window,
        )
