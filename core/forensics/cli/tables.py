"""The matrix for people: a row for each model and trace, a column for each attack."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any

from forensics.harness import Matrix, Plan
from forensics.harness.forecast import forecast

Cells = list[dict[str, Any]]


def matrix(result: Matrix, style: str) -> str:
    """The matrix in one of the formats `table`, `csv`, `markdown`, `latex`, with a final newline.

    csv has a row a cell, with every metric; the others have means over the points.
    """
    if style == "csv":
        return str(result.to_pandas().to_csv(index=False))
    header, rows = _layout(result)
    notes = _notes(result)
    if style == "table":
        return _rich(header, rows) + "\n".join(["", *notes, ""])
    return typeset(header, rows, notes, style)


def typeset(header: list[str], rows: list[list[str]], notes: list[str], style: str) -> str:
    """A table with notes under it, as `markdown` or `latex`."""
    if style == "latex":
        return _latex(header, rows, notes)
    cells = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    lines = ["| " + " | ".join(row) + " |" for row in (header, ["---"] * len(header), *cells)]
    return "\n".join([*lines, "", *notes, ""])


def _layout(result: Matrix) -> tuple[list[str], list[list[str]]]:
    attacks = list(dict.fromkeys(c["attack"] for c in result.cells))
    models = result.protocol["models"]
    names = [_marked(a, models) if a else "clean" for a in attacks]
    header = ["model", "trace", *(f"{name}: AUC, pe_cv" for name in names)]
    rows = []
    for model, trace in dict.fromkeys((c["model"], c["trace"]) for c in result.cells):
        if model is None:
            continue
        those = [c for c in result.cells if (c["model"], c["trace"]) == (model, trace)]
        cells = [_figures([c for c in those if c["attack"] == a]) for a in attacks]
        rows.append([_marked(model, models), trace, *cells])
    for trace in dict.fromkeys(c["trace"] for c in result.cells):
        for label, name, digits in (("PSNR (dB)", "psnr", 2), ("SSIM", "ssim", 3)):
            costs = [_costs(result.cells, trace, a, name, digits) for a in attacks]
            if any(costs):
                rows.append([label, trace, *costs])
    return header, rows


def _marked(name: str, models: dict[str, Any]) -> str:
    return f"{name} (user)" if models.get(name, {}).get("weights") == "user" else name


def _figures(cells: Cells) -> str:
    """AUC and pe_cv with half its interval, means over the points that have them."""
    have = [c["metrics"] for c in cells if c["na"] is None]
    auc = [m["auc"]["value"] for m in have if m["auc"]["value"] is not None]
    error = [m["pe_cv"] for m in have if m["pe_cv"]["value"] is not None]
    if not auc:
        return "n/a" if cells else "-"
    text = f"{_short(fmean(auc))} "
    if not error:
        return text + "n/a"
    text += _short(fmean(e["value"] for e in error))
    halves = [(e["high"] - e["low"]) / 2 for e in error if e["low"] is not None]
    text += f" ±{_short(fmean(halves))}" if halves else ""
    return text + ("*" if len(have) < len(cells) else "")


def _short(value: float) -> str:
    return f"{value:.2f}".lstrip("0") if value < 0.995 else "1.0"


def _costs(cells: Cells, trace: str, attack: str | None, name: str, digits: int) -> str:
    """What the attack costs; in the column `clean`, what the image had before any attack."""
    if attack is None:
        name, found = f"{name}_input", [c for c in cells if c["attack"] is not None]
    else:
        found = [c for c in cells if c["attack"] == attack]
    unique = {
        (c["attack"], tuple(c["point"].items())): c["cost"][name]["value"]
        for c in found
        if c["trace"] == trace and c["cost"] is not None
    }
    values = [v for v in unique.values() if v is not None]
    return f"{fmean(values):.{digits}f}" if values else ""


def _notes(result: Matrix) -> list[str]:
    p = result.protocol
    points = {
        t: list(dict.fromkeys(_point(c["point"]) for c in result.cells if c["trace"] == t))
        for t in p["traces"]
    }
    sizes = sorted({c["n"] for c in result.cells if c["n"]})
    n = f"{sizes[0]}-{sizes[-1]}" if len(sizes) > 1 else "".join(map(str, sizes))
    n = n or f"at most {p['limit']}"  # costs alone are not counted cell by cell
    split = f", split {p['split']}" if p["split"] else ""
    lines = [
        "AUC: 1 = found, .5 = blind. pe_cv: decision error with threshold and direction chosen on "
        "other photographs, 0 = found, .5 = blind; ± half its 95 % interval over photographs. "
        "Means over the points"
        + ("; * = over those that are not n/a." if _starred(result) else "."),
        f"{p['data']}{split}: {n} patches of {p['patch']} x {p['patch']} a side from "
        f"{p['photographs']} photographs ({p['skipped']} skipped), {p['color']}, seed {p['seed']}, "
        f"{p['device']}, forensics {p['forensics']}, {p['seconds']:.0f} s.",
    ]
    for trace, sides in p["traces"].items():
        histories = " against ".join(text or "(untouched)" for text in sides.values())
        lines.append(f"{trace}: {histories}; at {', '.join(points[trace])}.")
    # "the image before median(3)", at every point the same step.
    steps = (c["cost"]["against"].partition("(")[0] for c in result.cells if c["cost"])
    against = dict.fromkeys(text.replace("before jpeg", "before the JPEG") for text in steps)
    if against:
        lines.append(
            "PSNR, SSIM: of the image at the slot, unattacked (clean) and attacked, against "
            f"{' or '.join(against)}."
        )
    lines += _reasons(result.cells)
    lines += [f"skipped: {model}" for model in p["slow"]]
    lines += [f"warning: {w}" for w in p["warnings"]]
    return [line for text in lines for line in textwrap.wrap(text, 98)]


def _reasons(cells: Cells) -> list[str]:
    """Why cells are n/a, each reason once, with the models that it concerns."""
    concerned: dict[str, dict[str, None]] = {}
    for cell in cells:
        reason = cell["na"] or cell["metrics"].get("auc", {}).get("na")
        if reason:
            concerned.setdefault(reason, {})[cell["model"] or cell["attack"]] = None
    return [f"n/a for {', '.join(models)}: {reason}" for reason, models in concerned.items()]


def _starred(result: Matrix) -> bool:
    return any("*" in cell for row in _layout(result)[1] for cell in row)


def _point(point: dict[str, Any]) -> str:
    return " ".join(f"{k}={v}" for k, v in point.items())


def _rich(header: list[str], rows: list[list[str]]) -> str:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if Console().is_terminal else 100)
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for number, name in enumerate(header):
        title = name.replace(": ", "\n")
        made.add_column(title, no_wrap=number == 0, overflow="fold")
    previous = rows[0][0] if rows else ""
    for row in rows:
        if row[0].startswith("PSNR") and not previous.startswith(("PSNR", "SSIM")):
            made.add_section()
        made.add_row(*row)
        previous = row[0]
    with console.capture() as capture:
        console.print(made)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def _latex(header: list[str], rows: list[list[str]], notes: list[str]) -> str:
    def line(cells: list[str]) -> str:
        return " & ".join(_escape(c) for c in cells) + r" \\"

    body = [line(header), r"\midrule", *(line(row) for row in rows)]
    table = [r"\begin{tabular}{ll" + "r" * (len(header) - 2) + "}", r"\toprule", *body]
    comments = [f"% {note}" for note in notes]
    return "\n".join([*table, r"\bottomrule", r"\end{tabular}", *comments, ""])


def _escape(text: str) -> str:
    for plain, escaped in (("%", r"\%"), ("_", r"\_"), ("&", r"\&"), ("±", r"$\pm$")):
        text = text.replace(plain, escaped)
    return text


def plan(made: Plan, folder: Path) -> str:
    """What a run would do, in a few lines."""
    ahead = forecast(made, folder)
    lines = [
        f"{len(made.cells)} cells, {sum(c.reason is not None for c in made.cells)} of them n/a",
        f"{len(made.photographs)} photographs ({len(made.skipped) + len(made.lost)} skipped), "
        f"{ahead.patches} patches in {len(made.populations)} populations",
        f"{ahead.scores} numbers to compute, {ahead.stored} stored",
        f"expected time: {ahead.time}",
        *(f"skipped: {model}" for model in made.slow),
    ]
    lines += [
        f"n/a: {c.model or c.attacker} on {c.trace.name} {_point(dict(c.point))}: {c.reason}"
        for c in made.cells
        if c.reason is not None
    ]
    return "\n".join(lines)


def plan_json(made: Plan, folder: Path) -> str:
    """The same as one JSON object."""
    content = {
        "cells": len(made.cells),
        "na": sum(c.reason is not None for c in made.cells),
        "photographs": len(made.photographs),
        "skipped": len(made.skipped) + len(made.lost),
        "populations": len(made.populations),
        "slow": list(made.slow),
    }
    return json.dumps(content | asdict(forecast(made, folder)), indent=1)
