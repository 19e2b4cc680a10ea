"""Writing what a history left: a JPEG as its coefficients, anything else as PNG."""

from __future__ import annotations

from pathlib import Path

import jpeglib
import numpy as np
from PIL import Image

from forensics.atomic import replacing
from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.jpeg.coefficients import SAMPLINGS, Jpeg


def suffix(batch: Batch) -> str:
    """`.jpg` where the state is a JPEG, else `.png`."""
    return ".png" if batch.jpeg is None else ".jpg"


def write(batch: Batch, path: Path, force: bool = False) -> None:
    """Write a batch of one image. A JPEG is written from its coefficients and tables, without
    another compression; other states as PNG.

    Raises ForensicsError where the file exists and `force` is false, or cannot be written.
    """
    if len(batch) != 1:
        raise ValueError(f"one image is written at a time, not {len(batch)}")
    if path.exists() and not force:
        raise ForensicsError(f"{path} exists: choose another folder, or --force to write over it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            if batch.jpeg is not None:
                _write_jpeg(batch.jpeg.to("cpu"), partial)
            else:
                pixels = batch.pixels[0].permute(1, 2, 0).cpu().numpy()
                Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(partial)
    except OSError as error:
        raise ForensicsError(f"cannot write {path}: {error.strerror or error}") from None


def _write_jpeg(jpeg: Jpeg, path: Path) -> None:
    components = [c[0].numpy() for c in jpeg.coefficients]
    tables = jpeg.tables[0].numpy().astype(np.uint16)
    # Cb and Cr share a table in nearly every file; jpeglib numbers the tables it is given.
    distinct, numbers = np.unique(tables, axis=0, return_inverse=True)
    order = list(dict.fromkeys(numbers.tolist()))
    tables, slots = distinct[order], np.asarray([order.index(n) for n in numbers.tolist()])
    height, width = jpeg.size
    with jpeglib.version("6b"):
        made = jpeglib.from_dct(*components, qt=tables, quant_tbl_no=slots)
        made.height, made.width = height, width
        down, across = SAMPLINGS[jpeg.sampling]
        made.samp_factor = [[down, across]] + [[1, 1]] * (len(components) - 1)
        made.write_dct(str(path))
