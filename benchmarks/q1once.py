"""How often `q1phase` states a first JPEG where there was none, and still does where there was one.

    python benchmarks/q1once.py --data DIR [--split test]

Every photograph is saved by Pillow as a whole picture, at qualities 50 to 95: once; once after it
was enlarged by 1.2, 1.5 or 2; as a chat program does, compressed, reduced to seven tenths and
compressed again, where nothing is left of the first JPEG's grid; and twice. Prints for each the
share of pictures with an answer, a 95 % interval over photographs, and, where there was a first
JPEG, the share of right steps among the answers.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from collections.abc import Callable, Iterator

import numpy as np
import torch
from PIL import Image

import forensics
from forensics import data
from forensics.batch import Batch
from forensics.images import Picture
from forensics.jpeg import ZIGZAG, standard_tables

QUALITIES = (50, 60, 75, 85, 95)
FACTORS = (1.2, 1.5, 2.0)
FIRST = (65, 80)


def saved(image: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    with Image.open(file) as opened:
        return opened.convert(image.mode)


def resized(image: Image.Image, factor: float) -> Image.Image:
    size = (round(image.width * factor), round(image.height * factor))
    return image.resize(size, Image.Resampling.BICUBIC)


def once(image: Image.Image, quality: int) -> Iterator[bytes]:
    yield written(image, quality)


def enlarged(image: Image.Image, quality: int) -> Iterator[bytes]:
    for factor in FACTORS:
        yield written(resized(image, factor), quality)


def chat(image: Image.Image, quality: int) -> Iterator[bytes]:
    yield written(resized(saved(image, 90), 0.7), quality)


def twice(image: Image.Image, quality: int) -> Iterator[bytes]:
    for first in FIRST:
        yield written(saved(image, first), quality)


def written(image: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--split", default="test")
    parser.add_argument("--model", default="q1phase")
    parser.add_argument("--every", type=int, default=1, help="of so many photographs one")
    parser.add_argument("--kinds", nargs="*", default=("once", "enlarged", "chat", "twice"))
    given = parser.parse_args()
    model = forensics.load(given.model)
    photographs = list(data.folder(given.data, given.split))[:: given.every]
    print(f"{len(photographs)} photographs of the split {given.split}, qualities {QUALITIES}")
    for kind in (once, enlarged, chat, twice):
        if kind.__name__ in given.kinds:
            measure(kind, model, photographs)


def measure(kind: Callable, model, photographs) -> None:
    answered, right = [], []
    for photograph in photographs:
        image = Image.fromarray(photograph.picture().pixels.squeeze())
        said = []
        for quality in QUALITIES:
            for number, content in enumerate(kind(image, quality)):
                values = asked(model, content)
                said.append(values is not None)
                if values is not None and kind is twice:
                    true = standard_tables(FIRST[number], 1).flatten()[ZIGZAG[:15]]
                    right.append(float((values[:15] == true).float().mean()))
        answered.append(np.mean(said))
    resamples = np.random.default_rng(0).choice(answered, (1000, len(answered))).mean(1)
    low, high = np.quantile(resamples, (0.025, 0.975))
    steps = f", {np.mean(right):.3f} of the steps right" if right else ""
    count = len(said) * len(answered)
    share = f"{np.mean(answered):.4f} ({low:.4f}..{high:.4f})"
    print(f"{kind.__name__}: {share} answered of {count}{steps}", flush=True)


def asked(model, content: bytes) -> torch.Tensor | None:
    """What the model says of a file, None for n/a."""
    with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
        file.write(content)
        file.flush()
        picture: Picture = forensics.open(file.name)
        batch: Batch = picture.batch()
    with torch.inference_mode():
        estimate = model.estimate(batch)
    return None if estimate.reasons and estimate.reasons[0] else estimate.values[0]


if __name__ == "__main__":
    main()
