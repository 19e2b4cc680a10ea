"""K_V: total variation of the image compressed again at one quality after the other."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from forensics.batch import Batch
from forensics.jpeg import compress, decode
from forensics.models.interfaces import Detector, Scores
from forensics_antiforensics.detectors.luma import luma, scores

_QUALITIES = torch.arange(45, 101)
_PIECE = 1 << 22  # pixels that are compressed at once; more leave the cache of a CPU sooner
_LEAST_ROWS = 64  # of a strip: each is compressed with one row of blocks of the next


def _total_variation(images: Tensor, rows: int) -> Tensor:
    """Sum of absolute first differences along both axes, int64: uint8 `[N, H, W]` -> `[N]`; of the
    first rows, with those from the last of them to the next."""
    images = images.to(torch.int32)
    across = images[:, :rows].diff(dim=2).abs_().sum(2, dtype=torch.int32)
    down = images[:, : rows + 1].diff(dim=1).abs_().sum(2, dtype=torch.int32)
    return across.sum(1) + down.sum(1)


def _largest_rise(planes: Tensor, rows: int) -> Tensor:
    """max over q of TV(q + 1) - TV(q), int64 `[N]`, of uint8 `[N, 1, H, W]`, in strips of so many
    rows, whole blocks."""
    many = len(_QUALITIES)
    qualities = _QUALITIES.to(planes.device).repeat(len(planes))
    total = torch.zeros(len(qualities), dtype=torch.int64, device=planes.device)
    for top in range(0, planes.shape[2], rows):
        strip = planes[:, :, top : top + rows + 8]
        again = decode(compress(strip.repeat_interleave(many, 0), qualities))
        total += _total_variation(again[:, 0], rows)
    return total.view(-1, many).diff(dim=1).amax(1)


@dataclass(frozen=True)
class KV(Detector):
    """Total variation under recompression, by G. Valenzise, M. Tagliasacchi and S. Tubaro
    ("Revealing the traces of JPEG compression anti-forensics", IEEE Trans. Information Forensics
    and Security, 2013), the paper's K_V.

    The luma is compressed and decoded at every quality 45..100 (as libjpeg does it, to the bit);
    TV is the sum of absolute horizontal and vertical first differences:
    K_V = max over q of TV(q + 1) - TV(q).

    The sum grows with the image; here it is divided by the number of pixels, so that scores of
    images of any size compare.

    score: batch of N patches -> float32 `[N]`, in grey levels a pixel, higher = compressed; NaN
    where the image is flat.
    """

    def score(self, batch: Batch) -> Scores:
        seen = luma(batch)
        planes = seen.to(torch.uint8)[:, None]
        _, _, height, width = planes.shape
        rows = max(_LEAST_ROWS, _PIECE // (len(_QUALITIES) * width) // 8 * 8)
        images = max(1, _PIECE // (len(_QUALITIES) * min(rows, height) * width))
        rises = torch.cat([_largest_rise(part, rows) for part in planes.split(images)])
        return scores(rises.double() / (height * width), seen)
