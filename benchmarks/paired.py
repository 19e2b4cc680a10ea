"""Which of two detectors errs less on the same patches: the difference of their cross-fitted
errors, with its interval over photographs.

    python benchmarks/paired.py FOLDER TRACE POINT DETECTOR OTHER [--color]
    python benchmarks/paired.py photographs gaussian-camera s=0.5 srmcnn-gaussian:strength=0.5 \\
        srmsvm-gaussian:strength=0.5
"""

from __future__ import annotations

import sys

import forensics
from forensics.metrics.crossfit import pe_cv, pe_cv_difference
from forensics.metrics.curves import Scored
from forensics.metrics.intervals import Value


def main(folder: str, trace: str, point: str, *models: str) -> None:
    name, _, value = point.partition("=")
    run = forensics.run(
        data=folder,
        trace=trace,
        set={name: float(value) if "." in value else int(value)},
        detectors=list(models),
        patch=128,
        limit=592,
        color="--color" in sys.argv,
    )
    frame = run.scores()
    sides = []
    for model in models:
        mine = frame[frame.model == model].sort_values(["photograph", "y", "x"])
        sides.append(
            tuple(
                Scored(part.value.to_numpy(), part.photograph.to_numpy())
                for part in (mine[mine.side == "pristine"], mine[mine.side == "altered"])
            )
        )
    for model, pair in zip(models, sides, strict=True):
        print(f"{model:40} {_said(pe_cv(*pair, seed=0))}  n {len(pair[0].scores)}")
    print(f"{'difference':40} {_said(pe_cv_difference(sides[0], sides[1], seed=0))}")


def _said(value: Value) -> str:
    return f"{value.value:+.3f} [{value.low:+.3f} {value.high:+.3f}]"


if __name__ == "__main__":
    main(*(word for word in sys.argv[1:] if word != "--color"))
