"""The network: one small perceptron a frequency, shared by phases, and one soft-max over all
phases and tables."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from forensics.errors import NotApplicable
from forensics.jpeg import ZIGZAG, standard_tables
from forensics_q1cnn.phase.counting import BINS, COSINES, PERIODIC
from forensics_q1cnn.phase.features import CONDITIONS, Features
from forensics_q1cnn.tables import STEPS

QUALITIES = tuple(range(50, 101))
_GATES = 16
_UNKNOWN = 10_000  # no step


def libjpeg_tables() -> Tensor:
    """int64 `[51, 64]`: the luma tables of qualities 50..100, zig-zag order."""
    return standard_tables(torch.tensor(QUALITIES), 1).flatten(1)[:, ZIGZAG].long()


def candidates() -> list[list[int]]:
    """The steps that each frequency knows: 1..cap for the first 15, those of qualities 50..100
    for the others."""
    tables = libjpeg_tables()
    first = [list(range(1, int(tables[0, i]) + 1)) for i in range(STEPS)]
    return first + [sorted(set(tables[:, i].tolist())) for i in range(STEPS, 64)]


class _Perceptrons(nn.Module):
    """64 of them, in one batched product."""

    def __init__(self, hidden: int, outputs: int) -> None:
        super().__init__()
        inputs = BINS + CONDITIONS
        self.enter = nn.Parameter(torch.randn(64, inputs, hidden) / inputs**0.5)
        self.waves = nn.Parameter(torch.randn(PERIODIC, COSINES, hidden) / COSINES**0.5 * 0.5)
        self.offset = nn.Parameter(torch.zeros(64, 1, hidden))
        self.leave = nn.Parameter(torch.randn(64, hidden, outputs) / hidden**0.5 * 0.3)
        self.last = nn.Parameter(torch.zeros(64, 1, outputs))
        self.single = nn.Parameter(torch.zeros(64, hidden))
        # What a count says depends on how strongly its frequency is blurred and how wide its
        # distribution is: the conditions scale the hidden units.
        self.gate = nn.Parameter(torch.randn(64, CONDITIONS, _GATES) / CONDITIONS**0.5)
        self.gate_offset = nn.Parameter(torch.zeros(64, 1, _GATES))
        self.scale = nn.Parameter(torch.zeros(64, _GATES, hidden))
        self.one: Tensor
        self.register_buffer("one", torch.ones(()), persistent=False)

    def forward(self, counts: Tensor, waves: Tensor) -> Tensor:
        """counts `[64, R, 77]`, waves `[6, R, 23]` -> hidden `[64, R, H]`."""
        found = torch.baddbmm(self.offset, counts, self.enter)
        found[:PERIODIC] += torch.bmm(waves, self.waves)
        gates = torch.baddbmm(self.gate_offset, counts[..., BINS:], self.gate).tanh()
        return (found * torch.baddbmm(self.one, gates, self.scale)).relu_()


class PhaseNetwork(nn.Module):
    """Scores of phases and tables. Phase 0, on the second JPEG's own grid, has weights of its own,
    for its coefficients lie on the second lattice."""

    def __init__(self, hidden: int = 48) -> None:
        super().__init__()
        steps = candidates()
        self.outputs = max(map(len, steps))
        self.aligned = _Perceptrons(hidden, self.outputs)
        self.shifted = _Perceptrons(hidden, self.outputs)
        self.bias = nn.Parameter(torch.zeros(3))  # aligned, shifted, single
        known = torch.full((64, self.outputs), _UNKNOWN)
        for i, those in enumerate(steps):
            known[i, : len(those)] = torch.tensor(those)
        self.known: Tensor
        self.register_buffer("known", known, persistent=False)

    @classmethod
    def of(cls, state: Mapping[str, Tensor]) -> PhaseNetwork:
        """The network that these weights belong to, with them. Raises NotApplicable where they are
        of other features."""
        inputs, hidden = state["shifted.enter"].shape[1:]
        if inputs != BINS + CONDITIONS:
            raise NotApplicable(
                f"q1phase was trained on {inputs} features a frequency and now looks at "
                f"{BINS + CONDITIONS}: train it again, or delete your own weights"
            )
        network = cls(hidden)
        network.load_state_dict(state)
        return network

    def index(self, tables: Tensor) -> Tensor:
        """The place of each step among those that its frequency knows, the nearest where it is
        not among them. tables: int64 `[..., 64]`, zig-zag order."""
        return (tables[..., None] - self.known).abs().argmin(-1)

    def hidden(self, own: Features, others: Features) -> tuple[Tensor, Tensor]:
        """Hidden values of phase 0, `[64, N, 1, H]`, and of others, `[64, N, P, H]`."""
        return self._hidden(own, aligned=True), self._hidden(others, aligned=False)

    def scores(self, hidden: tuple[Tensor, Tensor], index: Tensor) -> Tensor:
        """`[N, 1 + P, T]` for a list of tables that all patches share, `index` `[T, 64]`."""
        return torch.cat([self._listed(h, index, not n) for n, h in enumerate(hidden)], 1)

    def scores_of(self, seen: Features, index: Tensor, aligned: bool) -> Tensor:
        """The same of phases of one kind alone, phase 0 (`aligned`) or others: `[N, P, T]`."""
        return self._listed(self._hidden(seen, aligned), index, aligned)

    def _hidden(self, seen: Features, aligned: bool) -> Tensor:
        part = self.aligned if aligned else self.shifted
        h: Tensor = part(seen.counts.flatten(1, 2), seen.waves.flatten(1, 2))
        return h.unflatten(1, seen.counts.shape[1:3])

    def _listed(self, h: Tensor, index: Tensor, aligned: bool) -> Tensor:
        part = self.aligned if aligned else self.shifted
        every = torch.arange(64, device=index.device)[:, None]
        leave = part.leave[every, :, index.T]  # [64, T, H]
        last = part.last[every, 0, index.T].sum(0) + self.bias[0 if aligned else 1]
        flat = h.flatten(1, 2)  # [64, N P, H]
        total = torch.addbmm(last.expand(flat.shape[1], -1), flat, leave.transpose(1, 2))
        return total.unflatten(0, h.shape[1:3])

    def single(self, hidden: tuple[Tensor, Tensor]) -> Tensor:
        """`[N]`: the score of 'compressed once', from phase 0."""
        return torch.einsum("inph,ih->n", hidden[0], self.aligned.single) + self.bias[2]

    def steps(self, hidden: tuple[Tensor, Tensor]) -> Tensor:
        """`[N, 1 + P, 15, outputs]`: scores of the steps alone on every phase; -inf where a
        frequency knows no such step."""
        found = []
        for part, h in zip((self.aligned, self.shifted), hidden, strict=True):
            flat = h[:STEPS].flatten(1, -2)
            scores = torch.baddbmm(part.last[:STEPS], flat, part.leave[:STEPS])
            found.append(scores.unflatten(1, h.shape[1:3]).movedim(0, 2))
        return torch.cat(found, 1).masked_fill(self.known[:STEPS] >= _UNKNOWN, float("-inf"))
