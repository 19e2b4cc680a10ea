"""All windows of an image: what `q1phase` says of each, and how well a few hypotheses explain it.

Twice over the image, in tiles of bounded memory. First on all 64 phases at windows 32 pixels apart,
which says what phases occur where, and which hypotheses (a phase and a first table) are worth
following; then at every block, in each tile on the phases that occur in it alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from forensics import progress
from forensics_q1cnn.localization.windows import Tile, apart, grid, logs, tiles
from forensics_q1cnn.phase.features import Luma
from forensics_q1cnn.phase.network import QUALITIES, PhaseNetwork, libjpeg_tables
from forensics_q1cnn.phase.posterior import ALIKE, Decode, Posterior, every_phase
from forensics_q1cnn.tables import STEPS

HYPOTHESES = 64 * len(QUALITIES)  # phases times tables
_COARSE = 4  # windows from one to the next on the first pass
_FOLLOWED = 64  # hypotheses at most
_NAMED = 0.1  # of the posterior: a window names a hypothesis that has so much of it
_FLOOR = 1e-12  # no window says more against a hypothesis than that


@dataclass(frozen=True, eq=False)
class Survey:
    """The windows of one image, `[rows, columns]` of them. steps: float32 `[rows, columns, 15]`;
    phase: int64 `[rows, columns]`, the most probable, 8 row + column; total: the expected sum of
    the steps; entropy: of phase and table, in bits; hypotheses: int64 `[H]`, phase times tables
    plus table; evidence: float32 `[rows, columns, H]`, the logarithm of each one's posterior;
    looked_at: on how many phases, in the mean."""

    steps: Tensor
    phase: Tensor
    total: Tensor
    entropy: Tensor
    hypotheses: Tensor
    evidence: Tensor
    looked_at: float


def survey(network: PhaseNetwork, seen: Luma, prune: float, decode: Decode) -> Survey:
    """Of one image. prune: phases whose posterior is below it in all windows of the first pass in
    and beside a tile are left out there; with 0 none."""
    listed = libjpeg_tables().to(seen.planes.device)
    index = network.index(listed)
    rows, columns = grid(seen)
    coarse = [Tile(top, 0, 1, columns) for top in range(0, rows, _COARSE)]
    pieces = list(tiles(rows, columns))
    every = len(coarse) + len(pieces)
    peaks, hypotheses = _first_pass(network, seen, index, listed, coarse, every)
    made = seen.planes.new_empty(rows, columns, STEPS + 3 + len(hypotheses))
    # What is said for a hypothesis whose phase was left out: no more than this.
    little = math.log(max(prune / len(listed), _FLOOR))
    looked_at = 0
    for done, tile in enumerate(pieces, len(coarse) + 1):
        kept = _near(peaks, tile) >= prune
        kept[0] = True
        phases = kept[1:].nonzero()[:, 0] + 1
        found = Posterior.of_logs(logs(network, tile.cut(seen), tile.across, phases, index), listed)
        evidence = found.double.flatten(1)[:, hypotheses].clamp_min(_FLOOR).log()
        evidence[:, ~kept[hypotheses // len(listed)]] = little
        said = torch.cat([_summary(found, decode), evidence], 1)
        made[tile.slices] = said.unflatten(0, (tile.down, tile.across))
        looked_at += len(tile) * int(kept.sum())
        progress.tell(done, every)
    steps, phase, total, entropy, evidence = made.split([STEPS, 1, 1, 1, len(hypotheses)], 2)
    phase, total, entropy = (plane[..., 0] for plane in (phase, total, entropy))
    share = looked_at / (rows * columns)
    return Survey(steps, phase.long(), total, entropy, hypotheses, evidence, share)


def _summary(found: Posterior, decode: Decode) -> Tensor:
    """Of each window the 15 steps, the phase, the expected sum and the entropy, `[N, 18]`."""
    sums = found.tables[:, :STEPS].sum(1).float()
    bits = torch.special.entr(found.double).sum((1, 2)) / math.log(2)
    planes = [found.phases().argmax(1), found.double.sum(1) @ sums, bits]
    return torch.cat([found.estimates(decode), torch.stack(planes, 1)], 1)


def _near(peaks: Tensor, tile: Tile) -> Tensor:
    """The highest posterior of each phase, `[64]`, in the windows of the first pass that lie in a
    tile or just beyond."""
    down, across = (slice(s.start // _COARSE, s.stop // _COARSE + 1) for s in tile.slices)
    return peaks[down, across].amax((0, 1))


def _first_pass(
    network: PhaseNetwork,
    seen: Luma,
    index: Tensor,
    listed: Tensor,
    pieces: Sequence[Tile],
    every: int,
) -> tuple[Tensor, Tensor]:
    """The posterior of phases in some windows of each piece, `[rows, columns, 64]` of these, and
    the hypotheses to follow, int64 `[H]`. every: the pieces of both passes, for progress."""
    votes = seen.planes.new_zeros(64 * len(listed))
    whole, peaks = votes.clone(), []
    for done, tile in enumerate(pieces, 1):
        windows = apart(tile.cut(seen), _COARSE)
        found = Posterior.of(every_phase(network, windows, index), listed, ALIKE)
        double = found.double.flatten(1)
        votes += torch.where(double > _NAMED, double, 0).sum(0)
        whole += double.clamp_min(_FLOOR).log().sum(0)
        peaks.append(found.phases())
        progress.tell(done, every)
    votes[whole.argmax()] = torch.inf  # what explains the whole best
    named = votes.argsort(descending=True)[:_FOLLOWED]
    return torch.stack(peaks), named[votes[named] > 0]
