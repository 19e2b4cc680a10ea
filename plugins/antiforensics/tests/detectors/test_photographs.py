"""The minimum decision errors of the six detectors on the Kodak photographs."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from forensics.batch import Batch
from forensics_antiforensics.detectors import KF, KL, KQF, KU1, KU2, KV

from . import reference

# Measured with independent implementations on the same 144 crops; qualities 50, 60, 70, 80, 90.
EXPECTED = {
    KL: (0.000, 0.000, 0.000, 0.010, 0.052),
    KF: (0.007, 0.007, 0.003, 0.007, 0.059),
    KU1: (0.014, 0.014, 0.017, 0.024, 0.122),
    KU2: (0.128, 0.142, 0.167, 0.201, 0.358),
    KQF: (0.003, 0.003, 0.000, 0.000, 0.000),
    KV: (0.038, 0.031, 0.045, 0.014, 0.014),
}
FOLDER = os.environ.get("FORENSICS_TEST_DATA")


def minimum_error(natural: list[float], compressed: list[float]) -> float:
    """min over thresholds t of (share of natural >= t + share of compressed < t) / 2."""
    a, b = np.array(natural), np.array(compressed)
    thresholds = [*natural, *compressed, np.inf]
    return min(float((a >= t).mean() + (b < t).mean()) / 2 for t in thresholds)


@pytest.fixture(scope="module")
def crops() -> list[np.ndarray]:
    if not FOLDER:
        pytest.skip("FORENSICS_TEST_DATA is not set")
    found = []
    for path in sorted(Path(FOLDER, "test", "kodak").glob("*.webp")):
        gray = np.asarray(Image.open(path).convert("L"))
        found += [
            np.ascontiguousarray(gray[y : y + 256, x : x + 256])
            for y in range(0, gray.shape[0] - 255, 256)
            for x in range(0, gray.shape[1] - 255, 256)
        ]
    assert len(found) == 144
    return found


@pytest.mark.data
@pytest.mark.parametrize("kind", EXPECTED, ids=lambda kind: kind.__name__)
def test_minimum_decision_errors(kind: type[KL], crops: list[np.ndarray]) -> None:
    def scores(images: list[np.ndarray]) -> list[float]:
        return kind().score(Batch.of(torch.from_numpy(np.stack(images))[:, None])).values.tolist()

    natural = scores(crops)
    errors = [
        minimum_error(natural, scores([reference.jpeg(crop, quality) for crop in crops]))
        for quality in (50, 60, 70, 80, 90)
    ]
    print(kind.__name__, [round(error, 3) for error in errors])
    assert errors == pytest.approx(EXPECTED[kind], abs=0.02)
