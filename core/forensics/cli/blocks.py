"""What `forensics analyze` prints: a block of lines a file, and notes below the last of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.cells import cell_len

from forensics.calibration.cards import Card
from forensics.cli import wording
from forensics.cli.maps import words
from forensics.cli.terminal import lines, table, width
from forensics.cli.wording import short
from forensics.images import Picture
from forensics.models.entries import ModelEntry
from forensics.models.registry import registry

Row = Mapping[str, Any]
_INDENT = 2
_LIKELY = 0.5  # the share of its least sure value from which on an estimate is said of many files
_LISTED = 8  # baselines that are named below the blocks
_KINDS = ("scores", "estimates", "maps")


def described(picture: Picture) -> dict[str, Any]:
    """What a file is: `format`, `width`, `height`, `color`, and of a JPEG how it was `saved`."""
    what = {"format": picture.format, "width": picture.width, "height": picture.height}
    what |= {"color": "gray" if picture.pixels.shape[2] == 1 else "RGB", "saved": None}
    if picture.jpeg is not None:
        chroma = "" if picture.jpeg.sampling == "gray" else f", {picture.jpeg.sampling}"
        what["saved"] = wording.saved(picture.jpeg.tables[0, 0]) + chroma
    return what


def block(row: Row, full: bool, verbose: bool, scored: bool) -> str:
    """What was found in a file: its name and kind, then a line for each answer.

    full: all answers; otherwise those that say that something was done. verbose: also the steps of
    first JPEGs, and each n/a with its reason. scored: the scores of detectors, in full.
    """
    told = [*_calibrated(row, full), *_estimates(row, full, verbose), *_maps(row, full)]
    if full and scored:
        told += _scores(row)
    if not told and row["estimates"]:
        told.append(("", _silent(row)))
    told += [("", text) for text in wording.contradictions(row["estimates"], _entries(row))]
    told += _absent(row, full, verbose)
    told += [("", note) for note in row["notes"]]
    wide = max((cell_len(name) for name, _ in told), default=0) + 2
    texts = [_line(name, text, wide) for name, text in told]
    return "\n".join(["", *_title(row), *texts])


def notes(
    rows: Sequence[Row],
    full: bool,
    valid: Mapping[str, Sequence[Card]],
    baselines: Sequence[str],
    outdated: Sequence[str],
) -> str:
    """What stands below all blocks. valid: by detector, its calibrations; baselines: who was not
    asked; outdated: sentences on calibrations that no longer hold."""
    found = [*_presupposed(rows), *_calibrations(rows, valid)]
    without = [name for name, cards in valid.items() if not cards]
    if full and without:
        which = "" if len(without) == len(valid) else f", {', '.join(without)}"
        found.append(
            f"Scores: higher = altered. Uncalibrated{which}: a score compares files by one model, "
            "not models."
        )
    elif not full:
        found.append("Scores, steps and reasons: --verbose, --json or --format csv.")
    found += _unasked(rows)
    if len(baselines) > _LISTED:
        found.append(f"{len(baselines)} baselines are asked by name only: see `forensics models`.")
    elif baselines:
        found.append(f"Baselines are asked by name only: {', '.join(baselines)}.")
    return "\n".join(["", *map(lines, [*found, *outdated])])


def scores(rows: Sequence[Row], names: Sequence[str]) -> str:
    """A table of the scores of detectors, a line a file."""
    cells = [
        [row["file"], *("n/a" if score is None else _figure(score) for score in _of(row, names))]
        for row in rows
    ]
    return table(["file", *names], cells, wrapped=("file",), keys=1)


def _of(row: Row, names: Sequence[str]) -> list[float | None]:
    return [row["scores"].get(name, {}).get("score") for name in names]


def _title(row: Row) -> list[str]:
    """Name and kind of a file, the name in one piece, however long."""
    kind = f"{row['format']}, {row['width']} x {row['height']}, {row['color']}"
    kind += f", {row['saved']}" if row["saved"] else ""
    name = f"{row['file']}:"
    beside = cell_len(f"{name} {kind}") <= width()
    return [f"{name} {kind}"] if beside else [name, _line("", kind, 0)]


def _line(name: str, text: str, wide: int) -> str:
    before = " " * _INDENT + (name + " " * (wide - cell_len(name)) if name else "")
    return lines(before + text, len(before) if name else _INDENT)


def _entries(row: Row) -> dict[str, ModelEntry]:
    there = registry().all("estimator")
    return {name: there[name.partition(":")[0]].entry for name in row["estimates"]}


def _calibrated(row: Row, full: bool) -> Iterator[tuple[str, str]]:
    """The trace's own question, and yes or no: what counts as altered there may be no forgery."""
    known = registry().all("trace")
    for name, score in row["scores"].items():
        for trace, answer in score.get("calibrated", {}).items():
            question = known[trace].entry.summary if trace in known else trace
            if "na" in answer:
                if full:
                    yield name, f"{question} n/a: {answer['na']}"
                continue
            said = "yes" if answer["verdict"] == "altered" else "no"
            if said == "yes" or full:
                beyond = "; ".join(answer["beyond"])
                outside = f", outside what it was calibrated for: {beyond}" if beyond else ""
                yield name, f"{question} {said} (log10 LR {answer['log10_lr']:+.2f}{outside})"


def _estimates(row: Row, full: bool, steps: bool) -> Iterator[tuple[str, str]]:
    """A line for each estimate, and one for all that say that nothing was done."""
    entries, silent = _entries(row), []
    for name, answer in row["estimates"].items():
        of = wording.targets(entries[name])
        if "values" not in answer:
            continue
        if wording.nothing(answer, of):
            silent.append(f"{name} ({100 * wording.least(answer):.0f} %)")
        elif full or wording.least(answer) >= _LIKELY:
            yield name, wording.estimate(answer, of, steps)
    if silent and full:
        yield "none", "nothing was done, say " + ", ".join(silent)


def _maps(row: Row, full: bool) -> Iterator[tuple[str, str]]:
    """Of a localizer its regions, if there are several, and its map; the image scores of others."""
    scores = []
    for name, answer in row["maps"].items():
        if "na" in answer:
            continue
        regions, path = answer.get("regions", ()), answer.get("map")
        score = f"score {short(answer['score'])}"
        if len(regions) < 2 and not path:
            scores.append(f"{name} {short(answer['score'])}")
            continue
        several = f"{len(regions)} regions" if len(regions) > 1 else ""
        file = f"map {Path(path).name}" if path else ""
        yield name, ", ".join(filter(None, [several, score, file]))
        for number, region in enumerate(regions if several else ()):
            said = words(region["values"], region["doubt"])
            yield "", f"region {number}, {100 * region['share']:.1f} %: {said}"
    if scores and full:
        yield "maps", "of one region; scores " + ", ".join(scores)


def _scores(row: Row) -> list[tuple[str, str]]:
    told = [
        f"{n} {_figure(a['score'])}" for n, a in row["scores"].items() if a["score"] is not None
    ]
    return [("scores", ", ".join(told))] if told else []


def _figure(score: float) -> str:
    return f"{score:.0f}" if abs(score) >= 1000 else f"{score:.3g}"


def _silent(row: Row) -> str:
    """What is said of a file of which no answer says that something was done."""
    said = sum("values" in answer for answer in row["estimates"].values())
    if not said:
        return "no estimator has an answer"
    return f"{said} {'estimator says' if said == 1 else 'estimators say'} that nothing was done"


def _absent(row: Row, full: bool, verbose: bool) -> Iterator[tuple[str, str]]:
    """Who has no answer and who was not asked, with the reason."""
    of: dict[str, list[str]] = {}
    for kind in _KINDS:
        for name, answer in row[kind].items():
            if "na" in answer:
                # A sentence that names the model is one reason with those of others.
                of.setdefault(answer["na"].replace(name, "MODEL"), []).append(name)
    if of and (full or verbose):
        told = [f"{_names(names, verbose)}: {reason}" for reason, names in of.items()]
        yield "n/a", "; ".join(told)
    if row["skipped"] and verbose:
        yield "skipped", "; ".join(f"{name}: {why}" for name, why in row["skipped"].items())


def _names(names: Sequence[str], every: bool) -> str:
    first = list(dict.fromkeys(names))
    if every or len(first) <= 2:
        return ", ".join(first)
    return f"{first[0]} and {len(first) - 1} more"


def _unasked(rows: Sequence[Row]) -> Iterator[str]:
    """Which models took too long for files, with the time on the first such file."""
    times: dict[str, str] = {}
    files = [row for row in rows if row["skipped"]]
    for row in files:
        times = row["skipped"] | times
    if times:
        which = ", ".join(f"{name} ({time})" for name, time in times.items())
        number = "1 file" if len(files) == 1 else f"{len(files)} files"
        yield f"Not asked of {number} for the time it takes, unless named: {which}."


def _presupposed(rows: Sequence[Row]) -> Iterator[str]:
    """What the estimators that answered take for granted, those that take the same together."""
    by: dict[str, dict[str, None]] = {}
    for row in rows:
        for name, entry in _entries(row).items():
            if "values" in row["estimates"][name] and entry.presupposes:
                by.setdefault(entry.presupposes, {})[name] = None
    for what, names in by.items():
        yield f"{', '.join(names)}: presupposed is {what}."


def _calibrations(rows: Sequence[Row], valid: Mapping[str, Sequence[Card]]) -> Iterator[str]:
    """How to read a ratio, and what each calibration holds for."""
    held = [(name, card) for name, cards in valid.items() for card in cards]
    if held:
        yield (
            "log10 LR: +1 is 10 times as probable if yes as if no, 0 says nothing. Yes or no: at "
            "the least decision error with equal priors."
        )
    for name, card in held:
        yield f"{name} is calibrated on {card.basis}."
