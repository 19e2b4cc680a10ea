"""`q1constant` against numpy, on tables that Pillow wrote."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

import forensics
from forensics import jpeg
from forensics.batch import Batch

FIRST = (0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4)


def written(quality):
    """The first 15 luma steps of Pillow's table, zig-zag order."""
    file = io.BytesIO()
    Image.new("L", (8, 8)).save(file, "jpeg", quality=quality)
    with Image.open(file) as opened:
        return [opened.quantization[0][place] for place in FIRST]


def of(qualities):
    pixels = torch.zeros(len(qualities), 1, 8, 8, dtype=torch.uint8)
    compressed = jpeg.compress(pixels, torch.tensor(qualities))
    return Batch.of(jpeg.decode(compressed), compressed)


@pytest.mark.parametrize(("second", "lowest"), [(90, 60), (85, 60), (84, 55), (80, 55)])
def test_it_is_that_of_the_papers_first_qualities(second, lowest):
    tables = np.array([written(q) for q in range(lowest, 99)])
    commonest = [np.bincount(column).argmax() for column in tables.T]
    for decode, expected in (
        ("argmax", commonest),
        ("median", np.quantile(tables, 0.5, axis=0, method="inverted_cdf")),
        ("expectation", tables.mean(0)),
    ):
        found = forensics.load(f"q1constant:decode={decode}").estimate(of([second]))
        np.testing.assert_allclose(found.values[0], expected, rtol=1e-5)


def test_another_prior_and_probabilities():
    tables = np.array([written(q) for q in range(70, 99)])
    found = forensics.load("q1constant:lowest=70").estimate(of([80, 90]))
    for i in range(15):
        shares = np.bincount(tables[:, i])[1:] / len(tables)
        for n in range(2):
            given = found.beliefs[f"step{i + 1}"].shares[n]
            np.testing.assert_allclose(given[: len(shares)], shares, atol=1e-6)
            assert not given[len(shares) :].any()
