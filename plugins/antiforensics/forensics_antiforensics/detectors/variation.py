"""K_V: total variation of the image compressed again at one quality after the other."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from forensics.batch import Batch
from forensics.jpeg import compress, decode
from forensics.models.interfaces import Detector, Scores
from forensics_antiforensics.detectors.luma import luma

_QUALITIES = torch.arange(45, 101)
_PIECE = 1 << 22  # pixels that are compressed at once; more leave the cache of a CPU sooner


def _total_variation(images: Tensor) -> Tensor:
    """Sum of absolute first differences along both axes, int64: uint8 `[N, H, W]` -> `[N]`."""
    images = images.to(torch.int32)
    across = (images[:, :, 1:] - images[:, :, :-1]).abs_().sum(2, dtype=torch.int32)
    down = (images[:, 1:] - images[:, :-1]).abs_().sum(2, dtype=torch.int32)
    return across.sum(1) + down.sum(1)


def _largest_rise(planes: Tensor) -> Tensor:
    """max over q of TV(q + 1) - TV(q), int64 `[N]`, of uint8 `[N, 1, H, W]`."""
    many = len(_QUALITIES)
    qualities = _QUALITIES.to(planes.device).repeat(len(planes))
    again = decode(compress(planes.repeat_interleave(many, 0), qualities))
    return _total_variation(again[:, 0]).view(-1, many).diff(dim=1).amax(1)


@dataclass(frozen=True)
class KV(Detector):
    """Total variation under recompression, by G. Valenzise, M. Tagliasacchi and S. Tubaro
    ("Revealing the traces of JPEG compression anti-forensics", IEEE Trans. Information Forensics
    and Security, 2013), the paper's K_V.

    The luma is compressed and decoded at every quality 45..100 (as libjpeg does it, to the bit);
    TV is the sum of absolute horizontal and vertical first differences:
    K_V = max over q of TV(q + 1) - TV(q).

    score: batch of N patches -> float32 `[N]`, in grey levels, summed over the patch: compare
    patches of one size only. Higher = compressed.
    """

    def score(self, batch: Batch) -> Scores:
        planes = luma(batch.pixels).to(torch.uint8)[:, None]
        images = max(1, _PIECE // (len(_QUALITIES) * planes[0].numel()))
        rises = torch.cat([_largest_rise(part) for part in planes.split(images)])
        return Scores(rises.to(torch.float32))
