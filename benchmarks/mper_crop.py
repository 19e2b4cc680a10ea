"""What the crop of the MPeR-Net paper gives away.

    python benchmarks/mper_crop.py --data DIR [--split test] [--kernel bicubic] [--photographs GLOB]

The paper resizes a tile of 512 x 512, compresses it and then cuts out the middle 256 x 256. Where
that begins on the JPEG's 8 x 8 grid depends on the factor alone, and the grid can be seen in the
pixels. Prints how often it is found, and how often `mperfast-bicubic` is right on the same pixels
without it, and with the factors left out that would not begin there; without it also for
the enlarged, the reduced and the unaltered ones apart. 95 % intervals over photographs.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

import forensics
from forensics import data
from forensics.batch import Batch
from forensics.histories.history import History
from forensics_mpernet.answers import Answering
from forensics_mpernet.leak import SIDE, TILE, seen, start
from forensics_mpernet.tasks import values_of

FACTORS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5)
FIRST, LAST = 95, 90


def tiles(folder: str, split: str, chosen: Sequence[str]) -> Iterator[tuple[str, Tensor]]:
    """Photographs of 512 x 512 and more, the middle of each, uint8 `[1, 1, 512, 512]`."""
    for photograph in data.folder(folder, split, chosen):
        pixels = torch.from_numpy(photograph.load(False))
        height, width = pixels.shape[1:]
        if min(height, width) >= TILE:
            y, x = (height - TILE) // 2, (width - TILE) // 2
            yield photograph.sha256, pixels[None, :, y : y + TILE, x : x + TILE].contiguous()


def case(tile: Tensor, factor: float, kernel: str) -> tuple[int, Batch]:
    """What the grid says of the paper's patch, and the same patch moved back onto the grid."""
    resized = "" if factor == 1 else f"resize({factor},kernel={kernel}) "
    history = History.parse(f"jpeg({FIRST}) {resized}jpeg({LAST})").fill(None)
    whole = history.apply(Batch.of(tile), {})
    corner = start(factor)
    patch = whole.pixels[0, 0, corner : corner + SIDE, corner : corner + SIDE]
    aligned = corner // 8 * 8
    assert whole.jpeg is not None
    jpeg = whole.jpeg.cut(aligned, aligned, SIDE, SIDE)
    pixels = whole.pixels[:, :, aligned : aligned + SIDE, aligned : aligned + SIDE]
    found = seen(patch.float(), jpeg.tables[0, 0].float())
    return found, Batch.of(pixels.contiguous(), jpeg)


def interval(hits: dict[str, list[bool]]) -> str:
    """The mean over photographs with its interval by the bootstrap, in per cent."""
    means = np.array([np.mean(one) for one in hits.values()])
    drawn = np.random.default_rng(0).choice(means, (2000, len(means))).mean(1)
    low, high = np.percentile(drawn, (2.5, 97.5))
    return f"{100 * means.mean():5.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--split", default="test")
    parser.add_argument("--kernel", default="bicubic", choices=["bilinear", "bicubic"])
    parser.add_argument("--photographs", nargs="*", default=())
    given = parser.parse_args()
    model = forensics.load(f"mperfast-{given.kernel}")
    assert isinstance(model, Answering)
    classes = [round(value, 6) for value in values_of(given.kernel)]
    places = torch.tensor([start(value) % 8 for value in classes])
    hits: dict[str, dict[str, list[bool]]] = {}

    def count(what: str, name: str, right: bool) -> None:
        hits.setdefault(what, {}).setdefault(name, []).append(right)

    for name, tile in tiles(given.data, given.split, given.photographs):
        for factor in FACTORS:
            place, batch = case(tile, factor, given.kernel)
            scores = model.logits(batch)[1][0]
            possible = places == place
            kept = scores.masked_fill(~possible, -torch.inf) if possible.any() else scores
            right = classes[int(scores.argmax())] == factor
            count("grid found", name, place == start(factor) % 8)
            count("without it", name, right)
            part = "unaltered" if factor == 1 else "enlarged" if factor > 1 else "reduced"
            count(f"without it, {part}", name, right)
            count("with it", name, classes[int(kept.argmax())] == factor)
    print(f"{len(hits['with it'])} photographs, {len(FACTORS)} factors, quality {LAST}")
    for what in sorted(hits):
        print(f"{what}: {interval(hits[what])} %")


if __name__ == "__main__":
    main()
