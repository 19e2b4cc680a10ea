"""How the learning rate changes in the course of a training."""

from __future__ import annotations

import math


def warm_cosine(done: float, least: float = 1e-3, warm_up: float = 0.02) -> float:
    """Half a cosine from 1 down to `least` (I. Loshchilov and F. Hutter, "SGDR: stochastic gradient
    descent with warm restarts", ICLR 2017, eq. 5), after a start that grows linearly from 0.1.

    done: 0..1 of the stretch (`Progress.total` or `.within`); warm_up: the part of it that the
    start takes.
    """
    fall = least + (1 - least) * 0.5 * (1 + math.cos(math.pi * done))
    return fall * min(1.0, 0.1 + done / warm_up)
