"""What the core itself registers, through the same hooks as every plugin."""

from __future__ import annotations

from forensics.hookspecs import hookimpl
from forensics.registry import Entry


@hookimpl
def forensics_operations() -> list[Entry]:
    return [
        Entry(
            "jpeg", "forensics.operations:JpegCompression", "one JPEG compression: jpeg(quality)"
        ),
        Entry("crop", "forensics.operations:Crop", "rows and columns cut off: crop(top,left)"),
    ]


@hookimpl
def forensics_traces() -> list[Entry]:
    summaries = {
        "jpeg": "was it JPEG-compressed before it was saved without loss?",
        "djpeg": "was this JPEG a JPEG before, on the same grid?",
        "djpeg-shifted": "was this JPEG a JPEG before, on another grid?",
    }
    return [
        Entry(name, f"forensics.traces:{name.upper().replace('-', '_')}", summary)
        for name, summary in summaries.items()
    ]


@hookimpl
def forensics_datasets() -> list[Entry]:
    return [
        Entry("samples", "forensics.data:samples", "photographs shipped by the installed packages")
    ]
