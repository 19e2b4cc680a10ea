"""The picture of the README: ten composites, and what each stage of the chain makes of them.

    python plugins/resampling/stages.py --data photographs/ [--model radonfft] [--side 448]

Five regions of another photograph are enlarged by 1.2 and five turned by 15 degrees, all in a JPEG
of 95. Columns: the composite, its mask, one of its maps raw and filtered (that which Otsu's
threshold explains best), the chosen maps' thresholds, the walkers and the gray mask, and the
deviation, each
with its intersection over union with the mask (heat at its own Otsu threshold).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray

from forensics import data, load
from forensics.batch import Batch
from forensics.histories.history import History
from forensics.metrics.mask_histogram import enlarged
from forensics.models.interfaces import Heatmap
from forensics_resampling import segmentation
from forensics_resampling.maps import STRIDE, maps
from forensics_resampling.mask import _BUILDS, _TOLERANCE, _TOLERANCES
from forensics_resampling.recipes import SIDE
from forensics_resampling.traces import TASKS

_STEPS = ["resize(1.2)"] * 5 + ["rotate(15)"] * 5
Plane = NDArray[np.floating]


def composites(folder: str, side: int) -> Batch:
    """Ten photographs of the split test, each with a region of the next one."""
    every = data.folder(folder, "test")
    large = [p for p in every if min(p.load(False).shape[1:]) >= side]
    chosen = large[:: max(1, len(large) // 11)][:11]
    pixels = torch.stack([torch.from_numpy(p.load(False))[:, :side, :side] for p in chosen])
    made = []
    for k, step in enumerate(_STEPS):
        one = replace(Batch.of(pixels[k : k + 1], first_key=k), donors=pixels[k + 1][None, None])
        history = History.parse(f"jpeg(96) splice(jpeg(96) {step}) jpeg(95)")
        made.append(replace(history.apply(one), donors=None))
    return Batch.cat(made)


def shown(cells: Plane, side: int) -> Plane:
    """The cells with a value for each pixel."""
    heat = torch.from_numpy(np.asarray(cells, float))[None]
    found = Heatmap(heat, STRIDE, SIDE // 2, torch.zeros(1))
    return enlarged(found, side, side)[0].numpy()


def overlap(cells: Plane, mask: NDArray[np.bool_]) -> float:
    """Intersection over union of the mask and what is hotter than Otsu's threshold."""
    from skimage.filters import threshold_otsu

    heat = shown(cells, len(mask))
    hot = heat > threshold_otsu(heat) if heat.min() < heat.max() else np.zeros_like(mask)
    return float((hot & mask).sum() / (hot | mask).sum())


def stages(found: Plane) -> dict[str, Plane]:
    """What each stage gives for the maps of one image."""
    runs = {t: segmentation.chain(found, t) for t in _TOLERANCES}
    one = runs[0.3]
    best = int(np.argmax([split.explained if split else 0 for split in one.splits]))
    name = TASKS[best]
    return {
        f"raw ({name})": found[best],
        "filtered": one.filtered[best],
        "Otsu, OR": one.otsu.astype(float),
        "walker, OR": one.mask.astype(float),
        "gray mask": np.mean([run.mask for run in runs.values()], 0),
        "deviation": segmentation.filtered(segmentation.deviation(found[1:]), _TOLERANCE),
    }


@click.command()
@click.option("--data", "folder", required=True)
@click.option("--model", default="radonfft", type=click.Choice(list(_BUILDS)))
@click.option("--side", default=448)
def main(folder: str, model: str, side: int) -> None:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    made = composites(folder, side)
    assert made.mask is not None
    network = load(f"{model}-up").network("six", _BUILDS[model], torch.device("cpu"))
    figure, axes = pyplot.subplots(len(made), 8, figsize=(16, 2.15 * len(made)))
    table: dict[str, list[float]] = {}
    for k, row in enumerate(axes):
        gray, mask = made.pixels[k, 0], made.mask[k].numpy()
        with torch.no_grad():
            found = maps(network, gray.float()).double().numpy()
        columns = {"composite": gray.numpy(), "mask": mask.astype(float)}
        for name, cells in stages(found).items():
            value = overlap(cells, mask)
            table.setdefault(name.partition(" (")[0], []).append(value)
            columns[f"{name} {value:.2f}"] = shown(cells, side)
        for axis, (title, plane) in zip(row, columns.items(), strict=True):
            axis.imshow(plane, cmap="gray" if title == "composite" else "viridis")
            axis.set_title(title, fontsize=8)
            axis.axis("off")
    figure.tight_layout()
    figure.savefig(Path(__file__).with_name("stages.png"), dpi=45)
    for name, values in table.items():
        print(f"{name}: mean IoU {np.mean(values):.3f} of {len(values)}")


if __name__ == "__main__":
    main()
