"""A figure with its interval, by resampling photographs.

Patches of one photograph are never independent, so whole photographs are drawn with replacement. A
resample is a weight for each photograph, the number of times that it was drawn, the same for all
sides. A statistic is computed from such weights, for many resamples at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

RESAMPLES = 1000
_PERCENTILES = (2.5, 97.5)
# How many float64 one array of a chunk of resamples may hold (8 MB): small enough for caches.
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Value:
    """A figure and its 95 % interval; n/a is a `value` of None with the `reason`.

    `low` and `high` are None too where there is only one photograph to resample.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


def resamples(photographs: int, seed: int, width: int = 1) -> Iterator[Floats]:
    """`RESAMPLES` draws of photographs with replacement, as float64 weights `[r, photographs]`.

    They come in chunks, so that an array of `width` columns and a row a resample stays small.
    Equal numbers of photographs and equal seeds give equal weights, whatever the width.
    """
    generator = np.random.default_rng(seed)
    rows = max(1, _CHUNK // max(width, photographs))
    share = np.full(photographs, 1.0 / photographs)
    for start in range(0, RESAMPLES, rows):
        count = min(rows, RESAMPLES - start)
        yield generator.multinomial(photographs, share, size=count).astype(np.float64)


def estimate(
    statistic: Callable[[Floats], Floats], photographs: int, seed: int, width: int = 1
) -> list[Value]:
    """K figures with percentile intervals (Efron and Tibshirani, 1993, section 13.3).

    `statistic` maps weights `[r, photographs]` to `[K, r]`, NaN where a resample has none (a
    class is empty, for instance); such resamples are left out of the interval. Its own arrays
    have about `width` columns.
    """
    values = statistic(np.ones((1, photographs)))[:, 0].tolist()
    if photographs < 2:
        return [Value(value) for value in values]
    drawn = np.concatenate([statistic(w) for w in resamples(photographs, seed, width)], axis=1)
    results = []
    for value, row in zip(values, drawn, strict=True):
        present = row[~np.isnan(row)]
        low, high = np.percentile(present, _PERCENTILES).tolist() if len(present) else (None, None)
        results.append(Value(value, low, high))
    return results


def totals(values: Floats, owners: Integers, photographs: int) -> Floats:
    """The sum of `values` `[n]` in each photograph, float64 `[photographs]`."""
    return np.bincount(owners, values, photographs).astype(np.float64, copy=False)


def ratio(above: Floats, below: Floats) -> Floats:
    """above / below, NaN where `below` is 0: no patch, so no figure."""
    return np.divide(above, below, out=np.full_like(below, np.nan), where=below > 0)
