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
        """The network with these weights. Its last layer alone may be of another shape or name, or
        stand for other classes: it stays as it is. Raises ForensicsError where anything else
        differs."""
        own, given = dict(network.state_dict()), dict(self.state)
        last = _layer(next(reversed(own)))
        values = [state.pop("classes", torch.empty(0)).float().tolist() for state in (own, given)]
        afresh = values[0] != values[1] and [] not in values
        for name in dict.fromkeys([*own, *given]):
            if name in own and name in given and own[name].shape == given[name].shape:
                continue
            afresh = True
            if _layer(name) != last:
                raise ForensicsError(
                    f"{self.text} is no start for this network: they differ in {name}, and only "
                    f"the last layer ({last}) may differ"
                )
        if afresh:
            given = {name: tensor for name, tensor in given.items() if _layer(name) != last}
        network.load_state_dict(own | given, strict=False)  # strict but for the classes
        return network


def _layer(name: str) -> str:
    """Whose tensor this is: `trunk.last` of `trunk.last.weight`."""
    return name.rpartition(".")[0]


def _part(item: str, part: str) -> tuple[ModelEntry, str]:
    model, _, named = item.partition(":")
    entry = registry().get(model, *MODEL_KINDS).entry
    assert isinstance(entry, ModelEntry)
    if not entry.parts:
        raise ForensicsError(f"{model} has no weights to begin with")
    if named:
        # Parts of the user's own may have names that the model does not load: to be averaged.
        if named not in entry.parts and weights.find(entry, named) is None:
            raise unknown(f"part of {model}", named, entry.parts)
        return entry, named
    alone = entry.parts[0] if len(entry.parts) == 1 else part
    if alone not in entry.parts:
        raise ForensicsError(f"{model} has the parts {', '.join(entry.parts)}: write {model}:PART")
    return entry, alone


def _form(state: Mapping[str, Tensor]) -> frozenset[tuple[str, torch.Size]]:
    return frozenset((name, tensor.shape) for name, tensor in state.items())
