"""The tables of papers, measured again: the paper's figures and ours, side by side."""

from forensics.experiments.finding import Experiment, experiments, named
from forensics.experiments.readme import rewrite
from forensics.experiments.reproducing import Result, execute, load, plans, reproduce, save

__all__ = [
    "Experiment",
    "Result",
    "execute",
    "experiments",
    "load",
    "named",
    "plans",
    "reproduce",
    "rewrite",
    "save",
]
