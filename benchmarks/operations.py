"""Images a second of the operations, batched, beside OpenCV and Pillow in a loop.

    python benchmarks/operations.py [--threads 1] [--repeats 9] [--size 128] [--color] [--tensors]

Crops of a photograph that scikit-image ships; noise against numpy's generator and OpenCV's
saturated sum. Each figure is that of the quickest repeat: all take turns, and what else a machine
does only ever slows one down; one round of warm-up. `--tensors` times the tensor path on the CPU
too, which is the one that a GPU takes. On a GPU, the batch is larger and the loops stay on the CPU.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar
from unittest import mock

import click
import cv2
import numpy as np
import skimage.data
import torch
from PIL import Image, ImageFilter
from rich.console import Console
from rich.table import Table

from forensics import device as devices
from forensics.batch import Batch
from forensics.histories.operations import Gaussian, Median, Resize, Rotate, Shear, WhiteNoise
from forensics.models.interfaces import Operation

BATCHES = {"cpu": 32, "cuda": 1024}
LOOP = 16
OpenCV = Callable[[np.ndarray], np.ndarray]
Pillow = Callable[[Image.Image], Image.Image]
T = TypeVar("T")
FLAGS = {"nearest": cv2.INTER_NEAREST, "bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}
FILTERS = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}


def warped(matrix: np.ndarray, kernel: str) -> OpenCV:
    def one(image: np.ndarray) -> np.ndarray:
        size = image.shape[1], image.shape[0]
        return cv2.warpAffine(
            image, matrix, size, flags=FLAGS[kernel], borderMode=cv2.BORDER_REPLICATE
        )

    return one


def resized(factor: float, kernel: str) -> OpenCV:
    return lambda image: cv2.resize(image, None, fx=factor, fy=factor, interpolation=FLAGS[kernel])


def reduced(factor: float, kernel: str, size: int) -> Pillow:
    side = round(factor * size)
    return lambda image: image.resize((side, side), FILTERS[kernel])


def cases(size: int) -> dict[str, tuple[Operation, OpenCV | None, Pillow | None]]:
    """Ours, OpenCV's and Pillow's of each operation; None where they have no such one."""
    centre = (size - 1) / 2
    turn = cv2.getRotationMatrix2D((centre, centre), 5, 1)
    slant = np.array([[1, 0.1, -0.1 * centre], [0, 1, 0]])
    generator = np.random.default_rng(0)

    def noisy(image: np.ndarray) -> np.ndarray:
        noise = generator.standard_normal(image.shape, np.float32) * 2
        return cv2.add(image, noise, dtype=cv2.CV_8U)

    found: dict[str, tuple[Operation, OpenCV | None, Pillow | None]] = {}
    for k in (3, 5, 7, 15):
        pillow = (lambda image, k=k: image.filter(ImageFilter.MedianFilter(k))) if k < 6 else None
        found[f"median({k})"] = (Median(k), lambda image, k=k: cv2.medianBlur(image, k), pillow)
    for s in (0.5, 1.1):
        found[f"gaussian({s})"] = (
            Gaussian(s),
            lambda image, s=s: cv2.GaussianBlur(image, (0, 0), s),
            None,
        )
    found["awgn(2)"] = (WhiteNoise(2.0), noisy, None)
    for factor, kernel in (
        *((f, k) for f in (0.8, 1.5) for k in ("bilinear", "bicubic")),
        (0.8, "nearest"),
    ):
        found[f"resize({factor},kernel={kernel})"] = (
            Resize(factor, kernel),
            resized(factor, kernel),
            reduced(factor, kernel, size) if kernel == "nearest" else None,
        )
    for kernel in ("bilinear", "bicubic"):
        found[f"resize(0.5,kernel={kernel},antialias=true)"] = (
            Resize(0.5, kernel, True),
            None,
            reduced(0.5, kernel, size),
        )
    for kernel in ("nearest", "bilinear", "bicubic"):
        found[f"rotate(5,kernel={kernel})"] = (Rotate(5, kernel), warped(turn, kernel), None)
    found["shear(0.1)"] = (Shear(0.1), warped(slant, "bilinear"), None)
    return found


def rates(calls: dict[str, tuple[int, Callable[[], object]]], repeats: int) -> dict[str, float]:
    """Images a second of calls that work on so many each."""
    seconds = dict.fromkeys(calls, float("inf"))
    for turn in range(repeats + 1):
        for name, (_, call) in calls.items():
            start = time.perf_counter()
            call()
            if turn:
                seconds[name] = min(seconds[name], time.perf_counter() - start)
    return {name: n / seconds[name] for name, (n, _) in calls.items()}


def batched(operation: Operation, batch: Batch) -> Callable[[], None]:
    def call() -> None:
        operation.apply(batch)
        if batch.device.type == "cuda":
            torch.cuda.synchronize()

    return call


def looped(act: Callable[[T], object], images: list[T]) -> Callable[[], None]:
    def call() -> None:
        for image in images:
            act(image)

    return call


def no(values: torch.Tensor) -> bool:
    return False


@click.command(help=__doc__)
@click.option("--threads", default=1, show_default=True)
@click.option("--repeats", default=9, show_default=True)
@click.option("--size", default=128, show_default=True)
@click.option("--color", is_flag=True)
@click.option("--tensors", is_flag=True)
def main(threads: int, repeats: int, size: int, color: bool, tensors: bool) -> None:
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    picture = skimage.data.astronaut()
    if not color:
        picture = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    title = f"{size} x {size} {'RGB' if color else 'gray'}, {threads} thread(s), images/s"
    table = Table("operation", "OpenCV, loop", "Pillow, loop", title=title)
    table.add_column("device")
    table.add_column("batched")
    table.add_column("ratio")
    if tensors:
        table.add_column("tensor path")
    for device in ["cpu"] + ["cuda"] * torch.cuda.is_available():
        n = BATCHES[device]
        places = [(37 * i % (513 - size), 91 * i % (513 - size)) for i in range(n)]
        images = [np.ascontiguousarray(picture[y : y + size, x : x + size]) for y, x in places]
        stack = np.stack(images).reshape(n, size, size, -1).transpose(0, 3, 1, 2)
        batch = Batch.of(torch.from_numpy(np.ascontiguousarray(stack)).to(device))
        pillows = [Image.fromarray(image) for image in images[:LOOP]]
        for name, (operation, opencv, pillow) in cases(size).items():
            ours = batched(operation, batch)
            calls: dict[str, tuple[int, Callable[[], object]]] = {"batched": (n, ours)}
            if opencv:
                calls["OpenCV"] = (LOOP, looped(opencv, images[:LOOP]))
            if pillow:
                calls["Pillow"] = (LOOP, looped(pillow, pillows))
            if tensors:
                calls["tensors"] = (n, mock.patch.object(devices, "compiled", no)(ours))
            found = rates(calls, repeats)
            loop = found.get("OpenCV", found.get("Pillow", 0))
            row = [f"{found[m]:,.0f}" if m in found else "" for m in ("OpenCV", "Pillow")]
            row += [device, f"{found['batched']:,.0f}", f"{found['batched'] / loop:.2f}"]
            table.add_row(name, *row, *([f"{found['tensors']:,.0f}"] if tensors else []))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
