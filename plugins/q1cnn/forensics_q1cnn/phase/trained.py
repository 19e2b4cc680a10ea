"""The networks of `q1phase` as they are installed."""

from __future__ import annotations

import torch
from torch import nn

from forensics import nn as layers
from forensics.errors import NotApplicable
from forensics.models import networks, weights
from forensics_q1cnn.phase.network import PhaseNetwork
from forensics_q1cnn.plugin import Q1PHASE


def phase_network(device: torch.device) -> PhaseNetwork:
    """Scores of phases and tables."""
    network = networks.network(Q1PHASE, "phase", PhaseNetwork.of, device)
    assert isinstance(network, PhaseNetwork)
    return network


def once_or_twice(device: torch.device) -> nn.Module:
    """From `once.summary` to scores of its classes. Raises NotApplicable where it was fitted to
    what another phase network says."""
    there = weights.find(Q1PHASE, "once")
    if there and there.card.get("rests_on", {}).get("phase") != version("phase"):
        raise NotApplicable(
            "the part once was fitted to another part phase: run `forensics train q1phase-once`"
        )
    return networks.network(Q1PHASE, "once", layers.decision, device)


def version(part: str) -> str:
    """The hash of the weights that are there, empty where there are none."""
    there = weights.find(Q1PHASE, part)
    return there.sha256 if there else ""
