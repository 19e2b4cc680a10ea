"""Layers that the networks of several papers share."""

from forensics.nn.constrained import ConstrainedConv2d
from forensics.nn.decisions import Linear, Quadratic, Trees, decision
from forensics.nn.densenet import DenseBlock, Transition
from forensics.nn.histogram import hard_histogram, soft_histogram
from forensics.nn.perceptron import Perceptron
from forensics.nn.phases import phase_dct, sliding_dct
from forensics.nn.residuals import Residuals, rich_model, third_order
from forensics.nn.srnet import Type1, Type2, Type3, Type4

__all__ = [
    "ConstrainedConv2d",
    "DenseBlock",
    "Linear",
    "Perceptron",
    "Quadratic",
    "Residuals",
    "Transition",
    "Trees",
    "Type1",
    "Type2",
    "Type3",
    "Type4",
    "decision",
    "hard_histogram",
    "phase_dct",
    "rich_model",
    "sliding_dct",
    "soft_histogram",
    "third_order",
]
