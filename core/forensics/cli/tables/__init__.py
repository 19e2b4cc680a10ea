"""The matrix for people: a table for each kind of model, and notes."""

from __future__ import annotations

from forensics.bench import Matrix
from forensics.cli.tables.ahead import plan, plan_json
from forensics.cli.tables.kinds import KINDS, confusions, section
from forensics.cli.tables.layout import latex, markdown, terminal
from forensics.cli.tables.notes import notes

__all__ = ["matrix", "plan", "plan_json"]


def matrix(result: Matrix, style: str) -> str:
    """The matrix in one of the formats `table`, `csv`, `markdown`, `latex`, with a final newline.

    csv has a row a cell, with every metric; the others have means over the points.
    """
    if style == "csv":
        return str(result.to_pandas().to_csv(index=False))
    kinds = [kind for kind in KINDS if any(c.kind == kind for c in result.cells)]
    # Without a model the matrix says what attacks cost; with several kinds the first table does.
    tables = [
        section(result, kind, costs=not number) for number, kind in enumerate(kinds or [None])
    ]
    starred = any("*" in cell for table in tables for row in table.rows for cell in row)
    tables += confusions(result)
    below = notes(result, starred)
    if style == "table":
        return "\n" + "\n\n\n".join(map(terminal, tables)) + "\n".join(["\n", *below, ""])
    if style == "markdown":
        return "\n\n".join(map(markdown, tables)) + "\n\n" + "\n".join(below) + "\n"
    return "\n".join([*map(latex, tables), *(f"% {note}" for note in below), ""])
