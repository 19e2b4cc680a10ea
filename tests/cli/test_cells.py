"""What stands in a cell of the tables."""

import pytest

from forensics.bench.cells import ResultCell
from forensics.cli.tables.kinds import KINDS
from forensics.metrics.intervals import Value


def cell(answered, accuracy=0.5):
    """One cell of an estimator that was never asked about untouched patches."""
    figures = {
        "accuracy": Value(accuracy, accuracy - 0.1, accuracy + 0.1),
        "mse": Value(2.0),
        "false_estimates": Value(None),
        "answered": Value(answered),
    }
    return ResultCell("jpeg", {"q": 60}, None, "toy-quality", "estimator", metrics=figures)


@pytest.mark.parametrize(
    ("shares", "text"),
    [
        ([1.0], ".50 ±.10 2 -"),
        ([0.61], ".50 ±.10 2 - of 61 %"),
        ([1.0, 0.5], ".50 ±.10 2 - of 75 %"),
        ([0.999], ".50 ±.10 2 - of 99 %"),  # never as if it were all
    ],
)
def test_an_estimators_figures_say_of_how_many_they_are(shares, text):
    assert KINDS["estimator"].figures([cell(share) for share in shares]) == text
