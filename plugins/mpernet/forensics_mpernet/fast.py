"""`mperfast`: features of the patch and small networks that were fitted to them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn

from forensics.nn import Perceptron
from forensics.plugin import Batch
from forensics_mpernet.answers import LEAST, MOST, Answering, windows
from forensics_mpernet.features import GROUPS as ALL
from forensics_mpernet.features import features
from forensics_mpernet.tasks import groups_of

_TOGETHER = 16  # windows: 4 MB of each map


def perceptron(mean: Tensor, scale: Tensor, hidden: int, classes: int) -> Perceptron:
    """One task's network on features of mean and scale `[K]`: beside the hidden layers a linear
    discriminant, which few crops suffice for."""
    return Perceptron(mean, scale, hidden, classes, limit=5.0, dropout=0.4, discriminant=True)


class Perceptrons(nn.Module):
    """A network for each task, which looks at the features of its groups.

    sizes: by task, the units of the first hidden layer and the classes. Takes `[N, K]` of the
    groups of `ALL`, gives logits `[N, classes]` for each task, in the order of `sizes`."""

    def __init__(self, sizes: Mapping[str, tuple[int, int]]) -> None:
        super().__init__()
        self.tasks = tuple(sizes)
        self.of = nn.ModuleDict()
        for task, (hidden, classes) in sizes.items():
            count = len(columns_of(task))
            network = perceptron(torch.zeros(count), torch.ones(count), hidden, classes)
            network.register_buffer("classes", torch.zeros(classes, dtype=torch.float64))
            self.of[task] = network

    def forward(self, features: Tensor) -> tuple[Tensor, ...]:
        columns = {task: columns_of(task).to(features.device) for task in self.tasks}
        return tuple(self.of[task](features[:, columns[task]]) for task in self.tasks)


def perceptrons(state: Mapping[str, Tensor]) -> Perceptrons:
    """The networks whose state this is."""
    tasks = [name.split(".")[1] for name in state if name.endswith(".mean")]
    ends = {task: (f"of.{task}.layers.1.bias", f"of.{task}.layers.7.bias") for task in tasks}
    return Perceptrons({t: (len(state[a]), len(state[b])) for t, (a, b) in ends.items()})


@cache
def columns_of(task: str) -> Tensor:
    """Where the features of a task's groups are among those of all groups, int64 `[K]`."""
    with torch.inference_mode(False):
        blank, steps = torch.zeros(1, LEAST, LEAST), torch.ones(1, 64)
        widths = {name: features(blank, steps, [name]).shape[1] for name in ALL}
        ends = dict(zip(ALL, itertools.accumulate(widths.values()), strict=True))
        places = [torch.arange(ends[n] - widths[n], ends[n]) for n in ALL if n in groups_of(task)]
        return torch.cat(places)


@dataclass(frozen=True)
class Fast(Answering):
    """Features of each window, a network fitted to them; the mean over the windows."""

    def logits(self, batch: Batch) -> tuple[Tensor, Tensor]:
        networks = self.network("net", perceptrons, batch.device)
        assert isinstance(networks, Perceptrons)
        network = networks.of[self.task]
        assert isinstance(network.classes, Tensor)
        return network.classes, logits(network, batch, self.task)


def logits(network: nn.Module, batch: Batch, task: str) -> Tensor:
    """Of the batch's JPEGs, float32 `[N, classes]`: the mean over the windows, and where these are
    of 256 x 256, the mean of that and of their quarters. Features that several tasks look at are
    computed once."""
    assert batch.jpeg is not None
    steps = batch.jpeg.tables[:, 0].flatten(1)
    groups = [name for name in ALL if name in groups_of(task)]

    def scale(most: int) -> Tensor:
        cut = batch.once(("mperfast", most), lambda: windows(batch.luma(), most))
        count = cut.shape[1]
        of_window = steps.repeat_interleave(count, 0)

        def made(name: str) -> Tensor:
            parts = zip(cut.flatten(0, 1).split(_TOGETHER), of_window.split(_TOGETHER), strict=True)
            return torch.cat([features(*part, [name]) for part in parts])

        seen = [batch.once(("mperfast", most, n), lambda n=n: made(n)) for n in groups]
        found: Tensor = network(torch.cat(seen, 1)).double().log_softmax(1)
        return found.unflatten(0, (-1, count)).mean(1)

    whole = scale(MOST)
    if min(batch.size) >= 2 * LEAST:
        whole = (whole + scale(LEAST)) / 2
    return whole.float()
