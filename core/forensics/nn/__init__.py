"""Layers that the networks of several papers share."""

from forensics.nn.histogram import soft_histogram

__all__ = ["soft_histogram"]
