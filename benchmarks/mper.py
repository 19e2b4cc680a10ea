"""Patches a second of the models of the plugin mpernet, all in one run, on patches after a JPEG.

    python benchmarks/mper.py [--side 128] [--count 64] [--device cpu] [--threads 1]

Networks without weights are timed with random ones. Beside them the time of each group of features.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from skimage import data as pictures

import forensics
from forensics.batch import Batch
from forensics.errors import NotApplicable
from forensics.jpeg import compress, decode
from forensics.models.registry import registry
from forensics_mpernet.answers import LEAST
from forensics_mpernet.features import GROUPS, features
from forensics_mpernet.trained import NETWORKS, Trained

_REPEATS = 5


def batch_of(side: int, count: int, device: str) -> Batch:
    """Cut-outs of a photograph, saved at quality 90."""
    whole = torch.from_numpy(pictures.astronaut()[:, :, 1].copy())
    corners = torch.arange(count) * 37 % (512 - side + 1)
    cut = [whole[None, y : y + side, y : y + side] for y in corners.tolist()]
    jpeg = compress(torch.stack(cut).to(device), 90)
    return Batch.of(decode(jpeg), jpeg)


def seconds(work: Callable[[], object], device: str) -> float:
    """The least of some repeats, after one that is not counted."""
    took = []
    for _ in range(_REPEATS + 1):
        began = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        took.append(time.perf_counter() - began)
    return min(took[1:])


def again(batch: Batch) -> Batch:
    """The same patches, of which no model has asked anything yet."""
    return Batch.of(batch.pixels, batch.jpeg)


def fresh(model: Trained, batch: Batch) -> Callable[[], object]:
    """What a network takes that nobody has trained: a patch at a time, as with weights."""
    network = NETWORKS[model.by](11).eval().to(batch.device)
    luma = batch.luma()[:, None]
    return lambda: [network(one[None]) for one in luma]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=LEAST)
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    batch = batch_of(given.side, given.count, given.device)
    names = [r.entry.name for r in registry().all("estimator").values() if r.plugin == "mpernet"]
    print(f"{given.count} patches of {given.side} x {given.side}, {given.device}")
    with torch.inference_mode():
        for name in sorted(names):
            model = forensics.load(name)
            if given.side < model.needs.smallest:
                print(f"{name:24} n/a: smaller than {model.needs.smallest}")
                continue
            try:
                took = seconds(lambda model=model: model.estimate(again(batch)), given.device)
                note = ""
            except NotApplicable:
                took = seconds(fresh(model, batch), given.device)
                note = ", without weights"
            rate, each = given.count / took, 1000 * took / given.count
            print(f"{name:24} {rate:8.0f} patches a second, {each:6.2f} ms each{note}")
        luma = batch.luma()[:, :LEAST, :LEAST]
        assert batch.jpeg is not None
        steps = batch.jpeg.tables[:, 0].flatten(1)
        for group in GROUPS:
            took = seconds(lambda group=group: features(luma, steps, [group]), given.device)
            print(f"  {group:22} {1000 * took / given.count:6.2f} ms a window of {LEAST}")


if __name__ == "__main__":
    main()
