"""The bench against the loop that a competent user would write, for the same scores.

    python benchmarks/loop.py [--attack afcnn] [--limit 48]

The loop keeps JPEG files in memory with Pillow, reads their coefficients with jpeglib, attacks each
tile once, and calls each detector image by image. Both work on the same positions of the same
photographs, with the same number of threads, from an empty store; the scores are compared.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from pathlib import Path

import jpeglib
import numpy as np
import torch
from PIL import Image

import forensics
from forensics import random
from forensics.batch import Batch
from forensics.bench import Settings, execute, make
from forensics.bench.plan import Plan
from forensics.bench.store import Store
from forensics.jpeg.coefficients import Jpeg

Scores = dict[tuple[str, str, int, str, tuple[int, int]], float]


def loop(plan: Plan, attack: str, detectors: list[str]) -> Scores:
    """(photograph, detector, quality, attack, position) -> score, one image at a time."""
    attacker = forensics.load(attack)
    models = {name: forensics.load(name) for name in detectors}
    margin, patch = plan.cells[0].trace.margin(False, 128), plan.settings.patch
    qualities = [point["q"] for point in plan.cells[0].trace.points()]
    scores: Scores = {}
    for photograph in plan.photographs:
        pixels = photograph.load(color=False)[0]
        for y, x in plan.positions["jpeg"][photograph.sha256]:
            side = patch + 2 * margin
            tile = pixels[y - margin : y - margin + side, x - margin : x - margin + side]
            key = random.key(plan.settings.seed, photograph.sha256, y, x)
            shown = {(0, ""): tile}
            for quality in qualities:
                batch = compressed(tile, quality, key)
                shown[quality, ""] = batch.pixels[0, 0].numpy()
                shown[quality, attack] = attacker.attack(batch)[0, 0].numpy()
            for (quality, attacked), image in shown.items():
                cut = np.ascontiguousarray(image[margin : margin + patch, margin : margin + patch])
                one = Batch.of(torch.from_numpy(cut)[None, None], first_key=key)
                for name, model in models.items():
                    value = float(model.score(one).values[0])
                    scores[photograph.sha256, name, quality, attacked, (y, x)] = value
    return scores


def compressed(tile: np.ndarray, quality: int, key: int) -> Batch:
    """A tile as a JPEG file in memory: Pillow's pixels, jpeglib's coefficients."""
    buffer = io.BytesIO()
    Image.fromarray(tile).save(buffer, "JPEG", quality=quality)
    pixels = np.asarray(Image.open(io.BytesIO(buffer.getvalue())))
    with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
        file.write(buffer.getvalue())
        file.flush()
        read = jpeglib.read_dct(file.name)
        jpeg = Jpeg(
            (torch.from_numpy(read.Y.astype(np.int16))[None],),
            torch.from_numpy(read.qt[:1].astype(np.int32))[None],
            "gray",
            tile.shape,
        )
    return Batch.of(torch.from_numpy(np.array(pixels))[None, None], jpeg, first_key=key)


def harness(plan: Plan, folder: Path) -> Scores:
    """The same scores, from the rows that a run stores."""
    execute(plan, folder)
    scores: Scores = {}
    store = Store(folder)
    for photograph in plan.photographs:
        rows = store.read(photograph.sha256)
        for cell in plan.cells:
            sides = {"pristine": (0, None), "altered": (dict(cell.point)["q"], cell.attacker)}
            for side, (quality, attacked) in sides.items():
                (condition,) = cell.sides[side]
                have = rows[condition.digest, plan.hashes[str(cell.model)], "score"]
                for position, (value, *_) in have.items():
                    name = str(attacked) if attacked else ""
                    scores[photograph.sha256, str(cell.model), quality, name, position] = value
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--attack", default="afcnn")
    parser.add_argument("--detectors", default="kl,kf,ku1,ku2,kqf,kv")
    parser.add_argument("--limit", type=int, default=48)
    given = parser.parse_args()
    detectors = given.detectors.split(",")
    options = {"attack": given.attack, "detectors": detectors, "trace": "jpeg", "device": "cpu"}
    plan = make(Settings.of(options | {"limit": given.limit}))
    with torch.inference_mode():
        warm = make(Settings.of(options | {"limit": 2}))
        loop(warm, given.attack, detectors)
        start = time.perf_counter()
        naive = loop(plan, given.attack, detectors)
        middle = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        ours = harness(plan, Path(folder))
        end = time.perf_counter()
    assert naive.keys() == ours.keys()
    worst = max(abs(a - ours[k]) / max(1.0, abs(a)) for k, a in naive.items() if not np.isnan(a))
    print(f"{len(ours)} scores, {torch.get_num_threads()} threads, largest difference {worst:.1e}")
    print(
        f"loop {middle - start:.1f} s, harness {end - middle:.1f} s (metrics included): "
        f"{(middle - start) / (end - middle):.1f} times as fast"
    )


if __name__ == "__main__":
    main()
