"""The statistics that four of the detectors rest on, with a gradient.

Planes are float `[N, H, W]` on 0..255, in whole blocks.
"""

from __future__ import annotations

from torch import Tensor

from forensics_antiforensics.losses.paper import high_frequencies, subbands


def calibration_ratios(plane: Tensor) -> Tensor:
    """log var_I - log var_J of the 28 high-frequency subbands, `[N, 28]` (K_L's two versions of
    the image: without its last 8 rows and columns, and moved by (4, 4))."""
    high = high_frequencies(plane.device)
    logs = [
        (subbands(part)[:, high].var(2, correction=0) + 0.02).log()
        for part in (plane[:, :-8, :-8], plane[:, 4:-4, 4:-4])
    ]
    return logs[0] - logs[1]


def log_k_l(ratios: Tensor) -> Tensor:
    """log K_L of each image, `[N]`, from `calibration_ratios`."""
    return ((1 - (-ratios).exp()).abs().mean(1) + 0.01).log()


def corner_differences(plane: Tensor) -> tuple[Tensor, Tensor]:
    """K_F's Z at block centres and at the corners between four blocks, `[N, blocks]` each."""
    x = plane - 128

    def z(offset: int) -> Tensor:
        a, b = x[:, offset::8], x[:, offset + 1 :: 8]
        rows = min(a.shape[1], b.shape[1])
        d = a[:, :rows] - b[:, :rows]
        left, right = d[..., offset::8], d[..., offset + 1 :: 8]
        columns = min(left.shape[2], right.shape[2])
        return (left[..., :columns] - right[..., :columns]).abs()

    corners = z(7)
    centres = z(3)[:, : corners.shape[1], : corners.shape[2]]
    return centres.flatten(1), corners.flatten(1)


def blockiness(plane: Tensor, power: int) -> Tensor:
    """B_p of Ullerich and Westfeld, `[N]`: third differences across block borders."""
    totals, count = [], 0
    for lines in (plane, plane.transpose(1, 2)):
        borders = (lines.shape[1] - 2) // 8
        a, b, c, d = (lines[:, first::8][:, :borders] for first in range(6, 10))
        third = (a - 3 * b + 3 * c - d).abs()
        totals.append((third if power == 1 else third.square()).sum((1, 2)))
        count += borders * lines.shape[2]
    return (totals[0] + totals[1]) / count


def signed_blockiness(plane: Tensor, power: int) -> Tensor:
    """(B_p - B_p of the image without its first 4 rows and columns) over the latter, `[N]`."""
    moved = blockiness(plane[:, 4:, 4:], power)
    return (blockiness(plane, power) - moved) / (moved + 0.1)
