"""Likelihood ratios and verdicts of `forensics analyze`, as a table and notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from forensics.calibration.cards import Card
from forensics.cli.terminal import table
from forensics.models.registry import registry


def _answered(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str, dict[str, Any]]]:
    """(file, model, trace, ratio and verdict) of every calibrated score."""
    return [
        (row["file"], name, trace, answer)
        for row in rows
        for name, score in row["scores"].items()
        for trace, answer in score.get("calibrated", {}).items()
    ]


def tables(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The table of ratios and verdicts, if there are any."""
    header = ["file", "model", "trace", "log10 LR", "answer"]
    cells = [[f, n, t, f"{a['log10_lr']:+.2f}", _words(t, a)] for f, n, t, a in _answered(rows)]
    return [table(header, cells, wrapped=("file", "answer"))] if cells else []


def _words(trace: str, answer: Mapping[str, Any]) -> str:
    """The trace's own question, and yes or no: what counts as altered there may be no forgery."""
    known = registry().all("trace")
    question = f"{known[trace].entry.summary} " if trace in known else ""
    said = "yes" if answer["verdict"] == "altered" else "no"
    return f"{question}{said}" + (", outside what it was calibrated for" * bool(answer["beyond"]))


def notes(rows: Sequence[Mapping[str, Any]], valid: Mapping[str, Sequence[Card]]) -> Iterator[str]:
    """The notes below the tables: how to read a ratio, what each calibration holds for, which
    models are uncalibrated. valid: the calibrations by model."""
    without = [name for name, held in valid.items() if not held]
    if len(without) == len(valid):
        if valid:
            yield "Higher = altered. Uncalibrated: a score compares files by one model, not models."
        return
    yield (
        "log10 LR: +1 is 10 times as probable if yes as if no, 0 says nothing. Answer: "
        "at the least decision error with equal priors."
    )
    for name, held in valid.items():
        for card in held:
            yield f"{name} is calibrated on {card.basis}."
    for file, respects in dict.fromkeys(
        (f, "; ".join(a["beyond"])) for f, _, _, a in _answered(rows)
    ):
        if respects:
            yield f"{file} is beyond that: {respects}."
    if without:
        yield (
            f"Higher = altered. Uncalibrated: {', '.join(without)}: a score compares files by "
            "one model, not models."
        )
