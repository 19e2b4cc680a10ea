"""How far a long command has come: a bar on a terminal, else a line every half minute."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from forensics.bench.forecast import duration

EVERY = 30.0  # seconds between two lines

Progress = Callable[[float, float], None]


@contextmanager
def progress(what: str = "photographs") -> Iterator[Progress]:
    """Gives what to call with (done, of), both in `what`. Both kinds say the time left, on standard
    error; of work that is over within half a minute nothing is said where that is no terminal."""
    if sys.stderr.isatty():
        yield from _bar(what)
    else:
        yield _lines(what)


def _bar(what: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (what, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # What is printed meanwhile goes above the bar where both are on one terminal, else its own way.
    aside = sys.stdout.isatty()
    with Bars(*columns, console=Console(stderr=True), transient=True, redirect_stdout=aside) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def _lines(what: str) -> Progress:
    began = said = time.monotonic()

    def tell(done: float, of: float) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said < EVERY or done >= of:
            return
        said = now
        left = f", {duration((now - began) * (of - done) / done)} left" if done else ""
        click.echo(f"{done:.0f} of {of:.0f} {what}{left}", err=True)

    return tell
