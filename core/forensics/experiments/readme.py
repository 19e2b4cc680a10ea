"""Tables of a README, written from the results beside the experiments.

<!-- table: table1 -->
...
<!-- end -->
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from forensics.errors import ForensicsError, unknown
from forensics.experiments.finding import Experiment
from forensics.experiments.reproducing import Result, load
from forensics.experiments.schema import Figure, TableCell
from forensics.experiments.selecting import Measurement
from forensics.models.registry import check_editable, package_folder

_MARKED = re.compile(
    r"(?P<begin><!-- table: (?P<name>\S+) -->\n).*?(?P<end><!-- end -->)", re.DOTALL
)


def rewrite(tables: Sequence[Experiment]) -> Path:
    """Write the marked tables of a plugin's README again. tables: all tables of one plugin. Raises
    ForensicsError where a marker names no table."""
    folder = package_folder(tables[0].package)
    assert folder is not None
    check_editable(folder, "--readme")
    path = folder.parent / "README.md"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ForensicsError(f"cannot read {path}: {error.strerror}") from None
    path.write_text(filled(text, tables), encoding="utf-8")
    return path


def filled(text: str, tables: Sequence[Experiment]) -> str:
    """A README's text with its marked tables written again."""
    names = {experiment.name: experiment for experiment in tables}

    def written(match: re.Match[str]) -> str:
        if match["name"] not in names:
            raise unknown(f"table of {tables[0].plugin}", match["name"], names)
        chosen = names[match["name"]]
        table = (
            markdown(load(chosen)) if chosen.result.is_file() else f"Not run yet: {chosen.again}.\n"
        )
        return match["begin"] + table + match["end"]

    return _MARKED.sub(written, text)


def marked(text: str) -> list[str]:
    """The names of the tables that are marked in a README."""
    return [match["name"] for match in _MARKED.finditer(text)]


def markdown(result: Result) -> str:
    """A result as a Markdown table: its rows and columns or, for a table without columns, the
    paper's figure and ours side by side."""
    preset = result.experiment.preset
    below = notes(result)
    if preset.columns:
        header = ["", *(column.label for column in preset.columns)]
        rows = [
            [row.label, *(_beside(a, f) for a, f in result.cells if a.row == row.label)]
            for row in preset.rows
        ]
        align = ["---", *["---:"] * len(preset.columns)]
        below += [*remarks(result, words=True), *missing(result)]
    else:
        header = ["", "the paper", "here", "patches a side (photographs)", ""]
        rows = [
            [a.row, said(a), measured(f, a.digits), counted(f), note(a, f)] for a, f in result.cells
        ]
        align = ["---", "---", "---:", "---:", "---"]
    cells = [[cell.replace("|", r"\|") for cell in line] for line in (header, align, *rows)]
    lines = ["| " + " | ".join(line) + " |" for line in cells]
    return "\n".join([*lines, "", *map(_bullet, below), ""])


def _bullet(text: str) -> str:
    return textwrap.fill(text, 98, initial_indent="- ", subsequent_indent="  ")


def remarks(result: Result, words: bool = False) -> list[str]:
    """The remarks of the preset, each sentence once, with the rows that it belongs to. words: the
    sentences of the paper too."""
    rows_of: dict[str, dict[str, None]] = {}
    for asked, _ in result.cells:
        said_here = [f"the paper: {asked.paper}"] if isinstance(asked.paper, str) and words else []
        for text in (*said_here, *filter(None, (asked.remark,))):
            rows_of.setdefault(text, {})[asked.row] = None
    everywhere = len(result.experiment.preset.rows)
    return [
        text if len(rows) == everywhere else f"{'; '.join(rows)}: {text}"
        for text, rows in rows_of.items()
    ]


def missing(result: Result) -> list[str]:
    """Why cells have no figure, each reason once, with its rows or, where it is the reason of
    every row, its columns."""
    cells_of: dict[str, list[TableCell]] = {}
    for asked, figure in result.cells:
        if figure.value is None:
            cells_of.setdefault(str(figure.na), []).append(asked)
    everywhere = len(result.experiment.preset.rows)
    texts = []
    for reason, cells in cells_of.items():
        rows, columns = (
            list(dict.fromkeys(w)) for w in zip(*((c.row, c.column) for c in cells), strict=True)
        )
        texts.append(f"n/a for {'; '.join(columns if len(rows) == everywhere else rows)}: {reason}")
    return texts


def _beside(asked: TableCell, figure: Measurement) -> str:
    """Our figure, followed by the paper's number where there is one."""
    ours = "n/a" if figure.value is None else measured(figure, asked.digits)
    off = ", differs" if figure.agrees(asked.paper) is False else ""
    return f"{ours} (paper {said(asked)}{off})" if isinstance(asked.paper, Figure) else ours


def measured(figure: Measurement, digits: int) -> str:
    """Our figure with half its interval, or why there is none."""
    if figure.value is None:
        return f"n/a: {figure.na}"
    text = short(figure.value, digits)
    if figure.low is not None and figure.high is not None:
        text += f" ±{short((figure.high - figure.low) / 2, digits)}"
    return text


def counted(figure: Measurement) -> str:
    """Patches a side, and the photographs that they come from."""
    return f"{figure.n} ({figure.photographs})" if figure.n else ""


def said(asked: TableCell) -> str:
    """The paper's figure or sentence."""
    if isinstance(asked.paper, Figure):
        tolerance = asked.paper.tolerance
        text = short(asked.paper.value, asked.digits)
        return text + (f" ±{short(tolerance, asked.digits)}" if tolerance else "")
    return asked.paper or ""


def note(asked: TableCell, figure: Measurement) -> str:
    """Whether ours is off the paper's number, and the remark."""
    off = "differs" if figure.agrees(asked.paper) is False else ""
    return ": ".join(filter(None, (off, asked.remark)))


def short(value: float, digits: int) -> str:
    """Rounded, without the zero before a decimal point."""
    text = f"{value:.{digits}f}"
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def notes(result: Result) -> list[str]:
    preset = result.experiment.preset
    samples: dict[str, list[int]] = {}
    for number, protocol in enumerate(result.protocols):
        samples.setdefault(_sample(protocol), []).append(number)
    traces = {
        f"{name}: " + " against ".join(text or "(untouched)" for text in sides.values())
        for protocol in result.protocols
        for name, sides in protocol["traces"].items()
    }
    warnings = {f"warning: {text}": None for p in result.protocols for text in p["warnings"]}
    return [
        f"{preset.title}: {preset.source}.",
        *(_counted(result, runs, text, len(samples) > 1) for text, runs in samples.items()),
        f"Intervals of 95 % over photographs; ± is half of one. {'; '.join(sorted(traces))}.",
        *warnings,
        *preset.notes,
    ]


def _sample(p: dict[str, Any]) -> str:
    """What a run measures on, without the number of patches."""
    split = f", split {p['split']}" if p["split"] else ""
    chosen = "".join(f", {pattern}" for pattern in p["chosen"])
    half = f", reduced by {p['reduce']}" if p["reduce"] > 1 else ""
    return (
        f"patches of {p['patch']} x {p['patch']} a side from {p['photographs']} photographs "
        f"({p['data']}{split}{chosen}{half}; {p['skipped']} skipped), {p['color']}, seed "
        f"{p['seed']}, {p['device']}, forensics {p['forensics']}."
    )


def _counted(result: Result, runs: Sequence[int], text: str, several: bool) -> str:
    """The sentence of `_sample` with the number of patches and, where there are several such
    sentences, the rows or columns of the table that it is about."""
    options = result.experiment.preset.runs()
    cells = [(asked, f) for asked, f in result.cells if options.index(asked.run) in runs]
    counts = sorted({f.n for _, f in cells if f.n})
    n = "-".join(map(str, dict.fromkeys((counts[0], counts[-1])))) if counts else "0"
    parts = {part: dict.fromkeys(getattr(a, part) for a, _ in cells) for part in ("row", "column")}
    all_of = {part: len({getattr(a, part) for a, _ in result.cells}) for part in parts}
    labels = ["; ".join(names) for part, names in parts.items() if len(names) < all_of[part]]
    about = f"{' | '.join(labels)}: " if several and labels else ""
    return f"{about}{n} {text}"
