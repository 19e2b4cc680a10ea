"""All windows of an image: what `q1phase` says of each, and how well a few hypotheses explain it.

Twice over the image, in tiles of bounded memory. First on all 64 phases at windows 32 pixels apart,
which says what phases occur anywhere and which hypotheses (a phase and a first table) are worth
following; then at every block, on these phases alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from forensics import progress
from forensics_q1cnn.localization.windows import Tile, apart, grid, logs, tiles
from forensics_q1cnn.phase.features import Luma
from forensics_q1cnn.phase.network import QUALITIES, STEPS, PhaseNetwork, libjpeg_tables
from forensics_q1cnn.phase.posterior import Decode, Posterior, every_phase

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
    looked_at: on how many phases."""

    steps: Tensor
    phase: Tensor
    total: Tensor
    entropy: Tensor
    hypotheses: Tensor
    evidence: Tensor
    looked_at: int


def survey(network: PhaseNetwork, seen: Luma, prune: float, decode: Decode) -> Survey:
    """Of one image. prune: phases whose posterior is below it in all windows of the first pass
    are left out on the second; with 0 none."""
    listed = libjpeg_tables().to(seen.planes.device)
    index = network.index(listed)
    phases, hypotheses = _first_pass(network, seen, index, listed, prune)
    rows, columns = grid(seen)
    made = seen.planes.new_empty(rows, columns, STEPS + 3 + len(hypotheses))
    sums = listed[:, :STEPS].sum(1).float()
    pieces = list(tiles(rows, columns))
    for number, tile in enumerate(pieces):
        given = logs(network, tile.cut(seen), tile.across, phases, index)
        found = Posterior.of_logs(given, listed)
        double = found.double.flatten(1)
        said = [
            found.estimates(decode),
            found.phases().argmax(1)[:, None],
            (found.double.sum(1) @ sums)[:, None],
            torch.special.entr(double).sum(1, keepdim=True) / torch.log(sums.new_tensor(2)),
            double[:, hypotheses].clamp_min(_FLOOR).log(),
        ]
        made[tile.slices] = torch.cat(said, 1).unflatten(0, (tile.down, tile.across))
        progress.tell(number + 1, len(pieces))
    steps, phase, total, entropy, evidence = made.split([STEPS, 1, 1, 1, len(hypotheses)], 2)
    phase, total, entropy = (plane[..., 0] for plane in (phase, total, entropy))
    return Survey(steps, phase.long(), total, entropy, hypotheses, evidence, len(phases) + 1)


def _first_pass(
    network: PhaseNetwork, seen: Luma, index: Tensor, listed: Tensor, prune: float
) -> tuple[Tensor, Tensor]:
    """The phases to look at beside 0, int64 `[P]`, and the hypotheses to follow, int64 `[H]`."""
    rows, columns = grid(seen)
    votes = seen.planes.new_zeros(64 * len(listed))
    whole, peak = votes.clone(), seen.planes.new_zeros(64)
    pieces = [Tile(top, 0, 1, columns) for top in range(0, rows, _COARSE)]
    for number, tile in enumerate(pieces):
        windows = apart(tile.cut(seen), _COARSE)
        found = Posterior.of(every_phase(network, windows, index), listed)
        double = found.double.flatten(1)
        votes += torch.where(double > _NAMED, double, 0).sum(0)
        whole += double.clamp_min(_FLOOR).log().sum(0)
        peak = peak.maximum(found.phases().amax(0))
        progress.tell(number + 1, len(pieces))
    votes[whole.argmax()] = torch.inf  # what explains the whole best
    named = votes.argsort(descending=True)[:_FOLLOWED]
    hypotheses = named[votes[named] > 0]
    kept = peak >= prune
    kept[hypotheses // len(listed)] = True
    kept[1:][peak[1:].argmax()] = True  # one at least beside 0
    kept[0] = False
    return kept.nonzero()[:, 0], hypotheses
