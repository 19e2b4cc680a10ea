"""Photographs to work on: a folder of one's own, the samples that need no download, or pictures
that are painted.

source = data.resolve("photographs/", split="test")
source[0].load(color=False)     # uint8 [1, H, W]
source.skipped                  # files that could not be read, each with its reason
"""

from collections.abc import Sequence

from forensics.data.folder import folder, ignored, splits
from forensics.data.labelled import labelled
from forensics.data.leaves import dead_leaves
from forensics.data.samples import samples
from forensics.data.source import Photograph, Source
from forensics.models.registry import registry

__all__ = [
    "Photograph",
    "Source",
    "dead_leaves",
    "folder",
    "ignored",
    "labelled",
    "resolve",
    "samples",
    "splits",
]


def resolve(
    spec: str | None,
    split: str | None = None,
    photographs: Sequence[str] = (),
    reduce: int = 1,
) -> Source:
    """The source that a command line names: a registered dataset (`samples` where `spec` is
    None), else a folder. photographs, reduce: which of it, and how large; see `Source.chosen`.

    Raises ForensicsError as `folder` and `Source.chosen` do, and for a split of a dataset that
    has none.
    """
    name = spec or "samples"
    if name in registry().all("dataset"):
        source = registry().get(name, "dataset").entry.load()(split)
        assert isinstance(source, Source)
        return source.chosen(photographs, reduce)
    return folder(name, split, photographs, reduce)
