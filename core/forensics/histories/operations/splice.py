"""`splice(jpeg(60) crop(3,5),donor=1)`: a region of another history in the patch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from forensics import random
from forensics.batch import Batch
from forensics.errors import ForensicsError, NotApplicable
from forensics.histories.operations import regions
from forensics.histories.operations.chain import Chain
from forensics.histories.operations.regions import Regions, Window
from forensics.models.interfaces import Operation

# How far a copied region is moved at most, in pixels.
_FARTHEST = 64


@dataclass(frozen=True)
class Splice(Operation):
    """Paste a region with a hard edge; `Batch.mask` says where.

    donor: where the region comes from. A number 0, 1, ..: that tile of `Batch.donors`, of another
        photograph. `"self"`: the same place of the image as it is at this step, so that only the
        history tells the region from what is around it. `"copy"`: another place of the same
        image, a quarter to a half of the patch's side away along both axes, at most 64 pixels.
    history: what the donor's whole tile goes through first; nothing, where none is written. What
        is left of the tile is laid upon the image corner by corner: after `jpeg(60) crop(3,5)` the
        region's JPEG grid begins 3 rows and 5 columns before the image's.

    Regions are rectangles, ellipses and free forms of 5 % to 40 % of the patch, inside the patch,
    drawn by the patch's key and the text of the step, parameters open. Of two splices in a row
    neither hides the other. What comes out has no JPEG. Raises NotApplicable where there is no
    such donor.
    """

    geometric: ClassVar[bool] = True
    holds_history: ClassVar[bool] = True
    history: Chain
    donor: int | str = 0

    def __post_init__(self) -> None:
        known = self.donor in ("self", "copy") or (type(self.donor) is int and self.donor >= 0)
        if not known:
            raise ForensicsError(
                "splice takes donor=0, 1, .. (tiles of other photographs), donor=self or "
                f"donor=copy, not donor={self.donor}"
            )

    def margin(self, color: bool) -> int:
        return self.history.margin(color) + (_FARTHEST if self.donor == "copy" else 0)

    def align(self, color: bool) -> int:
        return self.history.align(color)

    def side_before(self, side: int, color: bool) -> int:
        if isinstance(self.donor, int):
            return side
        before = self.history.side_before(side, color)
        if self.donor == "copy":
            before += 2 * _FARTHEST
        return max(side, before)

    def side_beside(self, side: int, color: bool) -> int:
        beside = self.history.side_beside(side, color)
        if isinstance(self.donor, int):
            beside = max(beside, self.history.side_before(side, color))
        return beside

    def apply(self, batch: Batch) -> Batch:
        stream = f"splice {self.history.stream}"
        found = self._regions(batch, stream)
        # Noise in the region is not the noise around it.
        keys = random.bits(batch.keys, stream)
        pixels = self._donor(batch, found, stream)
        donor = replace(batch, pixels=pixels, keys=keys, jpeg=None, mask=None)
        source = self.history.apply(donor).pixels
        mask = self._covered(found.mask, source)
        height, width = (min(a, b) for a, b in zip(source.shape[2:], batch.size, strict=True))
        pasted = batch.pixels.clone()
        pasted[:, :, :height, :width] = torch.where(
            mask[:, None, :height, :width],
            source[:, :, :height, :width],
            pasted[:, :, :height, :width],
        )
        together = mask if batch.mask is None else batch.mask | mask
        return replace(batch, pixels=pasted, jpeg=None, mask=together)

    def _regions(self, batch: Batch, stream: str) -> Regions:
        height, width = batch.size
        window = Window(0, 0, height, width)
        if batch.window is not None:
            margin, side = batch.window
            window = Window(margin, margin, side, side)
        if batch.mask is None:
            return regions.draw(batch.keys, stream, window, batch.size)
        return regions.beside(batch.keys, stream, window, batch.size, batch.mask)

    def _donor(self, batch: Batch, found: Regions, stream: str) -> Tensor:
        if self.donor == "self":
            return batch.pixels
        if isinstance(self.donor, str):
            return _elsewhere(batch, found, stream)
        if batch.donors is None or batch.donors.shape[1] <= self.donor:
            raise NotApplicable(
                f"there is no other photograph for a splice with donor={self.donor}: run it in a "
                "trace over several photographs, or write donor=self or donor=copy"
            )
        return batch.donors[:, self.donor]

    def _covered(self, mask: Tensor, source: Tensor) -> Tensor:
        """The regions as far as their source reaches, which in tiles is always the whole."""
        height, width = source.shape[2:]
        if height >= mask.shape[1] and width >= mask.shape[2]:
            return mask
        mask = mask.clone()
        mask[:, height:], mask[:, :, width:] = False, False
        if not bool(mask.any(2).any(1).all()):
            raise ForensicsError(
                f"a splice has no region to take from the {width} x {height} pixels that its "
                "history leaves: choose steps that leave more"
            )
        return mask


def _elsewhere(batch: Batch, found: Regions, stream: str) -> Tensor:
    """The images moved, so that other pixels of theirs lie where the regions are. They move to
    where there is more room, and not beyond the image."""
    height, width = batch.size
    side = batch.window[1] if batch.window is not None else min(height, width)
    low, high = (min(share, _FARTHEST) for share in (max(side // 4, 1), max(side // 2, 1)))
    indices = []
    for axis, (end, first, last) in enumerate(
        ((height, found.top, found.bottom), (width, found.left, found.right))
    ):
        far = low + random.integers(batch.keys, f"{stream} axis {axis}", high - low + 1)
        before, after = first, end - last
        shift = torch.where(before > after, -torch.minimum(far, before), torch.minimum(far, after))
        places = torch.arange(end, device=batch.device) + shift[:, None]
        indices.append(places.clamp(0, end - 1))
    rows, columns = indices
    one = torch.arange(len(batch), device=batch.device)[:, None, None]
    planes = batch.pixels.permute(0, 2, 3, 1)[one, rows[:, :, None], columns[:, None, :]]
    return planes.permute(0, 3, 1, 2).contiguous()
