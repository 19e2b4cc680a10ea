"""Confusion matrices of the MPeR-Net paper's figures 3, 4 and 6, as CSV and PNG.

    python benchmarks/mper_confusion.py --data DIR --out DIR [--model mperfast] [--photographs GLOB]

Figure 3 is of factors (bicubic and bilinear) and medians, figure 4 of noise, figure 6 of Gaussian
kernels, all after a last JPEG of quality 90. One patch of each value a photograph, unaltered ones
in the first row. The rows are the truth, in per cent; figure 5 is a learning curve, which
`forensics train --plot` draws. Needs matplotlib.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import forensics
from forensics.metrics.estimation import Confusion
from forensics_mpernet.tasks import DEVIATIONS, FACTORS, SIZES

# Each: the task, its trace, values of parameters.
FIGURES = {
    "figure3a": ("bicubic", "resize-bicubic-jpeg", {"f": FACTORS}),
    "figure3b": ("bilinear", "resize-bilinear-jpeg", {"f": FACTORS}),
    "figure3c": ("median", "median-jpeg", {"k": SIZES}),
    "figure4": ("awgn", "awgn-jpeg", {"s": DEVIATIONS}),
    "figure6": ("gaussian", "mper-gaussian", {}),
}


def table(triples: Confusion) -> tuple[list[float], np.ndarray]:
    """The values in order, and how many patches of each had each answer."""
    # Values that float32 rounded are those that it was rounded from.
    places = [(round(float(true), 3), round(float(said), 3), n) for true, said, n in triples]
    values = sorted({value for true, said, _ in places for value in (true, said)})
    counts = np.zeros((len(values), len(values)), int)
    for true, said, n in places:
        counts[values.index(true), values.index(said)] += n
    return values, counts


def write(path: Path, values: list[float], counts: np.ndarray) -> None:
    with path.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["true", *(f"{value:g}" for value in values)])
        rows.writerows([f"{value:g}", *row] for value, row in zip(values, counts, strict=True))


def draw(path: Path, title: str, values: list[float], counts: np.ndarray) -> None:
    shares = 100 * counts / np.maximum(counts.sum(1, keepdims=True), 1)
    figure = Figure(figsize=(1 + 0.42 * len(values), 1.2 + 0.42 * len(values)), dpi=110)
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Greens", vmin=0, vmax=130)
    for y, x in np.argwhere(shares >= 0.5):
        axes.text(x, y, f"{shares[y, x]:.0f}", ha="center", va="center", fontsize=7)
    names = [f"{value:g}" for value in values]
    axes.set_xticks(range(len(names)), names, fontsize=7, rotation=60)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set_xlabel("answer", fontsize=8)
    axes.set_ylabel("truth", fontsize=8)
    axes.set_title(title, fontsize=8)
    figure.tight_layout()
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--model", default="mperfast")
    parser.add_argument("--photographs", default=())
    parser.add_argument("--patch", type=int, default=128)
    parser.add_argument("--limit", type=int, default=48)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for name, (task, trace, values) in FIGURES.items():
        result = forensics.run(
            estimators=f"{given.model}-{task}",
            trace=trace,
            set={**values, "q2": 90},
            pool=True,
            data=given.data,
            photographs=given.photographs,
            patch=given.patch,
            limit=given.limit,
        )
        cell = next(one for one in result.cells if one.confusion)
        assert cell.confusion is not None
        found, counts = table(next(iter(cell.confusion.values())))
        write(given.out / f"{name}.csv", found, counts)
        title = f"{given.model}-{task}, {given.patch} x {given.patch}, quality 90, %"
        draw(given.out / f"{name}.png", title, found, counts)
        right = np.trace(counts / counts.sum(1, keepdims=True).clip(1)) / len(found)
        print(f"{name}: {task}, {counts.sum()} patches, mean over the values {100 * right:.1f} %")


if __name__ == "__main__":
    main()
