"""Networks of models: made of their weight files once, and kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from forensics.errors import NotApplicable
from forensics.models import weights
from forensics.models.entries import ModelEntry

_KEPT = 64  # networks: those of a large matrix
_networks: OrderedDict[tuple[str, ...], nn.Module] = OrderedDict()


def network(
    entry: ModelEntry,
    part: str,
    build: Callable[[Mapping[str, Tensor]], nn.Module],
    device: torch.device,
) -> nn.Module:
    """See `interfaces.NamedModel.network`. Weights that are trained meanwhile are loaded anew."""
    there = weights.find(entry, part)
    if there is None:
        raise NotApplicable(f"no weights for {part}: run `forensics train {entry.trained_as}`")
    maker = f"{build.__module__}.{build.__qualname__}"
    key = (entry.name, part, str(there.path), there.sha256, maker, str(device))
    if key not in _networks:
        with torch.inference_mode(False):  # else it could never be used outside of that mode
            state = weights.load(entry, part)
            made = build(state)
            if "classes" in state and not hasattr(made, "classes"):
                made.register_buffer("classes", state["classes"])  # as recipes of classes store it
            made.load_state_dict(state)
            _networks[key] = made.requires_grad_(False).eval().to(device)
        if len(_networks) > _KEPT:
            _networks.popitem(last=False)
    _networks.move_to_end(key)
    return _networks[key]
