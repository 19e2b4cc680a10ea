"""The same as a network: filters, membership of 81 codewords by a soft maximum, the mean (section
3 of the paper).

In grey levels: inputs of 0..255, codewords of {-4.5, 0, 4.5}^4 and a factor of 1 are the paper's
network of inputs of 0..1, codewords of 4.5 / 255 and alpha = 255^2, about 2^16.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from forensics import device
from forensics.nn import third_order
from forensics_srmcnn.feature import BINS, rooted

STEP = 4.5
LARGE = 1 << 21  # pixels from which on an image is looked at in strips
_CHUNK = 2048  # sites at a time: their memberships stay in the cache


class SoftCounts(torch.autograd.Function):
    """The mean over sites of softmax(alpha (r W' + b)).

    sites: `[N, S, 4]`; weight: `[81, 4]`; bias: `[81]`. Returns `[N, 81]`. The memberships
    `[N, S, 81]` never exist as a whole: a chunk at a time, and once more in `backward`.
    """

    @staticmethod
    def forward(ctx: Any, sites: Tensor, weight: Tensor, bias: Tensor, alpha: float) -> Tensor:
        ctx.save_for_backward(sites, weight, bias)
        ctx.alpha = alpha
        if _compiled(sites, weight):
            from forensics_srmcnn import compiled_members

            return compiled_members.means(sites, weight, bias, alpha)
        out = sites.new_zeros(len(sites), len(weight))
        for image, rows in enumerate(sites):
            for part in rows.split(_CHUNK):
                out[image] += members(part, weight, bias, alpha).sum(0)
        return out / sites.shape[1]

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        (given,) = upstream
        sites, weight, bias = ctx.saved_tensors
        if _compiled(sites, weight):
            from forensics_srmcnn import compiled_members

            return *compiled_members.gradients(given, sites, weight, bias, ctx.alpha), None
        factor = ctx.alpha / sites.shape[1]
        to_sites, to_weight = torch.empty_like(sites), torch.zeros_like(weight)
        to_bias = torch.zeros_like(bias)
        for image, rows in enumerate(sites):
            slopes = given[image] * factor
            for start in range(0, len(rows), _CHUNK):
                part = rows[start : start + _CHUNK]
                p = members(part, weight, bias, ctx.alpha)
                d = p * (slopes - (p @ slopes)[:, None])
                to_sites[image, start : start + _CHUNK] = d @ weight
                to_weight += (part.T @ d).T  # several times as fast as d.T @ part
                to_bias += d.sum(0)
        return to_sites, to_weight, to_bias, None


def _compiled(sites: Tensor, weight: Tensor) -> bool:
    if not device.compiled(sites):
        return False
    from forensics_srmcnn import compiled_members  # compiles or loads what it compiled

    return compiled_members.fits(sites, weight)


def members(rows: Tensor, weight: Tensor, bias: Tensor, alpha: float) -> Tensor:
    """Memberships `[S, 81]` of sites `[S, 4]`."""
    return torch.addmm(bias, rows, weight.T).mul_(alpha).softmax(1)


class Half(nn.Module):
    """Four filters and 81 codewords: `[N, 1, H, W]` of 0..255 -> residuals of its sites
    `[N, S, 4]`, or the shares of the codewords `[N, 81]`."""

    def __init__(self, kernels: Tensor) -> None:
        super().__init__()
        self.filters = nn.Conv2d(1, 4, (kernels.shape[1], kernels.shape[2]))
        self.codewords = nn.Linear(4, BINS)
        levels = torch.tensor([-STEP, 0.0, STEP])
        words = torch.cartesian_prod(levels, levels, levels, levels)
        with torch.no_grad():
            self.filters.weight.copy_(kernels[:, None])
            nn.init.zeros_(self.filters.get_parameter("bias"))
            self.codewords.weight.copy_(words)
            self.codewords.bias.copy_(-words.square().sum(1) / 2)

    def sites(self, planes: Tensor) -> Tensor:
        return self.filters(planes).flatten(2).transpose(1, 2)

    def forward(self, planes: Tensor, alpha: float | None) -> Tensor:
        """alpha: the soft maximum's factor; None: the hard one."""
        if planes.numel() > LARGE and len(planes) == 1 and not torch.is_grad_enabled():
            return self._in_strips(planes, alpha)
        return self._whole(planes, alpha)

    def _in_strips(self, planes: Tensor, alpha: float | None) -> Tensor:
        """The same of one large image, in bounded memory: the mean over strips, by their sites."""
        span = self.filters.weight.shape[2]
        sites = planes.shape[2] - span + 1
        rows = max(1, LARGE // planes.shape[3])
        shares = [
            self._whole(planes[:, :, top : min(top + rows, sites) + span - 1], alpha)
            * (min(top + rows, sites) - top)
            for top in range(0, sites, rows)
        ]
        return torch.stack(shares).sum(0) / sites

    def _whole(self, planes: Tensor, alpha: float | None) -> Tensor:
        sites, words = self.sites(planes), self.codewords
        if alpha is None:
            best = words(sites).argmax(2)
            start = BINS * torch.arange(len(best), device=best.device)[:, None]
            found = torch.bincount((best + start).flatten(), minlength=BINS * len(best))
            return found.view(len(best), BINS).to(planes.dtype) / best.shape[1]
        shares: Tensor = SoftCounts.apply(sites, words.weight, words.bias, alpha)
        return shares


class DescriptorNetwork(nn.Module):
    """Luma or green `[N, 1, H, W]` of 0..255 -> logits of 'altered', `[N]`.

    Two halves, along (5 x 7, the filter in the middle row) and across (5 x 5, the filter in four
    rows and columns), go over the image and over its transpose with the same weights; their means,
    rooted and standardised, are weighed by `head`. As it is made, it computes the hand-made feature
    at the sites where whole kernels fit.
    """

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self.alpha = alpha
        self.along = Half(functional.pad(third_order("along").float(), (0, 0, 2, 2)))
        self.across = Half(functional.pad(third_order("across").float(), (0, 1, 0, 1)))
        self.register_buffer("mean", torch.zeros(2 * BINS))
        self.register_buffer("scale", torch.ones(2 * BINS))
        self.head = nn.Linear(2 * BINS, 1)

    mean: Tensor
    scale: Tensor

    def shares(self, planes: Tensor, hard: bool = False) -> Tensor:
        """The shares of the codewords, `[N, 162]`: along, across."""
        alpha = None if hard else self.alpha
        turned = planes.transpose(2, 3).contiguous()
        halves = [(h(planes, alpha) + h(turned, alpha)) / 2 for h in (self.along, self.across)]
        return torch.cat(halves, 1)

    def decide(self, shares: Tensor) -> Tensor:
        """Logits `[N]` of shares `[N, 162]`."""
        decision: Tensor = self.head((rooted(shares) - self.mean) / self.scale)
        return decision[:, 0]

    def forward(self, planes: Tensor) -> Tensor:
        return self.decide(self.shares(planes))


def stored(state: Mapping[str, Tensor]) -> DescriptorNetwork:
    """The network of a weight file."""
    return DescriptorNetwork()
