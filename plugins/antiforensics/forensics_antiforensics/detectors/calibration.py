"""K_L: the variance of high frequencies against that of the same image off its grid."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from forensics.batch import Batch
from forensics.models.interfaces import Detector, Scores
from forensics_antiforensics.detectors.luma import coefficients, luma, scores

_HIGH = [8 * u + v for u in range(8) for v in range(8) if u + v >= 8]

# Below any variance that a picture of 8-bit pixels has in a subband that is not constant (its
# rounding noise alone has 1/12); only constant subbands are divided by it.
_LEAST = 1e-6


def _variances(planes: Tensor) -> Tensor:
    """Variance over the blocks of the 28 high subbands, float64 `[N, 28]`."""
    # Coefficients are multiples of 2**-12: as whole numbers their sums do not depend on the order.
    whole = (coefficients(planes)[..., _HIGH] * 4096).to(torch.int64)
    count = whole.shape[1]
    mean, square = whole.sum(1).double() / count, (whole * whole).sum(1).double() / count
    return (square - mean * mean).clamp(min=0) / 4096**2


@dataclass(frozen=True)
class KL(Detector):
    """Calibration feature of S. Lai and R. Böhme ("Countering counter-forensics: the case of
    JPEG compression", Information Hiding 2011), the paper's K_L.

    For each of the 28 subbands (u, v) with u + v >= 8 the condition variance over blocks of the
    orthonormal DCT, once of the image on its own grid (I, without the last 8 rows and columns)
    and once shifted by half a block (J, without the first and the last 4):
    K_L = mean of |var_I - var_J| / var_I.

    score: batch of N patches -> float32 `[N]`, 0 upwards, higher = compressed, for compression
    empties high frequencies on its own grid only. Where a subband is constant on the grid but
    not off it, as in flat blocks of a JPEG, the ratio is very large, not infinite; NaN where all
    are constant on both.
    """

    def score(self, batch: Batch) -> Scores:
        planes = luma(batch)
        aligned = _variances(planes[:, :-8, :-8])
        shifted = _variances(planes[:, 4:-4, 4:-4])
        ratio = (aligned - shifted).abs() / aligned.clamp(min=_LEAST)
        answerable = ((aligned > 0) | (shifted > 0)).any(1)
        return scores(ratio.mean(1), planes, answerable, "no high frequencies")
