"""The learning curve of a log, as a picture. Needs matplotlib: the extra `plot`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pandas

from forensics.errors import ForensicsError

# Not a figure of what was learnt.
_ASIDE = ("seconds", "phase", "rate", "rows", "waiting")


def check() -> None:
    """Raises ForensicsError where matplotlib is missing, before a training and not after it."""
    if find_spec("matplotlib") is None:
        raise ForensicsError(
            "--plot needs matplotlib: run `pip install 'image-forensics[plot]'`, or leave it out"
        )


def read(log: Path) -> dict[str, pandas.Series[float]]:
    """The curves of a log by the names of its columns: values by step, where there are any."""
    rows = pandas.read_csv(log, index_col="step")
    return {str(name): rows[name].dropna() for name in rows if name not in _ASIDE}


def draw(log: Path, path: Path) -> None:
    """Write a PNG: what was measured on training crops above, on validation crops below."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    curves = read(log)
    figure = Figure(figsize=(8, 7), layout="constrained")
    for axes, below, title in zip(
        figure.subplots(2, sharex=True), (False, True), ("training", "validation"), strict=True
    ):
        for name, curve in curves.items():
            if name.startswith("val ") == below:
                label = name.removeprefix("val ")
                axes.plot(curve.index, curve, marker="." if below else "", label=label)
        axes.set_title(title, loc="left")
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend()
    axes.set_xlabel("step")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.savefig(path, format="png", dpi=120)
