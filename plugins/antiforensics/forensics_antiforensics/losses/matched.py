"""The matched loss: closeness to the photograph, and to its statistics over the batch.

Beyond the paper. Every term compares the output's statistics, signed and unclipped, with those of
the never-compressed images, so that overshooting (too smooth, too grainy) costs as much as falling
short. Terms are squeezed by log(1 + term): none of them runs the training alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from forensics_antiforensics.losses import distribution, recompression, statistics


@dataclass(frozen=True)
class Terms:
    """mse: over the JPEG's; statistics: the terms by name, before log(1 + term); coefficients:
    distance of the coefficients' distributions."""

    mse: Tensor
    statistics: dict[str, Tensor]
    coefficients: Tensor

    def total(self, weight: float) -> Tensor:
        """The loss, with this weight on the statistics."""
        squeezed = torch.stack(list(self.statistics.values())).log1p().sum()
        return self.mse + weight * (0.05 * squeezed + 0.5 * self.coefficients)


def losses(output: Tensor, luma: Tensor, target: Tensor, steps: Tensor, quality: int) -> Terms:
    """All terms. output, luma (the JPEG's decode), target: float `[N, H, W]` on 0..255; steps:
    the batch's one table, `[8, 8]`; quality: its JPEG quality."""
    pixels = recompression.whole(output)
    mine, theirs = distribution.pooled(pixels), distribution.pooled(target)
    return Terms(
        (output - target).square().mean() / (luma - target).square().mean(),
        {
            "calibration": calibration_miss(pixels, target),
            "corners": corner_miss(pixels, target),
            "blockiness": blockiness_miss(pixels, target),
            "variation": recompression.variation_miss(
                pixels, target, recompression.qualities(quality)
            ),
            "comb": 50 * distribution.comb_distance(mine, theirs, steps),
        },
        distribution.coefficient_distance(mine, theirs),
    )


def population_miss(values: Tensor, wanted: Tensor, usual: float) -> Tensor:
    """How far a statistic's values `[N]` are from the wanted population: squared miss of the mean
    and mean squared miss of the sorted values, over the wanted variance. A batch shows little of a
    variance, so it is averaged with the square of the `usual` standard deviation."""
    scale = (wanted.var() + usual**2) / 2
    mean = (values.mean() - wanted.mean()).square()
    return (mean + (values.sort()[0] - wanted.sort()[0]).square().mean()) / scale


def calibration_miss(output: Tensor, target: Tensor) -> Tensor:
    """K_L: the subbands' log ratios of variances in the mean, and log K_L as a population."""
    mine, theirs = (statistics.calibration_ratios(plane) for plane in (output, target))
    means = (mine.mean(0) - theirs.mean(0)).square().mean()
    population = population_miss(statistics.log_k_l(mine), statistics.log_k_l(theirs), 0.3)
    return 25 * means + 2 * population


def corner_miss(output: Tensor, target: Tensor) -> Tensor:
    """K_F: differences at block corners against those at centres, and both against the target's."""
    centres, corners = (
        z.flatten().log1p().sort()[0] for z in statistics.corner_differences(output)
    )
    wanted = [z.flatten().log1p().sort()[0] for z in statistics.corner_differences(target)]
    own = (centres - corners).abs().mean()
    natural = (wanted[0] - wanted[1]).abs().mean()
    apart = (centres - wanted[0]).abs().mean() + (corners - wanted[1]).abs().mean()
    return 10 * ((own - natural).relu() + 0.5 * apart)


def blockiness_miss(output: Tensor, target: Tensor) -> Tensor:
    """K_U1 and K_U2: the signed relative blockiness, in the mean and as a population."""
    total = output.new_zeros(())
    for power, usual in ((1, 0.05), (2, 0.15)):
        mine, theirs = (statistics.signed_blockiness(p, power) for p in (output, target))
        total = total + 2 * population_miss(mine, theirs, usual)
    return total
