"""What the core itself registers, through the same hooks as every plugin."""

from __future__ import annotations

from forensics.models.entries import Entry, ModelEntry, TraceEntry
from forensics.models.hookspecs import hookimpl


@hookimpl
def forensics_operations() -> list[Entry]:
    return [
        Entry(name, f"forensics.histories.operations:{factory}", summary)
        for name, factory, summary in (
            ("jpeg", "JpegCompression", "one JPEG compression: jpeg(quality)"),
            ("crop", "Crop", "rows and columns cut off: crop(top,left)"),
            ("median", "Median", "median of a square neighbourhood: median(size)"),
            ("gaussian", "Gaussian", "blur by a Gaussian: gaussian(s.d. in pixels)"),
            ("sharpen", "Sharpen", "unsharp masking: sharpen(amount,s.d. of the blur)"),
            ("awgn", "WhiteNoise", "white Gaussian noise: awgn(s.d. in grey levels)"),
            ("resize", "Resize", "new size: resize(new/old,kernel=bilinear,antialias=false)"),
            ("rotate", "Rotate", "turn counter-clockwise: rotate(degrees,kernel=bilinear)"),
            ("shear", "Shear", "rows moved to the right: shear(factor,kernel=bilinear)"),
            (
                "affine",
                "Affine",
                "scale, turn and shear at once: affine(scale,degrees,shear,order=1)",
            ),
            ("maybe", "Maybe", "steps that a patch takes by chance: maybe(chance,history)"),
            ("splice", "Splice", "a region of another history: splice(history,donor=0)"),
        )
    ]


@hookimpl
def forensics_attackers() -> list[ModelEntry]:
    module, again = "forensics.histories.attackers", "bicubic down to 0.9 and up again"
    steps = (
        ("median3", "median(3)", "median of 3 x 3 pixels"),
        ("blur", "gaussian(0.5)", "Gaussian blur, s.d. 0.5 pixels"),
        ("noise", "awgn(2)", "white Gaussian noise, s.d. 2 grey levels"),
        ("resave-90", "jpeg(90)", "JPEG of quality 90, decoded"),
        ("resave-75", "jpeg(75)", "JPEG of quality 75, decoded"),
    )
    return [
        *(
            ModelEntry(name, f"{module}:OneStep", summary, seconds=0.00008, bind={"step": step})
            for name, step, summary in steps
        ),
        ModelEntry("resize-back", f"{module}:ResizeBack", again, seconds=0.00008),
    ]


@hookimpl
def forensics_traces() -> list[Entry]:
    summaries = {
        "jpeg": "was it JPEG-compressed before it was saved without loss?",
        "djpeg": "was this JPEG a JPEG before, on the same grid?",
        "djpeg-shifted": "was this JPEG a JPEG before, on another grid?",
    }
    single = (
        "median",
        "gaussian",
        "gaussian-kernel",
        "awgn",
        "resize-bilinear",
        "resize-bicubic",
        "rotate",
        "shear",
    )
    kinds = {
        "": "was it processed before it was saved without loss?",
        "-camera": "was it processed after it came as a JPEG, before it was saved without loss?",
        "-jpeg": "was this JPEG processed before?",
        "-resaved": "was this JPEG processed before it was saved twice?",
    }
    manipulations = {name + kind: text for name in single for kind, text in kinds.items()} | {
        "jpeg-camera": "was it JPEG-compressed again before it was saved without loss?",
        "q1": "which was the first quantisation of this JPEG, whatever its grid?",
        "q1-aligned": "which was the first quantisation of this JPEG, on the same grid?",
        "q1-shifted": "which was the first quantisation of this JPEG, on another grid?",
    }
    composites = {
        "operation": "which operation was it processed by before it was saved without loss?",
        "operation-jpeg": "which operation was it processed by before it became this JPEG?",
        "operation-resaved": "which operation was it processed by before it was saved twice?",
        "splice-q1": "is a region of this JPEG from one of another first quality?",
        "splice-two": "are two regions of this JPEG from others, of two other first qualities?",
        "splice-resize": "is a region of this JPEG from another photograph, resized?",
        "splice-rotate": "is a region of this JPEG from another photograph, turned?",
        "splice-blur": "is a region of this JPEG blurred?",
        "splice-noise": "is a region of this JPEG more noisy?",
        "splice-copy": "is a region of this JPEG copied from elsewhere in it?",
        "splice-blur-camera": "is a region of this picture blurred after the camera's JPEG?",
        "splice-enlarge": "is a region of this JPEG a copy of another, enlarged?",
        "splice-enlarge-camera": "is a region a copy of another, enlarged after the camera's JPEG?",
    }
    modules = {"jpeg": summaries, "manipulations": manipulations, "composites": composites}
    # What was there before has no value for 'none': a first quality, or a copy.
    nothing = {*summaries, "q1", "q1-aligned", "q1-shifted"}
    nothing |= {"jpeg-camera", "splice-q1", "splice-two", "splice-copy"}
    return [
        (Entry if name in nothing else TraceEntry)(
            name, f"forensics.traces.{module}:{name.upper().replace('-', '_')}", summary
        )
        for module, those in modules.items()
        for name, summary in those.items()
    ]


@hookimpl
def forensics_datasets() -> list[Entry]:
    return [
        Entry("samples", "forensics.data:samples", "photographs shipped by the installed packages"),
        Entry("dead-leaves", "forensics.data:dead_leaves", "painted pictures, never compressed"),
    ]
