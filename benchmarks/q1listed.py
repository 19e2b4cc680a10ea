"""How often `q1phase` answers where the first table is in no list, and how often it is right.

    python benchmarks/q1listed.py --data DIR [--split val] [--every 1]

Pictures are compressed twice as a whole, the first time by a quality of libjpeg from 60 to 97, or
with a table that is not libjpeg's: of a camera, of Photoshop, of a camera that no training saw, or
invented; half of the grids are shifted; second qualities 75, 90 and 95. Printed is, for several
probabilities of an unlisted table above which there is no answer, how many get one all the same,
and the share of right ones among their 15 steps.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from forensics import data, jpeg
from forensics.batch import Batch
from forensics.jpeg import ZIGZAG
from forensics_q1cnn import tables
from forensics_q1cnn.phase.doubt import classes
from forensics_q1cnn.phase.model import _parts
from forensics_q1cnn.phase.network import libjpeg_tables
from forensics_q1cnn.phase.once import ONCE, UNLISTED
from forensics_q1cnn.phase.posterior import ALIGNED, Posterior
from forensics_q1cnn.phase.windows import total

INVENTED = range(tables.FIRST_INVENTED + 5, tables.FIRST_INVENTED + 51 * 200, 16)  # none trained on
KINDS: dict[str, Sequence[int]] = {
    "listed": range(60, 98),
    "camera": tables.numbers_from(tables.FIRST_CAMERA),
    "unseen camera": tables.numbers_from(tables.FIRST_HELD_OUT),
    "photoshop": tables.numbers_from(tables.FIRST_NAMED),
    "invented": INVENTED,
}
SECOND = (75, 90, 95)
_ONCE = 0.15


@dataclass(frozen=True)
class Judged:
    kind: str
    aligned: bool
    once: float
    unlisted: float
    right: float


def twice(pixels: torch.Tensor, table: torch.Tensor, shift: Sequence[int], second: int) -> Batch:
    again = jpeg.decode(jpeg.compress(pixels, tables=table))[..., shift[0] :, shift[1] :]
    height, width = (side // 16 * 16 for side in again.shape[2:])
    made = jpeg.compress(again[..., :height, :width].contiguous(), second)
    return Batch.of(jpeg.decode(made), jpeg=made)


def judged(photographs, kinds: Sequence[str], second: Sequence[int]) -> Iterator[Judged]:
    draw, listed = np.random.default_rng(0), libjpeg_tables()
    for photograph in photographs:
        image = Image.fromarray(photograph.picture().pixels.squeeze()).convert("RGB")
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].contiguous()
        for kind in kinds:
            for quality in second:
                table = tables.tables(torch.tensor([int(draw.choice(KINDS[kind]))]), 3)
                aligned = bool(draw.integers(2))
                shift = (0, 0) if aligned else draw.integers(1, 8, 2).tolist()
                parts = _parts(twice(pixels, table, shift, quality), listed)
                said = classes(parts, listed)[0].exp()
                scores, windows = total([p.scores for p in parts]), sum(p.windows for p in parts)
                steps = Posterior.of(scores, listed, ALIGNED, windows).estimates("argmax")[0]
                right = steps == table[0, 0].flatten()[ZIGZAG[: tables.STEPS]]
                share = float(right.float().mean())
                yield Judged(kind, aligned, float(said[ONCE]), float(said[UNLISTED]), share)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--every", type=int, default=1, help="of so many photographs one")
    parser.add_argument("--kinds", nargs="*", default=tuple(KINDS))
    parser.add_argument("--second", type=int, nargs="*", default=SECOND)
    parser.add_argument("--above", type=float, nargs="*", default=(0.5, 0.3, 0.25, 0.2, 0.1))
    given = parser.parse_args()
    torch.set_num_threads(1)
    photographs = list(data.folder(given.data, given.split))[:: given.every]
    with torch.inference_mode():
        found = list(judged(photographs, given.kinds, given.second))
    print(f"{len(photographs)} photographs of {given.split}, second qualities {given.second}")
    for above in given.above:
        for kind in given.kinds:
            for aligned in (True, False):
                those = [j for j in found if (j.kind, j.aligned) == (kind, aligned)]
                kept = [j.right for j in those if j.once <= _ONCE and j.unlisted <= above]
                right = f", {np.mean(kept):.2f} of the steps right" if kept else ""
                grid = "aligned" if aligned else "shifted"
                print(f"{above:g} {kind}, {grid}: {len(kept)} of {len(those)} answered{right}")


if __name__ == "__main__":
    main()
