"""The notes below the tables: what the figures mean, what they were measured on, what is n/a."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable
from typing import Any

from forensics.bench import Matrix
from forensics.bench.cells import INPUT, ResultCell
from forensics.bench.choice import ONE_TRACE
from forensics.cli.tables.kinds import KINDS, Cells, confusions, point
from forensics.cli.terminal import width
from forensics.metrics.intervals import Value

# No more than some lines.
_MOST_POINTS = 15


def notes(result: Matrix, starred: bool) -> list[str]:
    """Lines as wide as the terminal. starred: whether a star marks cells that miss points."""
    p = result.protocol
    kinds = [kind for kind in KINDS if any(c.kind == kind for c in result.cells)]
    about = "".join(f"{KINDS[kind].about} " for kind in kinds)
    if p["pool"]:
        about += "Of all points together."
    else:
        about += "Means over the points" + (
            "; * = over those that are not n/a." if starred else "."
        )
    lines = [about]
    if confusions(result):
        lines.append("The tables of classes: of the patches of each, the share taken for which.")
    lines.append(_sample(result))
    for trace, sides in p["traces"].items() if p["positive"] is None else ():
        points = _points(p["points"][trace])
        histories = " against ".join(text or "(untouched)" for text in sides.values())
        lines.append(f"{trace}: {histories}{f'; at {points}' if points else ''}.")
    against = _against(result.cells)
    if against:
        which = "attacked" if against == [INPUT] else "unattacked (clean) and attacked"
        lines.append(
            f"PSNR, SSIM: of the image at the slot, {which}, against {' or '.join(against)}."
        )
    lines += _reasons(result.cells)
    lines += _unanswered(result.cells)
    if p["one_trace"] and result.cells and any(c.model for c in result.cells):
        lines.append(ONE_TRACE)
    lines += [f"skipped: {model}" for model in p["unasked"]]
    lines += [f"warning: {w}" for w in p["warnings"]]
    return [line for text in lines for line in textwrap.wrap(text, width() - 2)]


def _sample(result: Matrix) -> str:
    """The patches, photographs and options of the figures."""
    p = result.protocol
    altered = {t: sum(side != "pristine" for side in sides) for t, sides in p["traces"].items()}
    sizes = sorted({c.n // altered[c.trace] for c in result.cells if c.n})
    n = f"{sizes[0]}-{sizes[-1]}" if len(sizes) > 1 else "".join(map(str, sizes))
    n = n or f"at most {p['limit']}"  # costs alone are not counted cell by cell
    size = f"patches of {p['patch']} x {p['patch']} a side" if p["patch"] else "whole files a side"
    return (
        f"{_source(p)}: {n} {size} from {p['photographs']} photographs "
        f"({p['skipped']} skipped), {p['color']}, seed {p['seed']}, {p['device']}, "
        f"forensics {p['forensics']}, {p['seconds']:.0f} s."
    )


def _source(p: dict[str, Any]) -> str:
    split = f"split {p['split']}" if p["split"] else ""
    if p["positive"] is None:
        half = f"reduced by {p['reduce']}" if p["reduce"] > 1 else ""
        return ", ".join(filter(None, (str(p["data"]), split, *p["chosen"], half)))
    masks = f" with masks in {p['masks']}" if p["masks"] else ""
    masks += " (black is altered)" if p.get("masks_inverted") else ""
    against = f", untouched files in {p['negative']}" if p["negative"] else ""
    within = f" ({split})" if split else ""
    return f"altered files in {p['positive']}{within}{masks}{against}"


def _points(points: Iterable[dict[str, Any]]) -> str:
    """All points, or the first and the last of many."""
    listed = list(dict.fromkeys(map(point, points)))
    if len(listed) > _MOST_POINTS:
        listed = [*listed[:3], "...", f"{listed[-1]} ({len(listed)} points)"]
    return ", ".join(listed)


def _against(cells: Cells) -> list[str]:
    """The images that attacked ones are compared with, such as "the image before median"."""
    said = (text for c in cells if c.cost for text in c.cost.against.split(" or "))
    steps = (text.partition("(")[0] for text in said)
    return list(dict.fromkeys(text.replace("before jpeg", "before the JPEG") for text in steps))


def _reasons(cells: Cells) -> list[str]:
    """Why cells and figures are n/a, each reason once, with its models. Reasons that differ in the
    model's own name alone are one."""
    concerned: dict[tuple[str, str], dict[str, None]] = {}
    for cell in cells:
        reasons = {"": cell.na} if cell.na else _missing(cell)
        name = cell.model or cell.attack or ""
        for metric, reason in reasons.items():
            alike = reason.replace(name, _NAME) if name else reason
            concerned.setdefault((metric, alike), {})[name] = None
    return [
        f"{metric}n/a for {', '.join(models)}: "
        + (reason.replace(_NAME, next(iter(models))) if len(models) == 1 else reason)
        for (metric, reason), models in concerned.items()
    ]


def _unanswered(cells: Cells) -> list[str]:
    """Of the models that have figures, how many patches of all sides are in none: a line a reason;
    counted over the points, from the fewest to the most of a model's attacks."""
    counted: dict[tuple[str, str], list[ResultCell]] = {}
    for cell in cells:
        if cell.na is None and cell.model is not None:
            counted.setdefault((cell.model, cell.trace), []).append(cell)
    models_of: dict[str, list[str]] = {}
    for (model, trace), of_model in counted.items():
        blank: Counter[str | None] = Counter()
        every: Counter[str | None] = Counter()
        why: Counter[str] = Counter()
        for cell in of_model:
            blank[cell.attack] += cell.n_na
            every[cell.attack] += cell.n + cell.n_pristine + cell.n_na
            why.update(cell.reasons)
        if not why:
            continue
        fewest, most = min(blank.values()), max(blank.values())
        n = f"{fewest}-{most}" if fewest < most else most
        (first, _), *others = why.most_common()
        reason = f"{first} (and {len(others)} more reasons: --json)" if others else first
        said = f"{model} ({trace}) {n} of {max(every.values())}"
        models_of.setdefault(reason, []).append(said)
    return [
        f"No answer, of the patches of all sides: {', '.join(models)}: {reason}"
        for reason, models in models_of.items()
    ]


def _missing(cell: ResultCell) -> dict[str, str]:
    """The figures of a cell that the tables show and that have no value, with the reason."""
    shown = {
        name: cell.metrics.get(name, _ABSENT).reason for name in _SHOWN.get(cell.kind or "", ())
    }
    return {f"{name} ": reason for name, reason in shown.items() if reason}


# A metric that a cell does not have is not missing.
_ABSENT = Value(None)
# Stands for the name of a model where several have the same reason.
_NAME = "NAME"
_SHOWN = {
    "detector": ("auc", "pe_cv"),
    "estimator": ("accuracy",),
    "localizer": ("pixel_auc", "f1_otsu"),
}
