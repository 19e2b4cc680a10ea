"""Weights that a training goes on from: those of a model, of a part of it, or the mean of some."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from forensics.errors import ForensicsError, unknown
from forensics.models import weights
from forensics.models.entries import ModelEntry
from forensics.models.registry import MODEL_KINDS, registry


@dataclass(frozen=True, eq=False)
class Start:
    """state: tensors by name, float32 where they are real; hashes: of the parts that they come
    from, `model:part`."""

    text: str
    state: Mapping[str, Tensor]
    hashes: Mapping[str, str]

    @classmethod
    def of(cls, text: str, part: str = "") -> Start:
        """Of `model` or `model:part`; of several, joined by +, the mean of their weights
        (M. Wortsman et al., "Model soups", ICML 2022: of networks that were trained from one
        another it is often better than any).

        part: which one `model` alone means, where it has several. Raises UnknownName, NotApplicable
        where weights are missing, and ForensicsError where they are not of one form.
        """
        chosen = [_part(item.strip(), part) for item in text.split("+")]
        states = [weights.load(entry, named) for entry, named in chosen]
        if len({_form(state) for state in states}) > 1:
            raise ForensicsError(f"the weights of {text} are not of one form: they have no mean")
        mean = {
            name: torch.stack([state[name] for state in states]).mean(0)
            if first.is_floating_point()
            else first
            for name, first in states[0].items()
        }
        found = {f"{entry.name}:{named}": weights.find(entry, named) for entry, named in chosen}
        return cls(text, mean, {name: there.sha256 for name, there in found.items() if there})

    def load(self, network: nn.Module) -> nn.Module:
        """The network with these weights. Its last layer alone may be of another shape, or another
        name: it stays as it is. Raises ForensicsError where anything else is."""
        own = network.state_dict()
        last = next(reversed(own)).rpartition(".")[0]
        given = {name: t for name, t in self.state.items() if name != "classes"}
        odd = [
            name
            for name in dict.fromkeys([*own, *given])
            if name not in own or name not in given or own[name].shape != given[name].shape
        ]
        for name in odd:
            if name.rpartition(".")[0] != last:
                raise ForensicsError(
                    f"{self.text} is no start for this network: they differ in {name}, and only "
                    f"the last layer ({last}) may differ"
                )
        taken = {name: t for name, t in given.items() if not odd or not name.startswith(f"{last}.")}
        network.load_state_dict(own | taken)
        return network


def _part(item: str, part: str) -> tuple[ModelEntry, str]:
    model, _, named = item.partition(":")
    entry = registry().get(model, *MODEL_KINDS).entry
    assert isinstance(entry, ModelEntry)
    if not entry.parts:
        raise ForensicsError(f"{model} has no weights to begin with")
    if named and named not in entry.parts:
        raise unknown(f"part of {model}", named, entry.parts)
    if not named:
        named = entry.parts[0] if len(entry.parts) == 1 else part
    if named not in entry.parts:
        raise ForensicsError(f"{model} has the parts {', '.join(entry.parts)}: write {model}:PART")
    return entry, named


def _form(state: Mapping[str, Tensor]) -> frozenset[tuple[str, torch.Size]]:
    return frozenset((name, tensor.shape) for name, tensor in state.items())
