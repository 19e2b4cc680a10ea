"""Plain tables and lines, as wide as the terminal, or 100 characters without one. Imports no torch,
for the commands that list."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

# Characters between two columns, and beside the outermost.
_GAP = 3
_MARGIN = 2


def width() -> int:
    """How many characters a line may have."""
    console = Console()
    return console.width if console.is_terminal else 100


def lines(text: str, hanging: int = 0) -> str:
    """The text broken between words; from the second line on `hanging` spaces come first."""
    wide = max(width() - 2, hanging + 20)
    broken = textwrap.wrap(
        text, wide, subsequent_indent=" " * hanging, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(broken) or text


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    wrapped: Sequence[str] = (),
    keys: int = 0,
    rule: int | None = None,
) -> str:
    """A plain table.

    wrapped: names of the columns whose texts are broken into lines, by default the last. keys: of
    a table that is too wide, columns that do not fit come in further tables below, each with the
    first `keys` columns again. rule: the row before which a line is drawn.
    """
    texts = [[str(cell) for cell in row] for row in rows]
    if not keys:
        return _one(header, texts, wrapped or header[-1:], rule)
    blocks = _blocks(header, texts, keys)
    parts = [
        _one([header[n] for n in block], [[row[n] for n in block] for row in texts], wrapped, rule)
        for block in blocks
    ]
    return "\n\n".join(parts)


def _blocks(header: Sequence[str], rows: Sequence[Sequence[str]], keys: int) -> list[list[int]]:
    """The columns that stand beside one another, table by table."""
    room = width() - _MARGIN
    widths = [
        max(cell_len(line) for text in (title, *(r[n] for r in rows)) for line in text.split("\n"))
        for n, title in enumerate(header)
    ]
    # A long key is broken into lines rather than left alone on its page.
    held = sum(min(wide, room // (2 * keys)) + _GAP for wide in widths[:keys])
    blocks: list[list[int]] = []
    used = 0
    for n in range(keys, len(header)):
        if not blocks or used + widths[n] > room:
            blocks.append(list(range(keys)))
            used = held
        blocks[-1].append(n)
        used += widths[n] + _GAP
    return blocks or [list(range(keys))]


def _one(
    header: Sequence[str], rows: Sequence[Sequence[str]], wrapped: Sequence[str], rule: int | None
) -> str:
    # Names of files may hold what rich would take for markup.
    console = Console(width=width(), markup=False, emoji=False, highlight=False)
    grid = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in header:
        grid.add_column(name, no_wrap=name not in wrapped, overflow="fold")
    for number, row in enumerate(rows):
        if number == rule:
            grid.add_section()
        grid.add_row(*row)
    with console.capture() as capture:
        console.print(grid)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()).strip("\n")
