"""The files of a running training: a log that a spreadsheet opens, and the checkpoint."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import torch

from forensics.atomic import replacing
from forensics.errors import ForensicsError

# Of the content of a checkpoint; another number is refused.
_FORM = 2


def write(path: Path, content: bytes) -> None:
    """The whole file or none of it: written beside, then renamed."""
    with replacing(path) as partial:
        partial.write_bytes(content)


class Checkpoint:
    """What a training needs to go on, in one file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "checkpoint.pt"

    def write(self, content: dict[str, Any]) -> None:
        with replacing(self.path) as partial:
            torch.save({"form": _FORM, **content}, partial)

    def read(self, device: torch.device) -> dict[str, Any]:
        """Raises ForensicsError where there is none that can be gone on with."""
        if not self.path.is_file():
            raise ForensicsError(f"there is no {self.path} to resume; leave --resume out")
        try:
            content = torch.load(self.path, map_location=device, weights_only=True)
        except Exception as error:
            raise ForensicsError(
                f"{self.path} cannot be read ({type(error).__name__}); start again without --resume"
            ) from error
        if content.get("form") != _FORM:
            raise ForensicsError(f"{self.path} is of another version; start again without --resume")
        assert isinstance(content, dict)
        return content


class Log:
    """Rows of figures in a CSV file. Phases log other parts, so columns may be added later."""

    def __init__(self, folder: Path, until: int | None) -> None:
        """until: the step at which a training goes on; later rows are dropped. None: anew."""
        self.path = folder / "log.csv"
        self.rows: list[dict[str, Any]] = []
        if until is not None and self.path.is_file():
            with self.path.open(newline="") as file:
                rows = csv.DictReader(file)
                self.rows = [dict(row) for row in rows if int(row["step"]) <= until]
        self._write()

    def add(self, row: dict[str, Any]) -> None:
        """One row; floats are written with six digits."""
        self.rows.append({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})
        self._write()

    def _write(self) -> None:
        columns = dict.fromkeys(name for row in self.rows for name in row)
        with self.path.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(self.rows)
