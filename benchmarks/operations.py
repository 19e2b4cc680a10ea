"""Images a second of the operations, batched, beside OpenCV in a loop.

    python benchmarks/operations.py [--threads 1] [--repeats 5] [--size 256]

Gray crops of a photograph that scikit-image ships; noise against numpy's generator and OpenCV's
saturated sum. Each figure is the median of the repeats, which take turns so that a busy machine
disturbs both alike; one round of warm-up. On a GPU, the batch is larger and OpenCV stays on the
CPU.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import click
import cv2
import numpy as np
import skimage.data
import torch
from rich.console import Console
from rich.table import Table

from forensics.batch import Batch
from forensics.interfaces import Operation
from forensics.operations import Gaussian, Median, Resize, Rotate, Shear, WhiteNoise

BATCHES = {"cpu": 32, "cuda": 1024}
OpenCV = Callable[[np.ndarray], np.ndarray]


def warped(matrix: np.ndarray, flag: int) -> OpenCV:
    def one(image: np.ndarray) -> np.ndarray:
        size = image.shape[1], image.shape[0]
        return cv2.warpAffine(image, matrix, size, flags=flag, borderMode=cv2.BORDER_REPLICATE)

    return one


def pairs(size: int) -> dict[str, tuple[Operation, OpenCV]]:
    """Ours and OpenCV's of each operation."""
    centre = (size - 1) / 2
    turn = cv2.getRotationMatrix2D((centre, centre), 5, 1)
    slant = np.array([[1, 0.1, -0.1 * centre], [0, 1, 0]])
    generator = np.random.default_rng(0)

    def noisy(image: np.ndarray) -> np.ndarray:
        noise = generator.standard_normal(image.shape, np.float32) * 2
        return cv2.add(image, noise, dtype=cv2.CV_8U)

    def resized(factor: float, flag: int) -> OpenCV:
        return lambda image: cv2.resize(image, None, fx=factor, fy=factor, interpolation=flag)

    found: dict[str, tuple[Operation, OpenCV]] = {}
    for k in (3, 5, 15):
        found[f"median({k})"] = (Median(k), lambda image, k=k: cv2.medianBlur(image, k))
    found["gaussian(1.1)"] = (Gaussian(1.1), lambda image: cv2.GaussianBlur(image, (0, 0), 1.1))
    found["awgn(2)"] = (WhiteNoise(2.0), noisy)
    for factor in (0.8, 1.5):
        for kernel, flag in (("bilinear", cv2.INTER_LINEAR), ("bicubic", cv2.INTER_CUBIC)):
            name = f"resize({factor},kernel={kernel})"
            found[name] = (Resize(factor, kernel), resized(factor, flag))
    found["rotate(5)"] = (Rotate(5), warped(turn, cv2.INTER_LINEAR))
    found["rotate(5,kernel=bicubic)"] = (Rotate(5, "bicubic"), warped(turn, cv2.INTER_CUBIC))
    found["shear(0.1)"] = (Shear(0.1), warped(slant, cv2.INTER_LINEAR))
    return found


@click.command(help=__doc__)
@click.option("--threads", default=1, show_default=True)
@click.option("--repeats", default=5, show_default=True)
@click.option("--size", default=256, show_default=True)
def main(threads: int, repeats: int, size: int) -> None:
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    picture = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2GRAY)
    columns = ("device", "operation", "OpenCV loop, images/s", "batched, images/s", "ratio")
    table = Table(*columns, title=f"{size} x {size} gray, {threads} thread(s)")
    for device in ["cpu"] + ["cuda"] * torch.cuda.is_available():
        n = BATCHES[device]
        places = [(37 * i % (513 - size), 91 * i % (513 - size)) for i in range(n)]
        images = [np.ascontiguousarray(picture[y : y + size, x : x + size]) for y, x in places]
        batch = Batch.of(torch.from_numpy(np.stack(images))[:, None].to(device))
        for name, (operation, opencv) in pairs(size).items():
            seconds: tuple[list[float], list[float]] = ([], [])
            for turn in range(repeats + 1):
                start = time.perf_counter()
                for image in images[:32]:
                    opencv(image)
                middle = time.perf_counter()
                operation.apply(batch)
                if device == "cuda":
                    torch.cuda.synchronize()
                if turn:
                    seconds[0].append(middle - start)
                    seconds[1].append(time.perf_counter() - middle)
            theirs = 32 / statistics.median(seconds[0])
            ours = n / statistics.median(seconds[1])
            table.add_row(device, name, f"{theirs:,.0f}", f"{ours:,.0f}", f"{ours / theirs:.2f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
