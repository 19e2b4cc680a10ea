"""Reliability diagrams of a matrix, as a picture. Needs matplotlib: the extra `plot`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from forensics.bench import Matrix
from forensics.cli.tables.kinds import marked_name, point
from forensics.errors import ForensicsError

_MOST = 12  # curves that can be told apart

# Of a bin with answers: their mean probability, the share that is right, and its interval.
Bin = tuple[float, float, float | None, float | None]


def curves(result: Matrix) -> dict[str, list[Bin]]:
    """The bins with answers of every cell with stated probabilities, by a label of the cell."""
    bins_of: dict[str, list[Bin]] = {}
    for cell in result.cells:
        figures = cell.reliability
        if figures is None:
            continue
        words = (marked_name(cell.model, result), cell.trace, point(cell.point))
        label = " ".join(filter(None, (*words, cell.attack)))
        ends = [name.partition(":")[2] for name in figures if name.startswith("right:")]
        bins = [(figures[f"stated:{each}"], figures[f"right:{each}"]) for each in ends]
        bins_of[label] = [
            (stated.value, right.value, right.low, right.high)
            for stated, right in bins
            if stated.value is not None and right.value is not None
        ]
    return bins_of


def draw(result: Matrix, path: Path) -> None:
    """Write a PNG: the share of right answers over the stated probability, with 95 % intervals.

    Raises ForensicsError where there is nothing to draw, too much, or no matplotlib.
    """
    if find_spec("matplotlib") is None:
        raise ForensicsError(
            "--plot needs matplotlib: run `pip install 'image-forensics[plot]'`, or leave it out"
        )
    bins_of = curves(result)
    if not bins_of:
        raise ForensicsError("no estimator of this run states probabilities: nothing to draw")
    if len(bins_of) > _MOST:
        raise ForensicsError(
            f"{len(bins_of)} cells are more than {_MOST} curves: run fewer, or all points as one "
            "with --pool"
        )
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 7), layout="constrained")
    axes = figure.subplots()
    axes.plot((0, 1), (0, 1), color="gray", linestyle=":")
    for label, bins in bins_of.items():
        stated, right = [each[0] for each in bins], [each[1] for each in bins]
        below = [each[1] - each[2] if each[2] is not None else 0 for each in bins]
        above = [each[3] - each[1] if each[3] is not None else 0 for each in bins]
        axes.errorbar(stated, right, [below, above], marker=".", capsize=2, label=label)
    axes.set(xlabel="stated probability", ylabel="share that is right", aspect="equal")
    axes.grid(alpha=0.3)
    axes.legend()
    try:
        figure.savefig(path, format="png", dpi=120)
    except OSError as error:
        raise ForensicsError(f"cannot write {path}: {error.strerror}") from None
