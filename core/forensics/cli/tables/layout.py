"""A table as text: for a terminal, as Markdown, as LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from forensics.cli.terminal import table


@dataclass(frozen=True)
class Section:
    """One table. header: a title for each column, `"clean: AUC"` on two lines where there is room;
    rows: texts; rule: the row before which a line is drawn, if any; keys: how many of the first
    columns name the row."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    rule: int | None = None
    keys: int = 2


def terminal(section: Section) -> str:
    """As wide as the terminal, or 100 characters without one. Columns that do not fit come in
    further tables below, with the key columns again."""
    header = [name.replace(": ", "\n") for name in section.header]
    return table(header, section.rows, keys=section.keys, rule=section.rule)


def markdown(section: Section) -> str:
    rows = [[cell.replace("|", r"\|") for cell in row] for row in section.rows]
    lines = [section.header, ["---"] * len(section.header), *rows]
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
