"""Scores of all windows of an image at once: sums of codes, or of memberships, over cells.

The edges of all windows cut the sites of an image into cells. The codes are counted cell by cell,
and two running sums give the histogram of every window: what a box filter over 162 maps gives,
without the maps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from forensics import device
from forensics.plugin import Batch, Heatmap, Localizer, NotApplicable, decision, option
from forensics_srmcnn import feature, models, network
from forensics_srmcnn.feature import BINS
from forensics_srmcnn.network import DescriptorNetwork, Half

_CHUNK = 1 << 14  # sites at a time
_STRIDE = 8  # pixels between windows


@dataclass(frozen=True, eq=False)
class Cells:
    """Where the sites of windows lie. number: int64 `[h, w]`, the cell of each site; first, last:
    int64, for rows and for columns, the cells at which each window begins and ends."""

    number: Tensor
    shape: tuple[int, int]
    first: tuple[Tensor, Tensor]
    last: tuple[Tensor, Tensor]

    @classmethod
    def of(
        cls, sites: tuple[int, int], starts: tuple[Tensor, Tensor], spans: tuple[int, int]
    ) -> Cells:
        """sites: rows and columns of them; starts: of the windows, rows and columns; spans: the
        rows and columns of sites in a window."""
        axes, first, last = [], [], []
        for count, begin, span in zip(sites, starts, spans, strict=True):
            cuts = torch.cat([begin, begin + span]).unique()
            places = torch.arange(count, device=begin.device)
            axes.append(torch.searchsorted(cuts, places, right=True))
            first.append(torch.searchsorted(cuts, begin))
            last.append(torch.searchsorted(cuts, begin + span))
        shape = (int(axes[0][-1]) + 1, int(axes[1][-1]) + 1)
        number = axes[0][:, None] * shape[1] + axes[1]
        return cls(number, shape, (first[0], first[1]), (last[0], last[1]))

    def windows(self, sums: Tensor) -> Tensor:
        """Of every window, `[ny, nx, 81]`, from those of the cells, `[cells, 81]`, in double
        precision or whole numbers."""
        table = sums.view(*self.shape, -1).cumsum(0).cumsum(1)
        table = torch.nn.functional.pad(table, (0, 0, 1, 0, 1, 0))
        (top, left), (bottom, right) = self.first, self.last
        # A window begins with the cell after its first cut.
        rows = table[bottom + 1] - table[top + 1]
        return rows[:, right + 1] - rows[:, left + 1]


def _shares(
    plane: Tensor,
    side: int,
    stride: int,
    spans: list[tuple[int, int]],
    sums: Callable[[Tensor, int, Cells], Tensor],
) -> Tensor:
    """The shares of the codewords in every window, `[ny, nx, 162]`.

    spans: rows and columns of sites in a window, along and across; sums: of the image or its
    transpose, of one of the two halves, by cells, `[cells, 81]`.
    """
    begin = [
        torch.arange(0, length - side + 1, stride, device=plane.device) for length in plane.shape
    ]
    total = []
    for half, span in enumerate(spans):
        upright = Cells.of(_sites(plane, side, span), (begin[0], begin[1]), span)
        found = upright.windows(sums(plane, half, upright))
        turned = plane.T.contiguous()
        lying = Cells.of(_sites(turned, side, span), (begin[1], begin[0]), span)
        found = found + lying.windows(sums(turned, half, lying)).transpose(0, 1)
        total.append(found / (2 * span[0] * span[1]))
    return torch.cat(total, 2).float()


def _sites(plane: Tensor, side: int, span: tuple[int, int]) -> tuple[int, int]:
    return plane.shape[0] - side + span[0], plane.shape[1] - side + span[1]


def hard_shares(plane: Tensor, side: int, stride: int) -> Tensor:
    """The feature of every window of uint8 `[H, W]`: float32 `[ny, nx, 162]`."""
    if device.compiled(plane):
        from forensics_srmcnn import compiled_maps  # compiles or loads what it compiled

        return compiled_maps.counts(plane, side, stride) / feature.sites(side, side)
    return hard_shares_on_tensors(plane, side, stride)


def hard_shares_on_tensors(plane: Tensor, side: int, stride: int) -> Tensor:
    """The same by tensors, on any device."""

    def sums(image: Tensor, half: int, cells: Cells) -> Tensor:
        code = feature.codes(image[None])[half][0].long()
        count = cells.shape[0] * cells.shape[1] * BINS
        return torch.bincount((cells.number * BINS + code).flatten(), minlength=count).view(
            -1, BINS
        )

    return _shares(plane, side, stride, [(side, side - 6), (side - 3, side - 3)], sums)


def soft_shares(net: DescriptorNetwork, plane: Tensor, side: int, stride: int) -> Tensor:
    """`DescriptorNetwork.shares` of every window of uint8 `[H, W]`: float32 `[ny, nx, 162]`."""

    def sums(image: Tensor, half: int, cells: Cells) -> Tensor:
        found: Half = (net.along, net.across)[half]
        sites, words = found.sites(image[None, None].float())[0], found.codewords
        if device.compiled(sites):
            from forensics_srmcnn import compiled_members

            number = cells.number.flatten()
            return compiled_members.sums(sites, words.weight, words.bias, net.alpha, number)
        out = sites.new_zeros(cells.shape[0] * cells.shape[1], BINS, dtype=torch.float64)
        for rows, where in zip(
            sites.split(_CHUNK), cells.number.flatten().split(_CHUNK), strict=True
        ):
            members = network.members(rows, words.weight, words.bias, net.alpha)
            out.index_add_(0, where, members.double())
        return out

    return _shares(plane, side, stride, [(side - 4, side - 6), (side - 4, side - 4)], sums)


@dataclass(frozen=True)
class Map(Localizer):
    """The SVM or the network on windows at every eighth pixel; an image's score is its highest."""

    task: str
    method: str
    strength: str = option("any", "any, or one of the paper's strengths: a part each")
    window: int = option(64, "side of the windows in pixels")

    def localize(self, batch: Batch) -> Heatmap:
        if min(batch.size) < self.window:
            raise NotApplicable(f"smaller than {self.window} x {self.window}")
        planes = feature.plane(batch)
        values = torch.stack([self._in_strips(plane) for plane in planes])
        reasons = models.blank(planes)
        empty = torch.tensor([reason is not None for reason in reasons], device=values.device)
        values = values.masked_fill(empty[:, None, None], torch.nan)
        highest = values.flatten(1).amax(1)
        unit, most = ("log odds", 6.0) if self.method == "cnn" else ("margin of the SVM", 3.0)
        middle = self.window // 2
        return Heatmap(values, _STRIDE, middle, highest, reasons, unit=unit, scale=(-most, most))

    def _in_strips(self, plane: Tensor) -> Tensor:
        """Strips of rows of windows, so that the histograms of all never are there at once."""
        count = (plane.shape[0] - self.window) // _STRIDE + 1
        rows = max(1, network.LARGE // plane.shape[1] // _STRIDE)
        parts = []
        for first in range(0, count, rows):
            last = min(first + rows, count) - 1
            parts.append(
                self._scores(plane[first * _STRIDE : last * _STRIDE + self.window].contiguous())
            )
        return torch.cat(parts)

    def _scores(self, plane: Tensor) -> Tensor:
        if self.method == "cnn":
            net = self.network(self.strength, network.stored, plane.device)
            assert isinstance(net, DescriptorNetwork)
            shares = soft_shares(net, plane, self.window, _STRIDE)
            return net.decide(shares.flatten(0, 1)).view(shares.shape[:2])
        shares = hard_shares(plane, self.window, _STRIDE)
        logits = self.network(self.strength, decision, plane.device)(
            feature.rooted(shares).flatten(0, 1)
        )
        return (logits[:, 1] - logits[:, 0]).view(shares.shape[:2])
