"""How far a long command has come: a bar on a terminal, else a line every half minute."""

from __future__ import annotations

import io
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Protocol, TextIO

import click

from forensics.progress import duration

if TYPE_CHECKING:
    from rich.console import Console

EVERY = 30.0  # seconds between two lines
# What was done before is told of within moments, and says nothing of how long the rest takes.
_MOMENTS = 2.0


class Progress(Protocol):
    """Told how much is done, of how much, and perhaps where it stands."""

    def __call__(self, done: float, of: float, note: str = "") -> None: ...


@contextmanager
def progress(what: str = "photographs") -> Iterator[Progress]:
    """Gives what to call with (done, of, note), both in `what`; of 1: a share of it.

    Both kinds say the time left, on standard error, whether they are called in the meantime or
    not; of work that is over within half a minute nothing is said where that is no terminal."""
    clock = _Clock(what)
    with _bar(clock) if sys.stderr.isatty() else _lines(clock):
        yield clock.tell


class _Clock:
    """What was told, and what it says of the time."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.done, self.of, self._note = 0.0, 0.0, ""  # of is 0 until something is told
        self._began = time.monotonic()
        self._first: float | None = None
        self._last = self._began
        self._base = (self._began, 0.0)

    def tell(self, done: float, of: float, note: str = "") -> None:
        now = time.monotonic()
        self._first = self._first or now
        if now - self._first < _MOMENTS:
            self._base = (now, done)
        self.done, self.of, self._note = done, of, f" ({note})" if note else ""
        self._last = now

    @property
    def amount(self) -> str:
        """Such as `3 of 11 photographs`, `40 % of the training (phase 1, step 120)`."""
        if self.of > 1:
            return f"{int(self.done)} of {self.of:.0f} {self.what}{self._note}"
        return f"{100 * self.done:.0f} % of the {self.what}{self._note}" if self.of else "preparing"

    @property
    def left(self) -> str:
        """Such as `, about 7 min left`; empty where nothing is known of it."""
        since, before = self._base
        if self.done <= before:
            return ""
        waited = time.monotonic() - self._last
        left = (self._last - since) / (self.done - before) * (self.of - self.done) - waited
        # What takes longer than thought may well take as long again.
        return f", {duration(max(left, waited))} left"

    def line(self) -> str:
        so_far = duration(time.monotonic() - self._began)
        return f"{self.amount}, {so_far} so far{self.left}"


@contextmanager
def _bar(clock: _Clock) -> Iterator[None]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (BarColumn(), TextColumn("{task.description}", markup=False))
    console = Console(stderr=True)
    bars = Bars(
        *columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False
    )
    with bars as bar, ExitStack() as stack:
        stack.enter_context(redirect_stderr(stack.enter_context(_Above(console, sys.stderr))))
        # Standard output that goes elsewhere than to this terminal goes its own way.
        if sys.stdout.isatty():
            stack.enter_context(redirect_stdout(stack.enter_context(_Above(console, sys.stdout))))
        task = bar.add_task("", total=None)

        def draw() -> None:
            bar.update(
                task,
                description=f"{clock.amount}{clock.left}",
                completed=clock.done,
                total=clock.of or None,
            )

        draw()
        with _again(draw, 0.5):
            yield


class _Above(io.TextIOBase):
    """A terminal's stream whose lines come above the bar, unbroken. Rich's own goes unused: click
    writes past a stream that has no encoding, and a long name would be broken."""

    encoding, errors = "utf-8", "strict"

    def __init__(self, console: Console, file: TextIO) -> None:
        self._console, self._held = console, ""
        self.rich_proxied_file = file  # by this name the console finds it

    def write(self, text: str) -> int:
        *whole, self._held = (self._held + text).split("\n")
        if whole:
            self._print("\n".join(whole))
        return len(text)

    def isatty(self) -> bool:
        return True

    def close(self) -> None:
        if self._held:
            self._print(self._held)
            self._held = ""

    def _print(self, text: str) -> None:
        from rich.text import Text

        self._console.print(Text.from_ansi(text), soft_wrap=True)


@contextmanager
def _lines(clock: _Clock) -> Iterator[None]:
    with _again(lambda: click.echo(clock.line(), err=True), EVERY):
        yield


@contextmanager
def _again(act: Callable[[], None], seconds: float) -> Iterator[None]:
    """Within it, `act` is called every so many seconds, from another thread."""
    over = threading.Event()

    def repeat() -> None:
        while not over.wait(seconds):
            act()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
