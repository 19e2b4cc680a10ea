"""A table as text: for a terminal, as Markdown, as LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """One table. header: a title for each column, `"clean: AUC"` on two lines where there is room;
    rows: texts; rule: the row before which a line is drawn, if any."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    rule: int | None = None


def terminal(section: Section) -> str:
    """As wide as the terminal, 100 columns where there is none; only the first column is never
    broken into lines."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if Console().is_terminal else 100)
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for number, name in enumerate(section.header):
        made.add_column(name.replace(": ", "\n"), no_wrap=number == 0, overflow="fold")
    for number, row in enumerate(section.rows):
        if number == section.rule:
            made.add_section()
        made.add_row(*row)
    with console.capture() as capture:
        console.print(made)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def markdown(section: Section) -> str:
    lines = [section.header, ["---"] * len(section.header), *section.rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def latex(section: Section) -> str:
    """A tabular of the booktabs package."""

    def line(cells: Sequence[str]) -> str:
        return " & ".join(_escape(c) for c in cells) + r" \\"

    body = [line(section.header), r"\midrule", *(line(row) for row in section.rows)]
    columns = "ll" + "r" * (len(section.header) - 2)
    begin = [r"\begin{tabular}{" + columns + "}", r"\toprule"]
    return "\n".join([*begin, *body, r"\bottomrule", r"\end{tabular}"])


def _escape(text: str) -> str:
    for plain, escaped in (("%", r"\%"), ("_", r"\_"), ("&", r"\&"), ("±", r"$\pm$")):
        text = text.replace(plain, escaped)
    return text
