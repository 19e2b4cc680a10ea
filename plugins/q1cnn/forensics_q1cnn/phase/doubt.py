"""Whether images, or parts of one, were compressed twice, and with a listed table first."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from forensics_q1cnn.phase.once import ONCE, UNLISTED, summary
from forensics_q1cnn.phase.trained import once_or_twice
from forensics_q1cnn.phase.windows import WINDOW, Part

# An image is called double where that is so much more probable: 1 in 100 patches of `val` that
# were compressed once is.
_DOUBT = 0.15
# And its table listed where another one is no more probable than that: on `val` 13 of 198 pictures
# with a first table in no list get an answer, and 5 of 66 with a listed one get none any more that
# had one with 0.5 (`benchmarks/q1listed.py`).
_UNLISTED = 0.25
_COMPRESSED_ONCE = "may have been compressed once only"
NO_TABLE = "no listed table fits"


def classes(parts: Sequence[Part], tables: Tensor) -> Tensor:
    """float32 `[N, 3]`: log-probabilities of `once.ONCE`, `LISTED` and `UNLISTED` for N images.

    Each part is judged by itself, as large as those of the training, and the mean counts: what a
    history before the only compression left behind is alike in all parts of a large picture, so
    that more of them make nothing surer.
    """
    rows = [summary(part.scores, part.seen, tables, part.windows, _area(part)) for part in parts]
    judge = once_or_twice(tables.device)
    logs = judge(torch.cat(rows)).log_softmax(1).unflatten(0, (len(rows), -1))
    return logs.mean(0).log_softmax(1)


def _area(part: Part) -> float:
    """Pixels of a window: of some the windows are not all."""
    return min(part.seen.planes[0].numel() / part.windows, WINDOW**2)


def doubts(logs: Tensor) -> tuple[str | None, ...]:
    """Why what is said of images may mean nothing, None where it means something. logs: of
    `classes`."""
    probable = logs.exp()
    once, unlisted = (
        (probable[:, ONCE] > _DOUBT).tolist(),
        (probable[:, UNLISTED] > _UNLISTED).tolist(),
    )
    return tuple(
        _COMPRESSED_ONCE if single else NO_TABLE if neither else None
        for single, neither in zip(once, unlisted, strict=True)
    )
