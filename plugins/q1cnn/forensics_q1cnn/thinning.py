"""How many windows of a large image are looked at."""

from __future__ import annotations

import math

_ENOUGH = 256  # a posterior of so many is as sure as it gets


def every(rows: int, columns: int) -> int:
    """Of so many rows and columns of windows, each so many-th is taken: all up to 256 windows, 64
    to 256 of more."""
    return math.ceil(math.sqrt(rows * columns / _ENOUGH))
