"""What can go wrong that the user can mend: one sentence each, which says what to do."""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Iterable
from pathlib import Path

_LISTED = 20  # names in a sentence


class ForensicsError(Exception):
    """A request that cannot be carried out; `str(error)` is one sentence for the user."""


class UnknownName(ForensicsError):
    """A model, trace, operation or option that nobody registered."""


class BrokenPlugin(ForensicsError):
    """A registered thing whose class cannot be imported."""


class UnreadableImage(ForensicsError):
    """An image file that is damaged, of a kind that is not read, or over a limit."""

    def __init__(self, path: str | Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = Path(path)
        self.reason = reason

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        # Exceptions travel between processes; the two arguments have to survive it.
        return type(self), (str(self.path), self.reason)


class NotApplicable(ForensicsError):
    """A model or attacker that cannot act on this input; the message is the reason in n/a."""


def told(error: Exception) -> str:
    """What is said of an error: the sentence of one that a user can mend, else its traceback."""
    if isinstance(error, ForensicsError):
        return str(error)
    return "".join(traceback.format_exception(error))


def unknown(what: str, name: str, known: Iterable[str]) -> UnknownName:
    """The error for a name that nobody registered; says what was probably meant."""
    known = sorted(set(known))
    near = difflib.get_close_matches(name, known, 1, cutoff=0.5)
    listed = ", ".join(known[:_LISTED]) or "none"
    more = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {listed}{more}"
    return UnknownName(f"no {what} is called {name!r}; {hint}")
