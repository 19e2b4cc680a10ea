"""The list of first tables that `q1phase` sums over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from forensics.errors import ForensicsError
from forensics.jpeg import ZIGZAG
from forensics_q1cnn import tables
from forensics_q1cnn.phase.network import libjpeg_tables


def listed(name: str) -> Tensor:
    """int64 `[T, 64]`, zig-zag order: of `libjpeg` the tables of qualities 50 to 100; of `known`
    Photoshop's and those of cameras beside them; of a JSON file its own ones beside libjpeg's.

    A file holds a list of tables, each of 64 steps in natural order, or of objects with such a
    list under `luma`. Raises ForensicsError for a name that is neither, and for what is no table.
    """
    own = libjpeg_tables()
    if name == "libjpeg":
        return own
    if name == "known":
        kinds = (tables.FIRST_NAMED, tables.FIRST_CAMERA, tables.FIRST_HELD_OUT)
        numbers = torch.tensor([n for first in kinds for n in tables.numbers_from(first)])
        more = tables.tables(numbers, 1)[:, 0].flatten(1)
    else:
        more = _of_file(Path(name))
    return torch.cat([own, more[:, ZIGZAG].long()])


def _of_file(path: Path) -> Tensor:
    if not path.is_file():
        raise ForensicsError(
            f"q1phase takes the tables libjpeg, known, or a JSON file, and there is no file {path}"
        )
    try:
        content: Any = json.loads(path.read_text())
    except ValueError as error:
        raise ForensicsError(f"{path} is not JSON: {error}") from None
    if isinstance(content, dict):
        content = content.get("tables")
    if not isinstance(content, list) or not content:
        raise ForensicsError(f"{path} holds no tables: write a list of lists of 64 steps")
    rows = [one.get("luma") if isinstance(one, dict) else one for one in content]
    for place, row in enumerate(rows):
        if not _is_table(row):
            raise ForensicsError(
                f"table {place + 1} of {path} is not 64 whole numbers from 1 to 65535"
            )
    return torch.tensor(rows)


def _is_table(row: object) -> bool:
    return (
        isinstance(row, list)
        and len(row) == 64
        and all(type(step) is int and 1 <= step <= 65535 for step in row)
    )
