"""Score rows on disk: Parquet, one part for each piece of work, written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from forensics.atomic import replacing
from forensics.bench.conditions import kind_of
from forensics.bench.identity import digest
from forensics.bench.positions import Position
from forensics.errors import ForensicsError

_SCHEMA = pa.schema(
    [
        ("condition", pa.string()),
        ("model", pa.string()),
        ("name", pa.string()),
        ("photograph", pa.string()),
        ("y", pa.int32()),
        ("x", pa.int32()),
        ("value", pa.float32()),
        ("reason", pa.string()),
        ("evidence", pa.binary()),
    ]
)


@dataclass(frozen=True)
class Row:
    """One number about one patch. condition, model: hashes; name: `score`, `psnr`, ...; value:
    NaN where there is a reason; evidence: packed histograms of a map (`metrics.mask_histogram`) or
    packed probabilities of an estimate (`metrics.confidence`)."""

    condition: str
    model: str
    name: str
    photograph: str
    position: Position
    value: float
    reason: str | None = None
    evidence: bytes | None = None


# Of one photograph: (condition, model, name) -> position -> (value, reason, evidence).
Rows = dict[tuple[str, str, str], dict[Position, tuple[float, str | None, bytes | None]]]


def answered(rows: Rows) -> dict[tuple[str, str, str], set[Position]]:
    """The positions with rows, by condition, model and kind of query (`kind_of`)."""
    positions_of: dict[tuple[str, str, str], set[Position]] = {}
    for (condition, model, name), by_position in rows.items():
        positions_of.setdefault((condition, model, kind_of(name)), set()).update(by_position)
    return positions_of


class Store:
    """The rows under a folder. Safe to kill at any moment: a part is renamed into place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "rows"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ForensicsError(
                f"cannot write results to {folder}: {error.strerror}; choose another --out"
            ) from None

    def write(self, rows: Iterable[Row]) -> None:
        """Add the rows of one photograph as one part."""
        rows = list(rows)
        if not rows:
            return
        columns = [vars(r) | {"y": r.position[0], "x": r.position[1]} for r in rows]
        table = pa.Table.from_pylist(columns, _SCHEMA)
        keys = sorted(f"{r.condition}{r.model}{r.name}{r.position}" for r in rows)
        path = self.folder / f"{rows[0].photograph[:24]}-{digest(*keys)}.parquet"
        with replacing(path) as partial:
            pq.write_table(table, partial, compression="zstd")

    def read(self, photograph: str) -> Rows:
        """Every row of a photograph (its content hash)."""
        rows: Rows = {}
        for path in sorted(self.folder.glob(f"{photograph[:24]}-*.parquet")):
            try:
                table = pq.ParquetFile(path).read()
            except (pa.ArrowException, OSError) as error:
                reason = str(error).splitlines()[0]
                raise ForensicsError(
                    f"{path} is damaged ({reason}): delete it, and its scores are computed again"
                ) from None
            if table.schema != _SCHEMA:
                continue  # of another version, whose rows are not wanted: hashes cover sources
            columns = table.to_pydict().values()
            for p, m, name, sha256, y, x, value, reason, evidence in zip(*columns, strict=True):
                if sha256 == photograph:
                    rows.setdefault((p, m, name), {})[y, x] = (value, reason, evidence)
        return rows
