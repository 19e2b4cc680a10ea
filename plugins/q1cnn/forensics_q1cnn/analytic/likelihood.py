"""How much better a patch fits the lattice of a first step than none, for every phase of the grid,
frequency and step. No training.

A coefficient x on the first JPEG's grid was a multiple of the first step q: m with the
probability P(m) that a Laplacian gives the cell from q (m - 1/2) to q (m + 1/2), all alike for the
DC. The second JPEG blurs it. On the second JPEG's own grid only its levels are seen, so that the
probability is that of a bin; on the 63 others x has a density, with a noise of which `phase.noise`
knows the s.d. A small share of the blocks lies anywhere. What cannot be told from no lattice, a
step of less than two s.d., stands for none: every score is a difference to its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from forensics import device
from forensics.jpeg import ZIGZAG
from forensics.nn import sliding_dct
from forensics_q1cnn.analytic import compiled, on_tensors
from forensics_q1cnn.phase.features import Luma
from forensics_q1cnn.phase.network import libjpeg_tables
from forensics_q1cnn.phase.noise import deviation, second_rounding

_TOGETHER = 16  # patches: 14 MB of coefficients, 13 MB of scores
_CLIPPED = 126  # |luma - 128| of what was black or white before the second JPEG, as far as it shows
_SAMPLES = 64 * 64 * 64  # coefficients of one


@dataclass(frozen=True, eq=False)
class Steps:
    """The different steps of each frequency in a list of tables. values: float32 `[64, K]`, in
    zig-zag order, ascending, the last repeated; counts: int64 `[64]`, how many are meant; index:
    int64 `[T, 64]`, the place of each table's steps among them."""

    values: Tensor
    counts: Tensor
    index: Tensor

    @classmethod
    def of(cls, tables: Tensor) -> Steps:
        """tables: int64 `[T, 64]`, zig-zag order."""
        found = [column.unique(return_inverse=True) for column in tables.T]
        counts = torch.tensor([len(values) for values, _ in found])
        most = int(counts.max())
        values = [functional.pad(v, (0, most - len(v)), value=int(v[-1])) for v, _ in found]
        index = torch.stack([places for _, places in found], 1)
        return cls(torch.stack(values).float(), counts, index)


@cache
def libjpeg_steps() -> Steps:
    """Those of the qualities 50 to 100."""
    return Steps.of(libjpeg_tables())


def scores(seen: Luma) -> Tensor:
    """float32 `[N, 64, T]`: the log-likelihood of patches of up to 64 x 64 pixels on each phase
    and with each of libjpeg's tables, less that of no lattice.

    Blocks with black or white say nothing, for clipping moves coefficients off their lattice;
    where fewer than 16 of a phase are without, all are taken.
    """
    steps = libjpeg_steps()
    index = steps.index.to(seen.planes.device)
    every = torch.arange(64, device=index.device)
    parts = [seen[start : start + _TOGETHER] for start in range(0, len(seen), _TOGETHER)]
    found = [log_ratios(part, steps) for part in parts]
    return torch.cat([part[:, :, every, index].sum(3) for part in found])


def log_ratios(seen: Luma, steps: Steps) -> Tensor:
    """float32 `[N, 64 phases, 64 frequencies, K]`: the log-likelihood of each step alone, less
    that of no lattice; what stands beyond a frequency's count has no meaning."""
    order = ZIGZAG.to(seen.planes.device)
    phases = torch.arange(64, device=order.device).expand(len(seen), 64)
    spread = deviation(second_rounding(seen.levels, seen.steps), phases, seen.rounding)
    spread = spread[..., order].contiguous()
    windows = sliding_dct(seen.planes).flatten(3)[..., order].contiguous()
    sound = functional.max_pool2d((seen.planes.abs() >= _CLIPPED).float(), 8, 1) == 0
    own = (  # of the second JPEG's own grid
        seen.levels[..., order].contiguous(),
        sound[:, ::8, ::8].flatten(1),
        seen.steps[:, order].contiguous(),
        spread[:, 0].contiguous(),
    )
    alone = math.sqrt(seen.rounding)
    if device.compiled(windows):
        return _compiled(own, alone, (windows, sound, spread), steps)
    values = steps.values.to(windows.device)
    aligned = on_tensors.aligned(*own, alone, values)
    return torch.cat([aligned[:, None], on_tensors.shifted(windows, sound, spread, values)], 1)


def _compiled(
    own: tuple[Tensor, ...], alone: float, others: tuple[Tensor, ...], steps: Steps
) -> Tensor:
    n = len(own[0])
    found = torch.empty(n, 64, *steps.values.shape)
    values, counts = steps.values.numpy(), steps.counts.numpy()

    def work(part: slice) -> None:
        made = found[part].numpy()
        levels, kept, seconds, spread = (t[part].numpy() for t in own)
        compiled.aligned(levels, kept, seconds, spread, alone, values, counts, made[:, 0])
        windows, sound, every = (t[part].numpy() for t in others)
        compiled.shifted(windows, sound, every, values, counts, made)

    device.parallel_for(work, n, _SAMPLES)
    return found
