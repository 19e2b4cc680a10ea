"""How sure many windows of one picture make an estimator, and whether it is right so often.

    python benchmarks/q1windows.py --data DIR [--split val] [--model q1analytic]

Pictures are compressed twice as a whole, first qualities 55 to 98, second ones 70 to 95, half of
them at a drawn shift. Scores of squares of 1, 4, 9, .. windows of 64 x 64 are added up and counted
n^-g times, for several g, and at most as so many windows as the caps say. Printed, for each n, is
the mean negative log-probability (nats) of the true shift and table (of `q1cnn-90` and `q1cnn-80`,
which know no shift and are shown their own second quality, of a step), and of all 15 steps together
the expected calibration error (10 bins) and the share of right ones among those stated at .9 and
more.
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import numpy as np
import torch
from PIL import Image

from forensics import data, jpeg
from forensics.jpeg import ZIGZAG, standard_tables
from forensics.jpeg.coefficients import Jpeg
from forensics.models import networks
from forensics.models.selection import model
from forensics_q1cnn.analytic import likelihood
from forensics_q1cnn.analytic.model import INDEPENDENT
from forensics_q1cnn.dense import decoding
from forensics_q1cnn.dense.entries import PART
from forensics_q1cnn.dense.network import DenseNet40
from forensics_q1cnn.phase.features import Luma
from forensics_q1cnn.phase.network import QUALITIES, libjpeg_tables
from forensics_q1cnn.phase.posterior import (
    ALIGNED,
    Posterior,
    every_phase,
    phases_beforehand,
)
from forensics_q1cnn.phase.trained import phase_network
from forensics_q1cnn.tables import CAPS, STEPS

SIDE = 64
FIRST = (*range(55, 98, 6), 98)
SECOND = (70, 80, 90, 95)
EXPONENTS = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0)
AT_MOST = (1, 2, 4, 8)  # windows
Judged = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def twice(image: Image.Image, first: int, second: int, shift: tuple[int, int]) -> Jpeg:
    pixels = torch.from_numpy(np.array(image))
    pixels = pixels.permute(2, 0, 1)[None] if pixels.ndim == 3 else pixels[None, None]
    again = jpeg.decode(jpeg.compress(pixels.contiguous(), first))[..., shift[0] :, shift[1] :]
    height, width = (side // SIDE * SIDE for side in again.shape[2:])
    return jpeg.compress(again[..., :height, :width].contiguous(), second)


def squares(rows: int, columns: int) -> dict[int, list[list[int]]]:
    """Windows of disjoint squares, by how many those are."""
    found = defaultdict(list)
    for side in range(1, min(rows, columns) + 1):
        for top in range(0, rows - side + 1, side):
            for left in range(0, columns - side + 1, side):
                inside = [columns * (top + y) + left + x for y in range(side) for x in range(side)]
                found[side**2].append(inside)
    return found


def calibration(stated: np.ndarray, right: np.ndarray) -> float:
    bins = np.minimum((10 * stated).astype(int), 9)
    gaps = [abs((stated - right)[bins == b].sum()) for b in range(10)]
    return sum(gaps) / len(stated)


class Phases:
    """`q1phase` and `q1analytic`: of windows the scores of phases and tables."""

    second = SECOND

    def __init__(self, name: str) -> None:
        self.network = phase_network(torch.device("cpu")) if name == "q1phase" else None
        self.tables = libjpeg_tables()

    def scores(self, windows: Luma) -> torch.Tensor:
        if self.network is None:
            return likelihood.scores(windows)
        return every_phase(self.network, windows, self.network.index(self.tables)).tables

    def judged(self, summed: torch.Tensor, weight: float, phase: int, first: int) -> Judged:
        if self.network is None:
            weight *= INDEPENDENT
        logs = weight * summed + phases_beforehand(ALIGNED, summed.device)
        found = Posterior.of_logs(logs, self.tables)
        truth = found.double[:, phase, QUALITIES.index(first)]
        each = torch.stack([found.steps(i).max(1).values for i in range(STEPS)], 1)
        return truth.clamp_min(1e-30).log().neg(), each, found.estimates("argmax") == true(first)


class Blocks:
    """The paper's networks: of windows the log-probabilities of all steps."""

    def __init__(self, name: str) -> None:
        self.network = networks.network(
            model(name, "estimator").entry, PART, DenseNet40.of, torch.device("cpu")
        )
        self.second = (int(name[-2:]),) * len(SECOND)

    def scores(self, windows: Luma) -> torch.Tensor:
        pixels = (windows.planes + 128).round().clamp(0, 255)[:, None] / 255
        channels = self.network.first.in_channels
        parts = pixels.expand(-1, channels, -1, -1).split(32)
        outputs = torch.cat([self.network(part) for part in parts])
        return torch.cat(decoding.blocks(outputs), 1)

    def judged(self, summed: torch.Tensor, weight: float, phase: int, first: int) -> Judged:
        blocks = [(weight * block).log_softmax(1) for block in summed.split(CAPS, 1)]
        steps = true(first)
        truth = [b[:, min(int(s), b.shape[1]) - 1] for b, s in zip(blocks, steps, strict=True)]
        each = torch.stack([block.exp().amax(1) for block in blocks], 1)
        return -torch.stack(truth, 1).mean(1), each, decoding.most_probable(blocks) == steps


def true(first: int) -> torch.Tensor:
    return standard_tables(first, 1).flatten()[ZIGZAG[:STEPS]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--model", default="q1phase")
    parser.add_argument("--exponents", type=float, nargs="*", default=EXPONENTS)
    parser.add_argument("--caps", type=int, nargs="*", default=AT_MOST)
    parser.add_argument("--every", type=int, default=1, help="of so many photographs one")
    given = parser.parse_args()
    torch.set_num_threads(1)
    weights = {f"n^-{g:g}": lambda n, g=g: n**-g for g in given.exponents}
    weights |= {f"cap {c}": lambda n, c=c: min(1.0, c / n) for c in given.caps}
    asked = Blocks(given.model) if given.model.startswith("q1cnn") else Phases(given.model)
    photographs = list(data.folder(given.data, given.split))[:: given.every]
    with torch.inference_mode():
        measured = measure(asked, weights, photographs)
    kinds = f"second qualities {asked.second}"
    print(f"{given.model}: {len(photographs)} photographs of {given.split}, {kinds}")
    report(measured)


def measure(asked, weights, photographs):
    measured = {name: defaultdict(list) for name in weights}
    draw = np.random.default_rng(0)
    for photograph in photographs:
        image = Image.fromarray(photograph.picture().pixels.squeeze())
        for second in asked.second:
            first, aligned = int(draw.choice(FIRST)), bool(draw.integers(2))
            shift = (0, 0) if aligned else (int(draw.integers(8)), int(draw.integers(8)))
            seen = Luma.of(twice(image, first, second, shift))
            rows, columns = (side // SIDE for side in seen.planes.shape[1:])
            cut = [(SIDE * y, SIDE * x) for y in range(rows) for x in range(columns)]
            scores = asked.scores(Luma.cat([seen.cut(*corner, SIDE, SIDE) for corner in cut]))
            phase = 8 * (-shift[0] % 8) + -shift[1] % 8
            for n, boxes in squares(rows, columns).items():
                summed = torch.stack([scores[box].sum(0) for box in boxes])
                for name, weight in weights.items():
                    judged = asked.judged(summed, weight(n), phase, first)
                    measured[name][n].append([part.numpy() for part in judged])
    return measured


def report(measured) -> None:
    counts = sorted({n for those in measured.values() for n in those})
    print("windows".ljust(10), *(f"{n:>20}" for n in counts), "mean nats from 4 on")
    for name, those in measured.items():
        row = []
        for n in counts:
            stated = np.concatenate([each.ravel() for _, each, _ in those[n]])
            right = np.concatenate([each.ravel() for _, _, each in those[n]]).astype(float)
            sure = right[stated >= 0.9].mean() if (stated >= 0.9).any() else np.nan
            nats = np.mean([nats.mean() for nats, _, _ in those[n]])
            row.append(f"{nats:7.3f} {calibration(stated, right):.3f} {sure:.3f}")
        every = [np.mean([nats.mean() for nats, _, _ in those[n]]) for n in counts if n > 1]
        print(name.ljust(10), *(f"{text:>20}" for text in row), f"{np.mean(every):.3f}")


if __name__ == "__main__":
    main()
