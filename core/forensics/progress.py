"""How far a long computation has come, told to whoever listens.

A model that takes minutes over one image calls `tell`; a command that has a terminal listens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[int, int], None]

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


def tell(done: int, of: int) -> None:
    """So many parts of so many are done; costs nothing where nobody listens."""
    listener = _listener.get()
    if listener is not None:
        listener(done, of)


@contextmanager
def heard(listener: Listener | None) -> Iterator[None]:
    """Within it, `tell` calls `listener(done, of)`."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
