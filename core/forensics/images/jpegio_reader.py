"""Coefficients by jpegio instead of jpeglib, for comparison with work that was done with it.

jpegio is the extra `image-forensics[jpegio]`: it is built from source, and it ends its process on
a damaged file, so it runs in a child process.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from forensics.errors import NotApplicable
from forensics.jpeg.coefficients import Jpeg, sampling_of

_SECONDS = 120


def read(data: bytes) -> Jpeg:
    """The quantised coefficients and tables (N = 1) of a JPEG stream: the same arrays as jpeglib's.

    Raises NotApplicable, with a short reason for n/a, where jpegio is not installed or fails, and
    for a chroma sampling that `Jpeg` cannot hold.
    """
    if find_spec("jpegio") is None:
        raise NotApplicable("jpegio is not installed: pip install 'image-forensics[jpegio]'")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "stream.jpg", Path(folder) / "arrays.npz"
        source.write_bytes(data)
        child = Path(__file__).with_name("jpegio_child.py")
        command = [sys.executable, "-I", str(child), str(source), str(target)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise NotApplicable(f"jpegio did not finish in {_SECONDS} s") from error
        if done.returncode != 0 or not target.is_file():
            said = done.stderr.strip().splitlines() or ["no reason given"]
            raise NotApplicable(f"jpegio cannot read it ({said[-1]})")
        with np.load(target) as arrays:
            return _jpeg(dict(arrays))


def _jpeg(arrays: dict[str, NDArray[np.int32]]) -> Jpeg:
    factors = [(int(v), int(h)) for v, h in arrays["factors"]]
    sampling = sampling_of(factors)
    if sampling is None:
        raise NotApplicable(f"a JPEG with unusual chroma sampling or {len(factors)} parts")
    planes = []
    for i in range(len(factors)):
        plane = arrays[f"coefficients{i}"].astype(np.int16)
        rows, columns = plane.shape[0] // 8, plane.shape[1] // 8
        blocks = plane.reshape(rows, 8, columns, 8).transpose(0, 2, 1, 3)
        planes.append(torch.from_numpy(np.ascontiguousarray(blocks))[None])
    height, width = (int(side) for side in arrays["size"])
    tables = torch.from_numpy(arrays["tables"].astype(np.int32))[None]
    return Jpeg(tuple(planes), tables, sampling, (height, width))
