"""The tables of detectors, estimators and localizers: a row a model, a column an attack."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from forensics.bench import Matrix
from forensics.bench.cells import INPUT, ResultCell
from forensics.cli.tables.layout import Section
from forensics.metrics.estimation import INEXACT
from forensics.metrics.intervals import Value

Cells = Sequence[ResultCell]

# Wider confusions than this are left to --json.
_MOST_CLASSES = 10


@dataclass(frozen=True)
class Kind:
    """How the cells of one kind of model are shown. figures: the text of the cells of one row and
    attack; shown: the names of the figures, for the title of a column; about: what they mean."""

    figures: Callable[[Cells], str]
    shown: str
    about: str


def section(result: Matrix, kind: str | None, costs: bool) -> Section:
    """The table of one kind of model, or of none. costs: with rows for the costs of attacks."""
    attacks = list(dict.fromkeys(c.attack for c in result.cells))
    marked = [marked_name(a, result) if a else "clean" for a in attacks]
    of_kind = [c for c in result.cells if c.kind == kind]
    if kind is None:
        rows, header = [], ["cost", "trace"]
    elif kind == "estimator":
        rows = _estimators(result, of_kind, attacks)
        header = ["model", "trace", "what"]
    else:
        rows = _rows(result, of_kind, attacks, KINDS[kind])
        header = ["model", "trace"]
    header += [f"{name}: {KINDS[kind].shown}" if kind else name for name in marked]
    rule = len(rows) if rows else None
    if costs:
        gap = [""] * (len(header) - 2 - len(attacks))
        rows += [[label, trace, *gap, *values] for label, trace, values in _costs(result, attacks)]
    return Section(header, rows, rule, len(header) - len(attacks))


def marked_name(name: str | None, result: Matrix) -> str:
    """The name of a model, marked where its weights are the user's own."""
    weights = result.protocol["models"].get(name, {}).get("weights")
    return f"{name} (user)" if weights == "user" else name or ""


def point(values: Mapping[str, Any]) -> str:
    """A point in words."""
    return " ".join(f"{k}={v}" for k, v in values.items())


def _rows(
    result: Matrix, cells: Cells, attacks: Sequence[str | None], kind: Kind
) -> list[list[str]]:
    rows = []
    for model, trace in dict.fromkeys((c.model, c.trace) for c in cells):
        of_row = [c for c in cells if (c.model, c.trace) == (model, trace)]
        figures = [kind.figures([c for c in of_row if c.attack == a]) for a in attacks]
        rows.append([marked_name(model, result), trace, *figures])
    return rows


def _estimators(result: Matrix, cells: Cells, attacks: Sequence[str | None]) -> list[list[str]]:
    """A row for the targets of the headline, and one for every other target."""
    rows = []
    for model, trace in dict.fromkeys((c.model, c.trace) for c in cells):
        of_row = [c for c in cells if (c.model, c.trace) == (model, trace)]
        names: Sequence[str] = next((c.names for c in of_row if c.names), ())
        targets = dict.fromkeys(m.partition(":")[2] for c in of_row for m in c.metrics)
        for name in ["", *(n for n in targets if n and n not in names)]:
            label = name or _span(names)
            figures = [
                _estimated([c for c in of_row if c.attack == a], f":{name}" if name else "")
                for a in attacks
            ]
            rows.append([marked_name(model, result), trace, label, *figures])
    return rows


def _span(names: Sequence[str]) -> str:
    if len(names) < 3:
        return ", ".join(names)
    return f"{names[0]}..{names[-1]}"


def _detected(cells: Cells) -> str:
    """AUC, and pe_cv with half its interval: means over the points."""
    have = [c.metrics for c in cells if c.na is None]
    auc = mean(have, "auc", _short)
    if auc == "n/a":
        return auc if cells else "-"
    return f"{auc} {mean(have, 'pe_cv', _short, spread=True)}" + _star(have, cells)


def _estimated(cells: Cells, of: str = "") -> str:
    """Accuracy with half its interval, mean squared error, false estimates; of real values without
    a tolerance mean absolute error and bias; and the share of patches that were answered, where it
    is not all."""
    have = [c.metrics for c in cells if c.na is None and f"accuracy{of}" in c.metrics]
    if not have:
        return "n/a" if cells else "-"
    accuracy = mean(have, f"accuracy{of}", _short, spread=True)
    parts = (accuracy, mean(have, f"mse{of}", _plain), mean(have, f"false_estimates{of}", _short))
    if all(m[f"accuracy{of}"].reason == INEXACT for m in have):
        mae = mean(have, f"mae{of}", _plain, spread=True)
        parts = "mae", mae, f"bias {mean(have, f'bias{of}', '{:+.3g}'.format)}"
    share = fmean(m[f"answered{of}"].value or 0.0 for m in have)
    of_all = "" if share == 1 else f" of {min(round(100 * share), 99)} %"
    figures = " ".join("-" if part == "n/a" else part for part in parts)
    return figures + of_all + _star(have, cells)


def _located(cells: Cells) -> str:
    """Pixel AUC with half its interval, F1 at Otsu's threshold, the AUC of the image's score."""
    have = [c.metrics for c in cells if c.na is None]
    if not have:
        return "n/a" if cells else "-"
    parts = (
        mean(have, "pixel_auc", _short, spread=True),
        mean(have, "f1_otsu", _short),
        mean(have, "auc", _short),
    )
    return " ".join("-" if part == "n/a" else part for part in parts) + _star(have, cells)


def mean(
    have: Sequence[Mapping[str, Value]],
    name: str,
    text: Callable[[float], str],
    spread: bool = False,
) -> str:
    """The mean of a metric over the cells that have it, with half its interval where asked."""
    values = [m[name] for m in have if name in m]
    known = [v.value for v in values if v.value is not None]
    if not known:
        return "n/a"
    ends = [(v.low, v.high) for v in values]
    halves = [(high - low) / 2 for low, high in ends if low is not None and high is not None]
    around = f" ±{text(fmean(halves))}" if halves and spread else ""
    return text(fmean(known)) + around


def _star(have: Sequence[Any], cells: Cells) -> str:
    return "*" if len(have) < len(cells) else ""


def _short(value: float) -> str:
    return f"{value:.2f}".lstrip("0") if value < 0.995 else "1.0"


def _plain(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def _costs(result: Matrix, attacks: Sequence[str | None]) -> list[tuple[str, str, list[str]]]:
    rows = []
    for trace in dict.fromkeys(c.trace for c in result.cells):
        for label, name, digits in (("PSNR (dB)", "psnr", 2), ("SSIM", "ssim", 3)):
            values = [_cost(result.cells, trace, a, name, digits) for a in attacks]
            if any(value not in ("", "-") for value in values):
                rows.append((label, trace, values))
    return rows


def _cost(cells: Cells, trace: str, attack: str | None, name: str, digits: int) -> str:
    """The cost of an attack. In the column `clean` that of the steps before the attack, and `-`
    where there are none."""
    if attack is None:
        name = f"{name}_input"
        of_attack = [c for c in cells if c.cost and c.cost.against != INPUT]
    else:
        of_attack = [c for c in cells if c.attack == attack]
    unique = {
        (c.attack, tuple(c.point.items())): getattr(c.cost, name).value
        for c in of_attack
        if c.trace == trace and c.cost is not None
    }
    values = [v for v in unique.values() if v is not None]
    return f"{fmean(values):.{digits}f}" if values else "-" if attack is None else ""


def confusions(result: Matrix) -> list[Section]:
    """Confusion tables over all points, for each model, trace and attack: of the patches of each
    class, the share with each answer."""
    counts: dict[tuple[str | None, str, str | None, str], dict[tuple[Any, Any], int]] = {}
    for cell in result.cells:
        for name, triples in (cell.confusion or {}).items():
            if name in cell.names:
                key = (cell.model, cell.trace, cell.attack, name)
                counted = counts.setdefault(key, {})
                for true, answer, n in triples:
                    counted[true, answer] = counted.get((true, answer), 0) + n
    return [_confusion(result, *key, counted) for key, counted in counts.items()]


def _confusion(
    result: Matrix,
    model: str | None,
    trace: str,
    attack: str | None,
    name: str,
    counts: dict[tuple[Any, Any], int],
) -> Section:
    true = _ordered(t for t, _ in counts)
    answers = _ordered([*true, *(g for _, g in counts)])
    # The true classes always have their columns; others share one when they are many.
    shown = answers if len(answers) <= _MOST_CLASSES else true[:_MOST_CLASSES]
    rest = [g for g in answers if g not in shown]
    title = f"{marked_name(model, result)}: {trace}, {attack or 'clean'}"
    header = [title, name, *(_class(g) for g in shown), *(["other"] if rest else [])]
    rows = []
    for t in true:
        total = sum(n for (one, _), n in counts.items() if one == t)
        groups = [[g] for g in shown] + ([rest] if rest else [])
        shares = [sum(counts.get((t, g), 0) for g in of_column) / total for of_column in groups]
        rows.append(["", _class(t), *(f"{100 * s:.0f} %" if s else "" for s in shares)])
    return Section(header, rows)


def _ordered(classes: Any) -> list[Any]:
    """Each class once: numbers by size, words as they come."""
    distinct = list(dict.fromkeys(classes))
    return distinct if any(isinstance(c, str) for c in distinct) else sorted(distinct)


def _class(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


KINDS = {
    "detector": Kind(
        _detected,
        "AUC, pe_cv",
        "AUC: 1 = detected, .5 = blind. pe_cv: decision error with threshold and direction chosen "
        "on other photographs, 0 = detected, .5 = blind; ± half its 95 % interval over "
        "photographs.",
    ),
    "estimator": Kind(
        _estimated,
        "accuracy, mse, false",
        "accuracy: share of altered patches whose answer is within the tolerance of the truth (of "
        "classes with words, untouched patches count too); ± half its 95 % interval over "
        "photographs. mse: mean squared error. false: share of untouched patches that are not "
        "recognised. Real values without a tolerance: mean absolute error and bias, named. of: "
        "share of altered patches that were answered, where it is not all; the figures are of "
        "these. Several targets: their mean.",
    ),
    "localizer": Kind(
        _located,
        "pixel AUC, F1, AUC",
        "pixel AUC: the pixels of all masks against all other pixels of altered images; ± half its "
        "95 % interval over photographs. F1: of the mask and what is hotter than Otsu's threshold "
        "of the map, mean over images. AUC: of the image's score against untouched images.",
    ),
}
