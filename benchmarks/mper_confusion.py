"""Confusion matrices of the MPeR-Net paper's figures 3, 4 and 6, as CSV and PNG.

    python benchmarks/mper_confusion.py --data DIR --out DIR [--model mperfast] [--photographs GLOB]

Figure 3 is of factors (bicubic and bilinear) and medians, figure 4 of noise, figure 6 of Gaussian
kernels, all after a last JPEG of quality 90. The rows are the truth, in per cent. Figure 5 is a
learning curve, which `forensics train --plot` draws. Needs matplotlib.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import numpy as np
import pandas
from matplotlib.figure import Figure

import forensics
from forensics_mpernet.tasks import DEVIATIONS, FACTORS, KERNELS, SIZES, target_of, values_of

# Each: the task, its trace, values of parameters in one or several runs.
FIGURES: dict[str, tuple[str, str, list[dict[str, Any]]]] = {
    "figure3a": ("bicubic", "resize-bicubic-jpeg", [{"f": FACTORS}]),
    "figure3b": ("bilinear", "resize-bilinear-jpeg", [{"f": FACTORS}]),
    "figure3c": ("median", "median-jpeg", [{"k": SIZES}]),
    "figure4": ("awgn", "awgn-jpeg", [{"s": DEVIATIONS}]),
    "figure6": ("gaussian", "gaussian-kernel-jpeg", [{"k": k, "s": s} for k, s in KERNELS]),
}


def counted(scores: pandas.DataFrame, task: str) -> np.ndarray:
    """How many patches of each value had each answer; unaltered ones once."""
    target, values = target_of(task), np.array(values_of(task))
    rows = scores[scores["name"] == f"estimate:{target.name}"].dropna(subset="value")
    said = rows["point"].str.extract(rf"\b{target.name}=([\d.]+)")[0].astype(float)
    true = np.where(rows["altered"] == 1, said, target.none)
    places = [np.abs(np.asarray(one)[:, None] - values).argmin(1) for one in (true, rows["value"])]
    counts = np.zeros((len(values), len(values)), int)
    np.add.at(counts, tuple(places), 1)
    return counts


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
    for name, (task, trace, runs) in FIGURES.items():
        found = [
            forensics.run(
                estimators=f"{given.model}-{task}",
                trace=trace,
                set={**values, "q2": 90},
                data=given.data,
                photographs=given.photographs,
                patch=given.patch,
                limit=given.limit,
            ).scores()
            for values in runs
        ]
        scores = pandas.concat(found)
        same = ["side", "altered", "point", "name", "photograph", "y", "x"]
        scores.loc[scores["altered"] == 0, "point"] = ""  # of all points they are the same
        counts = counted(scores.drop_duplicates(same), task)
        values = list(values_of(task))
        write(given.out / f"{name}.csv", values, counts)
        title = f"{given.model}-{task}, {given.patch} x {given.patch}, quality 90, %"
        draw(given.out / f"{name}.png", title, values, counts)
        right = np.trace(counts / counts.sum(1, keepdims=True).clip(1)) / len(values)
        print(f"{name}: {task}, {counts.sum()} patches, mean over the values {100 * right:.1f} %")


if __name__ == "__main__":
    main()
