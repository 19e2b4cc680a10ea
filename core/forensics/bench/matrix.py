"""The result of a run: all cells, as JSON, pandas or a folder that `forensics report` reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forensics.atomic import replacing
from forensics.bench.cells import ResultCell
from forensics.errors import ForensicsError

if TYPE_CHECKING:
    import pandas

FILE = "matrix.json"
# Of the file; another number whenever cells come to hold something else.
_FORM = 6


@dataclass(frozen=True)
class Matrix:
    """The result of a run. protocol: options, versions and models; cells: one for each model,
    point and attack; failures: what went wrong (`errors.told`), by model or step; skipped:
    photographs left out, each with its reason; table: makes what `scores` gives."""

    protocol: dict[str, Any]
    cells: list[ResultCell]
    failures: dict[str, str]
    skipped: tuple[str, ...]
    table: Callable[[], pandas.DataFrame] | None = field(default=None, compare=False, repr=False)

    def scores(self) -> pandas.DataFrame:
        """What every model said of every patch: see `bench.scores.frame`. Raises ForensicsError for
        a matrix that was read from its file, which holds figures alone."""
        if self.table is None:
            raise ForensicsError("a finished run has no scores in its file: run it again, --scores")
        return self.table()

    def save_scores(self, path: Path) -> None:
        """`scores` as Parquet, or CSV where the file is called so. Raises ForensicsError where it
        cannot be written."""
        frame = self.scores()
        try:
            with replacing(path) as partial:
                if path.suffix.lower() == ".csv":
                    frame.to_csv(partial, index=False)
                else:
                    frame.to_parquet(partial, index=False)
        except OSError as error:
            raise ForensicsError(f"cannot write {path}: {error.strerror or error}") from None

    def to_dict(self) -> dict[str, Any]:
        """What `--json` prints: `{protocol, cells}`."""
        return {"protocol": self.protocol, "cells": [cell.to_dict() for cell in self.cells]}

    def to_json(self) -> str:
        """One JSON object; numbers that JSON cannot hold do not occur."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False)

    def to_pandas(self) -> pandas.DataFrame:
        """A row a cell: trace, the point's parameters, attack, model, counts, each metric and cost
        with `_low` and `_high`, na. Estimators have the names of their headline's targets and, as
        JSON, confusion and reliability diagram."""
        import pandas

        return pandas.DataFrame([_flat(cell) for cell in self.cells])

    def save(self, folder: Path) -> None:
        """Beside the rows, for `forensics report`."""
        content = self.to_dict() | {"failures": self.failures, "skipped": list(self.skipped)}
        content["form"] = _FORM
        with replacing(folder / FILE) as partial:
            partial.write_text(json.dumps(content, indent=1, allow_nan=False))

    @classmethod
    def load(cls, folder: Path) -> Matrix:
        """Raises ForensicsError where the folder holds no finished run."""
        path = folder / FILE
        if not path.is_file():
            raise ForensicsError(f"{folder} holds no finished run: `forensics run --out {folder}`")
        try:
            content = json.loads(path.read_text())
            if content.get("form") != _FORM:
                raise ForensicsError(
                    f"{path} was written by another version: run `forensics run` again"
                )
            return cls(
                content["protocol"],
                [ResultCell.of(cell) for cell in content["cells"]],
                content["failures"],
                tuple(content["skipped"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ForensicsError(f"{path} is damaged: run `forensics run` again") from None


def _flat(cell: ResultCell) -> dict[str, Any]:
    flat: dict[str, Any] = {"trace": cell.trace, **cell.point}
    for name in ("attack", "model", "kind", "n", "n_pristine", "n_na", "photographs", "trained"):
        flat[name] = getattr(cell, name)
    flat["attack"] = cell.attack or "clean"  # a missing value would be lost in a pivot
    if cell.kind == "estimator":
        flat["names"] = " ".join(cell.names)
        plain = cell.to_dict()
        for name in ("confusion", "reliability"):
            flat[name] = json.dumps(plain[name])
    for name, figure in cell.figures().items():
        flat[name], flat[f"{name}_low"], flat[f"{name}_high"] = (
            figure.value,
            figure.low,
            figure.high,
        )
    flat["na"] = cell.na
    return flat
