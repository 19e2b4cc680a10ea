"""How far a long computation has come, told to whoever listens.

A model that takes minutes over one image calls `tell`, and so does a run over one photograph; who
shows it to somebody listens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[float, float], None]

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


def tell(done: float, of: float) -> None:
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


def duration(seconds: float) -> str:
    """`about 40 s`, `about 3 min`."""
    return f"about {seconds:.0f} s" if seconds < 90 else f"about {seconds / 60:.0f} min"


class Parts:
    """Work of so many parts, made where somebody listens or not."""

    def __init__(self, of: float) -> None:
        self._listener, self._done, self._of = _listener.get(), 0.0, of

    @contextmanager
    def doing(self, parts: float) -> Iterator[None]:
        """Within it so many parts are done: what is told meanwhile is a share of these."""

        def told(done: float, of: float) -> None:
            if self._listener is not None:
                self._listener(self._done + parts * done / of, self._of)

        with heard(told):
            yield
        self._done += parts
        told(0, 1)
