"""What the core itself registers, through the same hooks as every plugin."""

from __future__ import annotations

from forensics.hookspecs import hookimpl
from forensics.registry import Entry


@hookimpl
def forensics_operations() -> list[Entry]:
    return [
        Entry(name, f"forensics.operations:{factory}", summary)
        for name, factory, summary in (
            ("jpeg", "JpegCompression", "one JPEG compression: jpeg(quality)"),
            ("crop", "Crop", "rows and columns cut off: crop(top,left)"),
            ("median", "Median", "median of a square neighbourhood: median(size)"),
            ("gaussian", "Gaussian", "blur by a Gaussian: gaussian(s.d. in pixels)"),
            ("awgn", "WhiteNoise", "white Gaussian noise: awgn(s.d. in grey levels)"),
            ("resize", "Resize", "new size: resize(new/old,kernel=bilinear,antialias=false)"),
            ("rotate", "Rotate", "turn counter-clockwise: rotate(degrees,kernel=bilinear)"),
            ("shear", "Shear", "rows moved to the right: shear(factor,kernel=bilinear)"),
        )
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
