"""JPEG round trips a second, pixels to coefficients to pixels, against Pillow and kornia.

    python benchmarks/jpeg.py [--threads 1] [--repeats 9] [--quality 75]

Pillow's round trip includes entropy coding (it has no other); ours and kornia's do not. Images are
crops of a photograph that scikit-image ships. Each figure is the median of the repeats, which
take turns so that a busy machine disturbs all alike; one round of warm-up. Pillow is looped over in
as many threads as torch may use. kornia (4:2:0 only) is left out where it is not installed.
"""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import click
import numpy as np
import skimage.data
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table
from torch import Tensor

from forensics.jpeg import compress, decode

try:
    from kornia.enhance import jpeg_codec_differentiable
except ImportError:
    jpeg_codec_differentiable = None

BATCHES = {"cpu": {64: 256, 256: 32}, "cuda": {64: 16384, 256: 4096}}


def crops(n: int, size: int, sampling: str) -> Tensor:
    """uint8 `[n, 1 or 3, size, size]`, at places spread over a photograph."""
    photograph = Image.fromarray(skimage.data.astronaut())
    array = np.asarray(photograph.convert("L" if sampling == "gray" else "RGB"))
    array = array.reshape(512, 512, -1)
    places = [(37 * i % (513 - size), 91 * i % (513 - size)) for i in range(n)]
    stack = np.stack([array[y : y + size, x : x + size] for y, x in places])
    return torch.from_numpy(stack).permute(0, 3, 1, 2).contiguous()


def pillow_loop(arrays: list[np.ndarray], quality: int, threads: int) -> list[np.ndarray]:
    def one(array: np.ndarray) -> np.ndarray:
        file = io.BytesIO()
        Image.fromarray(array).save(file, "JPEG", quality=quality, subsampling="4:2:0")
        return np.asarray(Image.open(file))

    if threads == 1:
        return [one(array) for array in arrays]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, arrays))


def methods(
    pixels: Tensor, sampling: str, device: str, quality: int, threads: int
) -> dict[str, tuple[int, Callable[[], object]]]:
    """Name -> (images in one call, the call)."""
    n = len(pixels)
    here = [np.ascontiguousarray(p.permute(1, 2, 0).squeeze(2)) for p in pixels[:256]]
    there = pixels.to(device)

    def ours() -> Tensor:
        return decode(compress(there, quality, sampling))

    def tensors() -> Tensor:
        with mock.patch("forensics.device.compiled", return_value=False):
            return ours()

    found: dict[str, tuple[int, Callable[[], object]]] = {
        "Pillow": (len(here), lambda: pillow_loop(here, quality, threads)),
        "forensics": (n, ours),
    }
    if device == "cpu":
        found["forensics, tensor path"] = (n, tensors)
    if jpeg_codec_differentiable is not None and sampling == "4:2:0":
        floats = there[:1024].float() / 255
        q = torch.tensor([float(quality)], device=device)
        found["kornia"] = (len(floats), lambda: jpeg_codec_differentiable(floats, q))
    return found


def rates(
    calls: dict[str, tuple[int, Callable[[], object]]], device: str, repeats: int
) -> dict[str, float]:
    """Images a second: medians of wall time, the methods taking turns."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(repeats + 1):
        for name, (_, call) in calls.items():
            start = time.perf_counter()
            call()
            if device == "cuda":
                torch.cuda.synchronize()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: n / statistics.median(seconds[name]) for name, (n, _) in calls.items()}


@click.command(help=__doc__)
@click.option("--threads", default=1, show_default=True)
@click.option("--repeats", default=9, show_default=True)
@click.option("--quality", default=75, show_default=True)
def main(threads: int, repeats: int, quality: int) -> None:
    torch.set_num_threads(threads)
    console = Console(width=100)
    if jpeg_codec_differentiable is None:
        console.print("kornia is not installed: left out (pip install kornia)")
    columns = ("device", "side", "sampling", "batch", "method", "images/s", "x Pillow")
    table = Table(*columns, title=f"JPEG round trips, quality {quality}, {threads} thread(s)")
    wrong = 0
    for device in ["cpu"] + ["cuda"] * torch.cuda.is_available():
        for size, n in BATCHES[device].items():
            for sampling in ("gray", "4:2:0"):
                pixels = crops(n, size, sampling)
                calls = methods(pixels, sampling, device, quality, threads)
                found = rates(calls, device, repeats)
                for name, rate in found.items():
                    ratio = f"{rate / found['Pillow']:.2f}"
                    batch = "loop" if name == "Pillow" else str(calls[name][0])
                    table.add_row(device, str(size), sampling, batch, name, f"{rate:,.0f}", ratio)
                exact = np.stack(calls["Pillow"][1]()).reshape(-1, size, size, pixels.shape[1])
                mine = calls["forensics"][1]()[: len(exact)].permute(0, 2, 3, 1).cpu().numpy()
                wrong += int((exact != mine).sum())
    console.print(table)
    console.print(f"pixels in which forensics differs from Pillow: {wrong}")


if __name__ == "__main__":
    main()
