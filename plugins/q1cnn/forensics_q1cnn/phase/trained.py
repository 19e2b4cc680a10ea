"""The networks of `q1phase` as they are installed."""

from __future__ import annotations

import functools

import torch
from torch import nn

from forensics import nn as layers
from forensics.errors import NotApplicable
from forensics.models import weights
from forensics_q1cnn.phase.network import PhaseNetwork
from forensics_q1cnn.plugin import Q1PHASE


def phase_network(device: torch.device) -> PhaseNetwork:
    """Scores of phases and tables."""
    return _phase(device, version("phase"))


def once_or_twice(device: torch.device) -> nn.Module:
    """From `once.summary` to scores of its classes. Raises NotApplicable where it was fitted to
    what another phase network says."""
    there = weights.find(Q1PHASE, "once")
    if there and there.card.get("rests_on", {}).get("phase") != version("phase"):
        raise NotApplicable(
            "the part once was fitted to another part phase: run `forensics train q1phase-once`"
        )
    return _once(device, version("once"))


def version(part: str) -> str:
    """The hash of the weights that are there, empty where there are none: others that are trained
    meanwhile are loaded."""
    there = weights.find(Q1PHASE, part)
    return there.sha256 if there else ""


@functools.cache
def _phase(device: torch.device, sha256: str) -> PhaseNetwork:
    state = weights.load(Q1PHASE, "phase")
    with torch.inference_mode(False):
        network = PhaseNetwork.of(state)
    return network.requires_grad_(False).eval().to(device)


@functools.cache
def _once(device: torch.device, sha256: str) -> nn.Module:
    with torch.inference_mode(False):
        return layers.decision(weights.load(Q1PHASE, "once")).eval().to(device)
