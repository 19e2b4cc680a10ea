"""False alarms of `radonfft-up` and `-down` on photographs at a camera's own resolution, and on
reduced ones.

    python plugins/resampling/native.py --data photographs/ [--model radonfft]

Patches of 64 x 64 in a JPEG of 70, 80, 90 or 98 that nobody resampled. The threshold is what 5 % of
such patches of the split calib exceed, native and reduced photographs weighing the same; shares are
of the split test, with intervals over photographs.
"""

from __future__ import annotations

import click
import numpy as np
import torch

from forensics import data, load
from forensics.batch import Batch
from forensics.histories.history import History

_QUALITIES, _COUNT = (70, 80, 90, 98), 16
_Rows = list[tuple[bool, np.ndarray]]


def scores(folder: str, split: str, model: str, native: str) -> _Rows:
    """For each photograph whether it is native, and the scores of its patches."""
    detector, rows = load(model), []
    for photograph in data.folder(folder, split):
        pixels = torch.from_numpy(photograph.load(False))
        height, width = (length // 64 for length in pixels.shape[1:])
        places = np.linspace(0, height * width - 1, min(_COUNT, height * width)).astype(int)
        corners = [(64 * (place // width), 64 * (place % width)) for place in places]
        cut = torch.stack([pixels[:, y : y + 64, x : x + 64] for y, x in corners])
        found = []
        for quality in _QUALITIES:
            batch = History.parse(f"jpeg({quality})").apply(Batch.of(cut))
            found.append(detector.score(batch).values)
        values = torch.cat(found).numpy()
        rows.append((native in photograph.name, values[~np.isnan(values)]))
    return rows


def threshold(rows: _Rows) -> float:
    """What 5 % exceed, in the mean of native and of other photographs."""
    kinds = [np.concatenate([v for is_native, v in rows if is_native == kind]) for kind in (0, 1)]
    values = np.sort(np.concatenate(kinds))
    above = np.mean([(kind[:, None] > values).mean(0) for kind in kinds], 0)
    return float(values[np.argmax(above <= 0.05)])


@click.command()
@click.option("--data", "folder", required=True)
@click.option("--model", default="radonfft")
@click.option("--native", default="native", help="what the names of native photographs contain")
def main(folder: str, model: str, native: str) -> None:
    rng = np.random.default_rng(0)
    for task in ("up", "down"):
        name = f"{model}-{task}"
        limit = threshold(scores(folder, "calib", name, native))
        tested = scores(folder, "test", name, native)
        for kind, of in ((True, "native"), (False, "reduced")):
            shares = [(v > limit).mean() for is_native, v in tested if is_native == kind and len(v)]
            n = sum(len(v) for is_native, v in tested if is_native == kind)
            drawn = [np.mean(rng.choice(shares, len(shares))) for _ in range(1000)]
            low, high = np.quantile(drawn, (0.025, 0.975))
            click.echo(
                f"{name}, {of}: {np.mean(shares):.3f} [{low:.3f}, {high:.3f}] "
                f"of {n} patches of {len(shares)} photographs"
            )


if __name__ == "__main__":
    main()
