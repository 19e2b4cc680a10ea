"""Photographs as a simulated camera takes them, beside the ones that there are: training data in
which camera-native statistics are as frequent as reduced ones.

    python plugins/resampling/photographed.py --data photographs/ --out both/ --native native

Writes the splits train and val: all photographs, a simulated picture of each that is not native
already, and two turned copies of the native ones.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import click
import torch
from PIL import Image
from torch import Tensor

from forensics import data, random
from forensics.data.source import Photograph
from forensics.errors import NotApplicable
from forensics.training.camera import photographed


def pictures(photograph: Photograph, native: bool) -> Iterator[Tensor]:
    """uint8 `[C, H, W]`: itself and its copies."""
    try:
        colours = torch.from_numpy(photograph.load(True))
    except NotApplicable:
        colours = torch.from_numpy(photograph.load(False))
    yield colours
    if native:
        yield from (colours.rot90(turns, (1, 2)) for turns in (1, 2))
    else:
        scene = colours.expand(3, -1, -1)[None]
        yield photographed(scene, torch.tensor([random.key("photographed", photograph.sha256)]))[0]


@click.command()
@click.option("--data", "folder", required=True)
@click.option("--out", required=True, type=click.Path(path_type=Path))
@click.option("--native", default="native", help="what the names of native photographs contain")
def main(folder: str, out: Path, native: str) -> None:
    rows = [("path", "split", "channels")]
    for split in ("train", "val"):
        (out / split).mkdir(parents=True, exist_ok=True)
        for number, photograph in enumerate(data.folder(folder, split)):
            for copy, pixels in enumerate(pictures(photograph, native in photograph.name)):
                name = f"{split}/{number:04}-{copy}.png"
                shown = pixels[0] if len(pixels) == 1 else pixels.permute(1, 2, 0)
                Image.fromarray(shown.contiguous().numpy()).save(out / name, compress_level=1)
                rows.append((name, split, str(len(pixels))))
    with (out / "files.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    click.echo(f"{len(rows) - 1} pictures are in {out}")


if __name__ == "__main__":
    main()
