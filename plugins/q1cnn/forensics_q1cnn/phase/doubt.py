"""Whether images, or parts of one, were compressed twice, and with a listed table first."""

from __future__ import annotations

from torch import Tensor

from forensics_q1cnn.phase.features import Luma
from forensics_q1cnn.phase.once import ONCE, UNLISTED, summary
from forensics_q1cnn.phase.posterior import Scores
from forensics_q1cnn.phase.trained import once_or_twice
from forensics_q1cnn.phase.windows import WINDOW

# An image is called double where that is so much more probable: 1 in 100 patches of `val` that
# were compressed once is.
_DOUBT = 0.15
_COMPRESSED_ONCE = "may have been compressed once only"
NO_TABLE = "no listed table fits"


def classes(scores: Scores, windows: int, seen: Luma, tables: Tensor) -> Tensor:
    """float32 `[N, 3]`: log-probabilities of `once.ONCE`, `LISTED` and `UNLISTED` for N images,
    whose scores are sums over so many windows."""
    area = min(seen.planes[0].numel() / windows, WINDOW**2)  # of some the windows are not all
    rows = summary(scores, seen, tables, windows, area)
    return once_or_twice(rows.device)(rows).log_softmax(1)


def doubts(logs: Tensor) -> tuple[str | None, ...]:
    """Why what is said of images may mean nothing, None where it means something. logs: of
    `classes`."""
    probable = logs.exp()
    once, unlisted = (probable[:, ONCE] > _DOUBT).tolist(), (probable[:, UNLISTED] > 0.5).tolist()
    return tuple(
        _COMPRESSED_ONCE if single else NO_TABLE if neither else None
        for single, neither in zip(once, unlisted, strict=True)
    )
