"""Plain tables, as wide as the terminal. Imports no torch, for the commands that list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    wrapped: Sequence[str] = (),
    rule: int | None = None,
) -> str:
    """A table of 100 columns where there is no terminal. Only the columns called `wrapped`, by
    default the last, are broken into lines; a title `"clean: AUC"` takes two. rule: the row before
    which a line is drawn, if any."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if Console().is_terminal else 100)
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in header:
        folds = name in (wrapped or header[-1:])
        made.add_column(name.replace(": ", "\n"), no_wrap=not folds, overflow="fold")
    for number, row in enumerate(rows):
        if number == rule:
            made.add_section()
        made.add_row(*row)
    with console.capture() as capture:
        console.print(made)
    return "\n".join(line.rstrip() for line in capture.get().strip("\n").splitlines())
