"""The bench: every attacker against every model, stored, resumed, summarised.

The names below are imported at first use, so that what lists models can hash them without torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forensics.bench.loop import default_out, execute
    from forensics.bench.matrix import Matrix
    from forensics.bench.plan import Plan, make
    from forensics.bench.settings import Settings, read_config

_WHERE = {
    "default_out": "loop",
    "execute": "loop",
    "Matrix": "matrix",
    "Plan": "plan",
    "make": "plan",
    "Settings": "settings",
    "read_config": "settings",
}

__all__ = [
    "Matrix",
    "Plan",
    "Settings",
    "default_out",
    "execute",
    "make",
    "read_config",
]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(f"forensics.bench.{_WHERE[name]}"), name)
    raise AttributeError(f"module 'forensics.bench' has no attribute {name!r}")
