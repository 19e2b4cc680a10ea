"""Photographs to work on: a folder of one's own, or the samples that need no download.

source = data.resolve("photographs/", split="test")
source[0].load(color=False)     # uint8 [1, H, W]
source.skipped                  # files that could not be read, each with its reason
"""

from forensics.data.folder import folder
from forensics.data.samples import samples
from forensics.data.source import Photograph, Source

__all__ = ["Photograph", "Source", "folder", "resolve", "samples"]


def resolve(spec: str | None, split: str | None = None) -> Source:
    """The source that a command line names: None or "samples" for `samples`, else a folder.

    Raises ForensicsError as `folder` does, and for a split of the samples, which have none.
    """
    return samples(split) if spec is None or spec == "samples" else folder(spec, split)
